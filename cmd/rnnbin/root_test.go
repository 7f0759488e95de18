package main

import (
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/pflag"
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

// Each flag stands in one group of the help, which lists it once.
func TestFlagGroups(t *testing.T) {
	root := newRoot()
	complete(root)
	for _, name := range []string{"train", "predict", "evaluate"} {
		cmd, _, err := root.Find([]string{name})
		if err != nil {
			t.Fatal(err)
		}
		groups := map[string][]string{}
		for _, g := range groupsOf(cmd) {
			for _, f := range g.flags {
				groups[f.Name] = append(groups[f.Name], g.title)
			}
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if in := groups[f.Name]; len(in) != 1 || (in[0] == "Other flags") != (f.Name == "help") {
				t.Errorf("%s --%s is in %q: see addGroup", name, f.Name, in)
			}
		})
	}
}

// Pages are as wide as other help is, and begin with a line for the list of pages.
func TestTopics(t *testing.T) {
	names := topics()
	if len(names) < 5 {
		t.Fatalf("%q", names)
	}
	for _, name := range names {
		about, text := topic(name)
		if about == "" || name != flagsTopic && !strings.HasPrefix(text, "\n") {
			t.Errorf("%s begins with %q", name, about)
		}
		for line := range strings.Lines(text) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > widestHelp || strings.Contains(line, "\t") {
				t.Errorf("%s: %q has %d columns", name, line, n)
			}
		}
	}
}
