package tflib

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// log writes where C code does.
func log(format string, args ...any) {
	_, _ = syscall.Write(syscall.Stderr, fmt.Appendf(nil, format+"\n", args...))
}

// deaths are ways for a process to end while standard error is diverted. They run in one of
// their own.
var deaths = map[string]func(){
	"a signal": func() { _ = syscall.Kill(os.Getpid(), syscall.SIGABRT); time.Sleep(time.Minute) },
	"a fault":  func() { _ = syscall.Kill(os.Getpid(), syscall.SIGSEGV); time.Sleep(time.Minute) },
	"a panic elsewhere": func() {
		go panic("what happened")
		time.Sleep(time.Minute)
	},
}

const deathVariable = "RNNBIN_TEST_DEATH"

func TestMain(m *testing.M) {
	Loaded()
	if f := deaths[os.Getenv(deathVariable)]; f != nil {
		_ = Quietly(func() error {
			for i := range 1000 {
				log("line %d", i)
			}
			log("the last words")
			f()
			return nil
		})
	}
	os.Exit(m.Run())
}

func TestLastWords(t *testing.T) {
	if chosen() {
		t.Skip(levelVariable, "is set, so nothing is hushed")
	}
	for name := range deaths {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool {
			return strings.HasPrefix(v, levelVariable) // which Loaded has set
		}), deathVariable+"="+name)
		var errOut bytes.Buffer
		cmd.Stderr = &errOut
		if err := cmd.Run(); err == nil {
			t.Errorf("%s: the process lives", name)
		}
		text := errOut.String()
		words := "line 999\nthe last words\n"
		if name == "a panic elsewhere" {
			words = "panic: what happened\n"
		}
		if strings.Count(text, words) != 1 || strings.Contains(text, "line 0\n") || !strings.Contains(text, "goroutine ") {
			t.Errorf("%s: standard error has\n%s", name, text)
		}
	}
}

func TestQuietlyAddsFaultsToTheError(t *testing.T) {
	if chosen() {
		t.Skip(levelVariable, "is set, so nothing is hushed")
	}
	cause := errors.New("it failed")
	for _, test := range []struct {
		log, want string
	}{
		{"", "it failed"},
		{"2026-11-24 12:29:04.780629: I tensorflow/core/util/port.cc:153] fine\nI0000 00:00:17 x.cc:1] fine\nWARNING: All log messages before absl::InitializeLog() is called", "it failed"},
		{"2026-11-24 12:29:04.780629: E x.cc:1] bad\nE0000 00:00:17 x.cc:1] worse", "it failed (libtensorflow: 2026-11-24 12:29:04.780629: E x.cc:1] bad; E0000 00:00:17 x.cc:1] worse)"},
	} {
		err := Quietly(func() error {
			log("%s", test.log)
			return cause
		})
		if !errors.Is(err, cause) || err.Error() != test.want {
			t.Errorf("%q: error %v", test.log, err)
		}
		if err := Quietly(func() error { log("%s", test.log); return nil }); err != nil {
			t.Error(err)
		}
	}
}

// Calls side by side divert standard error once, and each has its own part at least.
func TestQuietlySideBySide(t *testing.T) {
	if chosen() {
		t.Skip(levelVariable, "is set, so nothing is hushed")
	}
	var before, after syscall.Stat_t
	if err := syscall.Fstat(syscall.Stderr, &before); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for k := range 12 { // all of it fits into what is kept
				words := fmt.Sprintf("fault %d of goroutine %d", k, i)
				err := Quietly(func() error {
					log("%s", words)
					return errors.New("it failed")
				})
				if !strings.Contains(err.Error(), words) {
					t.Errorf("error %v lacks %q", err, words)
				}
			}
		})
	}
	group.Wait()
	if err := syscall.Fstat(syscall.Stderr, &after); err != nil || after.Dev != before.Dev || after.Ino != before.Ino {
		t.Errorf("standard error is another file: %v, before %v, %v", after, before, err)
	}
	if quiet.calls != 0 {
		t.Errorf("%d calls are under way", quiet.calls)
	}
}

// A panic in the call ends the diversion.
func TestQuietlyEndsWithAPanic(t *testing.T) {
	defer func() {
		if p := recover(); p != "what happened" || quiet.calls != 0 {
			t.Errorf("%v, %d calls are under way", p, quiet.calls)
		}
	}()
	_ = Quietly(func() error { panic("what happened") })
}
