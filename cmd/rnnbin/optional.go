package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/pflag"
)

// optional is the value of a flag whose setting may be left open: nil then.
type optional[T any] struct {
	to    **T
	parse func(text string) (T, error)
	kind  string // of the value, as pflag names it
}

func (o optional[T]) Set(text string) error {
	v, err := o.parse(text)
	if err == nil {
		*o.to = &v
	}
	return err
}

func (o optional[T]) String() string {
	if o.to == nil || *o.to == nil {
		return ""
	}
	return fmt.Sprint(**o.to)
}

func (o optional[T]) Type() string { return o.kind }

func optionalInt(f *pflag.FlagSet, to **int, name, usage string) {
	f.Var(optional[int]{to, strconv.Atoi, "int"}, name, usage)
}

func optionalFloat(f *pflag.FlagSet, to **float32, name, usage string) {
	parse := func(text string) (float32, error) {
		v, err := strconv.ParseFloat(text, 32)
		return float32(v), err
	}
	f.Var(optional[float32]{to, parse, "float32"}, name, usage)
}

func optionalBool(f *pflag.FlagSet, to **bool, name, usage string) {
	parse := func(text string) (bool, error) {
		v, err := strconv.ParseBool(text)
		if err != nil {
			err = fmt.Errorf("must be true or false, not %q", text)
		}
		return v, err
	}
	f.Var(optional[bool]{to, parse, "bool"}, name, usage)
	f.Lookup(name).NoOptDefVal = "true"
}

func optionalText[T ~string](f *pflag.FlagSet, to **T, name, usage string) {
	f.Var(optional[T]{to, func(text string) (T, error) { return T(text), nil }, "string"}, name, usage)
}

// textValue is the value of a flag whose type reads and writes its own text.
type textValue struct {
	to interface {
		fmt.Stringer
		UnmarshalText([]byte) error
	}
}

func (v textValue) Set(text string) error { return v.to.UnmarshalText([]byte(text)) }
func (v textValue) String() string {
	if v.to == nil {
		return ""
	}
	return v.to.String()
}
func (v textValue) Type() string { return "string" }
