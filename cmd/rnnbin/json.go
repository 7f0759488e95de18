package main

import (
	"errors"
	"io"
	"regexp"
	"slices"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/rnnbin/rnnbin/cmd/internal/observe"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// jsonUsage is the help of --json where one line is all there is.
const jsonUsage = "print one JSON object"

// errorLine is the last line of a command with --json that fails.
type errorLine struct {
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`
	ExitCode int    `json:"exit_code"`
	Flag     string `json:"flag,omitempty"` // that is wrong
	File     string `json:"file,omitempty"` // that is at fault
	Line     int    `json:"line,omitempty"` // the row in Parquet and Arrow files
	Column   string `json:"column,omitempty"`
}

var namedFlag = regexp.MustCompile(`^--[a-z-]+`)

// flagNamedIn is the flag that an error's text begins with, "" if it begins with none.
func flagNamedIn(err error) string { return namedFlag.FindString(withFlags(err.Error())) }

func newErrorLine(err error) errorLine {
	l := errorLine{Message: withFlags(err.Error()), Hint: hint(err), ExitCode: exitCode(err), Flag: flagNamedIn(err)}
	var fault *table.Error
	if errors.As(err, &fault) {
		l.File, l.Line, l.Column = fault.File, fault.Line, fault.Column
	}
	return l
}

// reportJSON writes an error where a command with --json writes its lines.
func reportJSON(out io.Writer, cmd *cobra.Command, args []string, err error) {
	if err == nil || err == (signalError{syscall.SIGPIPE}) {
		return
	}
	flag := cmd.Flags().Lookup("json")
	// A flag that is wrong ends the reading of those behind it.
	if flag == nil || flag.Value.String() != "true" && !slices.Contains(args, "--json") {
		return
	}
	_ = observe.WriteJSON(out, "error", newErrorLine(err)) // standard error has it, too
}
