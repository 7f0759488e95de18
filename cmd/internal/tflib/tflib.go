// Package tflib knows the libtensorflow that the process has loaded: where it
// is, and how to keep its log off the program's standard error.
package tflib

// #cgo LDFLAGS: -ltensorflow -ldl
// #define _GNU_SOURCE
// #include <dlfcn.h>
// #include "hush.h"
// #include "tensorflow/c/c_api.h"
//
// static const char *library_path(void) {
//   Dl_info info;
//   return dladdr((void *)TF_Version, &info) ? info.dli_fname : "";
// }
import "C"

import (
	"os"
	"path/filepath"
	"sync"
)

// levelVariable is TensorFlow's own. An environment that has it says what is to
// be logged; nothing is diverted then.
const levelVariable = "TF_CPP_MIN_LOG_LEVEL"

// chosen is whether the environment the process started with has it.
var chosen = sync.OnceValue(func() bool {
	_, isSet := os.LookupEnv(levelVariable)
	return isSet
})

// Loaded ends the silence that this package lays over the loading of
// libtensorflow, which logs before main begins. From then on TensorFlow logs
// errors only. Call it first.
func Loaded() {
	if chosen() {
		return
	}
	_ = os.Setenv(levelVariable, "2") // fails only for a name no system takes
	C.unhush()
}

// Quietly calls f with standard error diverted. It is for the first run of a
// session, which logs to a log of its own that has no setting; nothing else may
// write to standard error meanwhile.
func Quietly(f func()) {
	if !chosen() {
		C.hush()
		defer C.unhush()
	}
	f()
}

// Path is the file that libtensorflow was loaded from, links resolved.
func Path() string {
	path := C.GoString(C.library_path())
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		return resolved
	}
	return path
}
