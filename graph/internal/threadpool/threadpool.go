// Package threadpool gives each session of TensorFlow in this process threads of its
// own.
//
// Otherwise TensorFlow's CPU device has one pool of them in a process, whose size the
// first session decides: a session for one thread would leave all later ones with one.
// TensorFlow knows no other switch for it than a variable of the environment, which
// is read whenever a session starts.
package threadpool

// #include <stdlib.h>
import "C"

import "unsafe"

// Before main: no other thread looks into the environment yet. What a user has set
// stays.
func init() {
	name, value := C.CString("TF_OVERRIDE_GLOBAL_THREADPOOL"), C.CString("1")
	C.setenv(name, value, 0)
	C.free(unsafe.Pointer(name))
	C.free(unsafe.Pointer(value))
}
