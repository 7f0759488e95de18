// Command rnnbin classifies every row of a time series with a recurrent network.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/tflib"
	"github.com/rnnbin/rnnbin/graph"
)

func main() {
	tflib.Loaded()
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// Exit codes, as the help texts list them. A signal's is 128 and its number.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	exitSignal = 128
)

// run is the whole program but for the process around it.
func run(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := notify(context.Background(), errOut)
	defer stop()

	root := newRoot()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	complete(root)
	cmd, err := root.ExecuteContextC(ctx)
	err = withSignal(ctx, err)
	reportJSON(out, cmd, args, err)
	return report(err, errOut)
}

// withSignal puts the signal that ended ctx in the place of the error that came of it.
func withSignal(ctx context.Context, err error) error {
	var received signalError
	var early *endedEarly
	switch {
	case errors.As(err, &received):
		return err
	case err != nil && errors.As(context.Cause(ctx), &received):
	case errors.Is(err, syscall.EPIPE):
		received.signal = syscall.SIGPIPE
	default:
		return err
	}
	if errors.As(err, &early) {
		return &endedEarly{received, early.kept}
	}
	return received
}

// report prints an error as one line, and a hint where there is one. It does not
// mention a closed standard output.
func report(err error, errOut io.Writer) int {
	switch err {
	case nil:
		return exitOK
	case signalError{syscall.SIGPIPE}:
		return exitCode(err)
	}
	fmt.Fprintf(errOut, "rnnbin: %s\n", withFlags(err.Error()))
	if h := hint(err); h != "" {
		fmt.Fprintf(errOut, "hint: %s\n", h)
	}
	return exitCode(err)
}

func exitCode(err error) int {
	var usage usageError
	var received signalError
	switch {
	case errors.As(err, &received):
		return exitSignal + int(received.signal.(syscall.Signal))
	case errors.As(err, &usage):
		return exitUsage
	default:
		return exitFailed
	}
}

// hinted is an error with what to do about it.
type hinted struct {
	error
	hint string
}

func (e hinted) Unwrap() error { return e.error }

// hint is what to do about an error, where that is known.
func hint(err error) string {
	var known hinted
	var version *graph.VersionError
	var diverged *graph.DivergedError
	switch {
	case errors.As(err, &known):
		return known.hint
	case errors.As(err, &version):
		return "scripts/libtensorflow installs the right one; `rnnbin check` shows which one is loaded"
	case errors.As(err, &diverged):
		return "a smaller --learning-rate often helps"
	default:
		return ""
	}
}

// usageError is a flag or an argument that is wrong whatever files hold.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// usagef names the flag and says what is wrong with its value.
func usagef(flag, format string, args ...any) error {
	return usageError{flagf(flag, format, args...)}
}

// flagf is usagef for a value that is wrong because of what a file, a model or the machine
// is like, so that the run has failed.
func flagf(flag, format string, args ...any) error {
	return fmt.Errorf("--%s %w", flag, fmt.Errorf(format, args...))
}

// signalError is the signal that ended a run.
type signalError struct{ signal os.Signal }

func (e signalError) Error() string {
	switch e.signal {
	case syscall.SIGINT:
		return "interrupted"
	case syscall.SIGHUP:
		return "hung up"
	case syscall.SIGPIPE:
		return "standard output was closed"
	}
	return "terminated"
}

// grace is how long a run may take to stop by itself: one operation of
// TensorFlow can take longer than that and cannot be interrupted.
const grace = 800 * time.Millisecond

// notify returns a context that ends with the first SIGINT, SIGTERM or,
// unless nohup is at work, SIGHUP, so that nothing half-done stays behind. A
// second SIGINT or SIGTERM, or grace, ends the process; see ending for exceptions.
func notify(parent context.Context, errOut io.Writer) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	e := new(ending)
	ctx = withEnding(ctx, e)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	signal.Ignore(syscall.SIGPIPE) // which would not tell standard output from standard error, as a write's error does
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		var received signalError
		select {
		case received.signal = <-signals:
		case <-ctx.Done():
			return
		}
		cancel(received)
		end := time.After(grace)
		for insist := false; !insist; {
			select {
			case s := <-signals: // the others may come more than once
				insist = s == syscall.SIGINT || s == syscall.SIGTERM
			case <-end:
				insist = !e.keep.Load()
			}
		}
		e.commit.Lock()
		os.Exit(report(received, errOut))
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}
