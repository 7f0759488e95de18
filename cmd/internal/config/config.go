// Package config reads the settings of a command from YAML, and writes them as JSON,
// which is YAML too: each key is the name of a flag, each value what would stand behind
// it, a list where the flag can be repeated or takes several.
package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/spf13/pflag"
)

// Error is a fault in a file of settings. It reads "file:line: key: message";
// parts that are not known are left out.
type Error struct {
	File string
	Line int
	Key  string
	Err  error
}

func (e *Error) Error() string {
	text := e.File
	if e.Line > 0 {
		text += fmt.Sprintf(":%d", e.Line)
	}
	if e.Key != "" {
		text += ": " + e.Key
	}
	return text + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// setting is a key with its value.
type setting struct {
	key    string
	line   int
	values []string // one, or those of a list
}

// Apply gives the flags the values that the text of a file sets. Flags that were
// set before, on the command line, keep theirs, and so do all flags of a group
// of which one was: they are ways to say the same. Every fault is an *[Error].
func Apply(flags *pflag.FlagSet, file string, text []byte, groups ...[]string) error {
	settings, err := parse(text)
	if err == nil {
		err = apply(flags, settings, groups)
	}
	var e *Error
	if errors.As(err, &e) {
		e.File = file
	}
	return err
}

func apply(flags *pflag.FlagSet, settings []setting, groups [][]string) error {
	given := map[string]bool{}
	flags.Visit(func(f *pflag.Flag) { given[f.Name] = true })
	for _, group := range groups {
		if !slices.ContainsFunc(group, func(name string) bool { return given[name] }) {
			continue
		}
		for _, name := range group {
			given[name] = true
		}
	}
	for _, s := range settings {
		f := flags.Lookup(s.key)
		if f == nil || !settable(f) {
			return &Error{Line: s.line, Err: fmt.Errorf("there is no setting %q; the settings are the flags' names", s.key)}
		}
		if given[s.key] {
			continue
		}
		if err := s.set(flags, f); err != nil {
			return &Error{Line: s.line, Key: s.key, Err: err}
		}
	}
	return nil
}

// settable reports whether a file may set f.
func settable(f *pflag.Flag) bool { return f.Name != "help" && f.Name != "config" }

// set sets f.
func (s setting) set(flags *pflag.FlagSet, f *pflag.Flag) error {
	if all, ok := f.Value.(pflag.SliceValue); ok {
		f.Changed = true
		return all.Replace(s.values)
	}
	err := flags.Set(f.Name, strings.Join(s.values, ","))
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		return fmt.Errorf("invalid value %q: %w", invalid.GetValue(), errors.Unwrap(invalid))
	}
	return err
}

// parse reads a mapping of keys to values and lists of values.
func parse(text []byte) ([]setting, error) {
	file, err := parser.ParseBytes(text, 0)
	var syntax yaml.Error
	if errors.As(err, &syntax) {
		return nil, &Error{Line: syntax.GetToken().Position.Line, Err: errors.New(syntax.GetMessage())}
	}
	if err != nil {
		return nil, &Error{Err: err}
	}
	var settings []setting
	for _, doc := range file.Docs {
		pairs, err := mapping(doc.Body)
		if err != nil {
			return nil, err
		}
		for _, pair := range pairs {
			s, err := newSetting(pair)
			if err != nil {
				return nil, err
			}
			settings = append(settings, s)
		}
	}
	return settings, nil
}

// mapping returns the pairs of a document's body.
func mapping(body ast.Node) ([]*ast.MappingValueNode, error) {
	switch n := body.(type) {
	case nil, *ast.NullNode, *ast.CommentGroupNode:
		return nil, nil
	case *ast.MappingNode:
		return n.Values, nil
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, nil
	}
	return nil, &Error{Line: line(body), Err: errors.New(`settings are lines of "key: value"`)}
}

func newSetting(pair *ast.MappingValueNode) (setting, error) {
	s := setting{key: pair.Key.GetToken().Value, line: line(pair.Key)}
	nodes := []ast.Node{pair.Value}
	if list, ok := pair.Value.(*ast.SequenceNode); ok {
		nodes = list.Values
	}
	for _, node := range nodes {
		text, ok := scalar(node)
		if !ok {
			return s, &Error{Line: line(node), Key: s.key, Err: errors.New("must be a value or a list of values")}
		}
		s.values = append(s.values, text)
	}
	return s, nil
}

// scalar is the text of a string, a number or a truth value.
func scalar(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func line(node ast.Node) int { return node.GetToken().Position.Line }

// Format writes the flags for which keep holds as an object that Apply reads, in their
// order. Flags that are empty are left out.
func Format(flags *pflag.FlagSet, keep func(*pflag.Flag) bool) ([]byte, error) {
	var fields [][]byte
	var failed error
	flags.VisitAll(func(f *pflag.Flag) {
		value := value(f)
		if !settable(f) || !keep(f) || value == nil {
			return
		}
		text, err := json.Marshal(value)
		if err != nil {
			failed = fmt.Errorf("%s: %w", f.Name, err)
		}
		fields = append(fields, fmt.Appendf(nil, "%q:%s", f.Name, text))
	})
	return slices.Concat([]byte("{"), bytes.Join(fields, []byte(",")), []byte("}")), failed
}

// value is what stands for a flag's value in JSON, nil for an empty one.
func value(f *pflag.Flag) any {
	text := f.Value.String()
	all, isList := f.Value.(pflag.SliceValue)
	switch {
	case isList && len(all.GetSlice()) == 0, text == "":
		return nil
	case f.Value.Type() == "intSlice": // [1,2]
		return json.RawMessage(text)
	case isList:
		return all.GetSlice()
	case f.Value.Type() == "string":
		return text
	}
	return json.RawMessage(text) // a number or a truth value
}
