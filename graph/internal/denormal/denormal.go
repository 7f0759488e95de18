// Package denormal has a thread take numbers too small for float32's normal form
// as zero.
//
// TensorFlow does so in threads of its own. In a caller's thread it is up to
// the caller: an optimizer's moments of units that have become inactive decay
// into such numbers, each of which costs the processor a hundred times the
// usual.
package denormal

// #include "denormal.h"
import "C"

import "runtime"

// Flush calls f with denormal numbers taken as zero by its thread, and by that
// alone.
func Flush(f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := C.flush_denormals()
	defer C.set_denormal_mode(before)
	f()
}
