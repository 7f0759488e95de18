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
)

// Quiet ends what TensorFlow says of itself while it is loaded and when its
// first session runs, and has it log only errors from then on. An environment
// with TF_CPP_MIN_LOG_LEVEL, TensorFlow's own variable, is left to say what is
// logged. Call it first: nothing else may write to standard error meanwhile.
//
// The notes come from two logs, one of which has no setting; they are said to
// nobody instead.
func Quiet() {
	const level = "TF_CPP_MIN_LOG_LEVEL"
	if _, isSet := os.LookupEnv(level); isSet {
		return
	}
	C.hush()
	_ = os.Setenv(level, "2") // fails only for a name no system takes
	C.run_nothing()
	C.unhush()
}

// Path is the file that libtensorflow was loaded from, links resolved.
func Path() string {
	path := C.GoString(C.library_path())
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		return resolved
	}
	return path
}
