package main

import (
	"io"
	"strings"
	"testing"
)

// The help of each command, those that cobra adds among them, has the exit codes, and lists
// flags that take no value without one.
func TestHelp(t *testing.T) {
	root := newRoot()
	root.SetOut(io.Discard)
	complete(root)
	commands := everyCommand(root)
	if len(commands) < 15 {
		t.Fatalf("%d commands", len(commands))
	}
	for _, cmd := range commands {
		args := append(strings.Fields(cmd.CommandPath())[1:], "--help")
		var out, errOut strings.Builder
		if code := run(args, strings.NewReader(""), &out, &errOut); code != exitOK || errOut.Len() > 0 {
			t.Errorf("%v: exit code %d, %s", args, code, errOut.String())
		}
		if n := strings.Count(out.String(), "Exit codes:"); n != 1 {
			t.Errorf("%v: %d times the exit codes:\n%s", args, n, out.String())
		}
		if strings.Contains(out.String(), "[=") || !strings.Contains(out.String(), "--help   ") {
			t.Errorf("%v: flags with values that they do not need:\n%s", args, out.String())
		}
	}
}
