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
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/rnnbin/rnnbin/graph"
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
// errors only, and os.Stderr is what Quietly does not divert. Call it first.
func Loaded() {
	if chosen() {
		return
	}
	_ = os.Setenv(levelVariable, "2") // fails only for a name no system takes
	C.unhush()
	if fd, err := unix.FcntlInt(original.Fd(), unix.F_DUPFD_CLOEXEC, 3); err == nil {
		os.Stderr = os.NewFile(uintptr(fd), original.Name())
	}
}

// original is what C code writes to. It is kept, for a file that nobody refers to is closed.
var original = os.Stderr

// quiet are the calls of Quietly that are under way.
var quiet struct {
	sync.Mutex
	calls int
}

// Quietly calls f with the standard error of C code diverted, and adds to f's error what
// faults were logged meanwhile. It is for the first run of a session, which logs to a log of
// its own that has no setting. Several goroutines may call it at the same time.
func Quietly(f func() error) error {
	if chosen() {
		return f()
	}
	from := divert()
	var log string
	err := func() error {
		defer func() { log = restore(from) }()
		return f()
	}()
	if log = faults(log); err != nil && log != "" {
		return fmt.Errorf("%w (libtensorflow: %s)", err, log)
	}
	return err
}

// NewSession is [graph.NewSessionAt] without what TensorFlow logs on the way.
func NewSession(at *graph.Server, c graph.Config) (s *graph.Session, err error) {
	err = Quietly(func() (err error) { s, err = graph.NewSessionAt(at, c); return err })
	return s, err
}

// divert returns where in what is diverted the caller's part begins.
func divert() (from C.long) {
	quiet.Lock()
	defer quiet.Unlock()
	if quiet.calls++; quiet.calls == 1 {
		C.hush()
		C.speak_last()
		_ = debug.SetCrashOutput(os.Stderr, debug.CrashOptions{}) // a panic elsewhere is not to be hushed
	}
	return C.hushed()
}

// restore returns the end of what was logged.
func restore(from C.long) string {
	quiet.Lock()
	defer quiet.Unlock()
	text := make([]byte, 4096)
	n := C.hushed_tail(from, (*C.char)(unsafe.Pointer(&text[0])), C.size_t(len(text)))
	if quiet.calls--; quiet.calls == 0 {
		_ = debug.SetCrashOutput(nil, debug.CrashOptions{})
		C.speak_no_more()
		C.unhush()
	}
	return string(text[:n])
}

// remark is how a line of the log begins that is no error: with a time and a letter, or, in
// absl's format, with the letter; or what goes on from one.
var remark = regexp.MustCompile(`^(\d{4}-\S+ \S+: [IW] |[IW]\d{4} |WARNING: All log messages before absl|To enable the following instructions: )`)

// Remark reports whether a line that TensorFlow logs is no error.
func Remark(line string) bool { return remark.MatchString(line) }

// faults joins the lines of a log that report an error.
func faults(log string) string {
	var lines []string
	for line := range strings.Lines(log) {
		if line = strings.TrimSpace(line); line != "" && !Remark(line) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}

// Path is the file that libtensorflow was loaded from, links resolved.
func Path() string {
	path := C.GoString(C.library_path())
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		return resolved
	}
	return path
}
