package main

import (
	"encoding"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// shorthands are the letters of flags, the same in each command.
var shorthands = map[string]string{"data": "d", "model": "m", "out": "o", "quiet": "q"}

// valuesKey annotates a flag with what the shell offers for it.
const valuesKey = "values"

// addFlag adds a flag that sets what to points to, which holds its default. The values are
// those with a name, which may be typed in any case; of a flag for a file they are endings.
func addFlag(f *pflag.FlagSet, name string, to any, usage string, values ...string) {
	flag := f.VarPF(valueOf(to), name, shorthands[name], usage)
	if flag.Value.Type() == "bool" {
		flag.NoOptDefVal = "true"
	}
	if len(values) == 0 {
		return
	}
	annotate(flag, valuesKey, values...)
	if _, list := flag.Value.(pflag.SliceValue); kindOfValue(flag) != "file" && !list {
		flag.Value = named{flag.Value, values}
	}
}

// kindOfValue is what the usage of a flag calls its value.
func kindOfValue(flag *pflag.Flag) string {
	kind, _ := pflag.UnquoteUsage(flag)
	return kind
}

// files is the value of a flag that is given once for each.
type files []string

// text is what reads and writes its own text.
type text interface {
	fmt.Stringer
	encoding.TextUnmarshaler
}

// valueOf is the value of a flag that is kept where to points.
func valueOf(to any) pflag.Value {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	switch to := to.(type) {
	case pflag.Value:
		return to
	case text:
		return textValue{to}
	case *files:
		f.StringArrayVar((*[]string)(to), "", *to, "")
	case *[]string:
		f.StringSliceVar(to, "", *to, "")
	case *[]int:
		f.IntSliceVar(to, "", *to, "")
	case *bool:
		f.BoolVar(to, "", *to, "")
	case *int:
		f.IntVar(to, "", *to, "")
	case *int64:
		f.Int64Var(to, "", *to, "")
	case *time.Duration:
		f.DurationVar(to, "", *to, "")
	case *float32:
		f.Float32Var(to, "", *to, "")
	case *float64:
		f.Float64Var(to, "", *to, "")
	default:
		v := reflect.ValueOf(to)
		if v.Type().Elem().Kind() == reflect.Pointer {
			return optional{v.Elem()}
		}
		s := v.Convert(reflect.TypeFor[*string]()).Interface().(*string)
		f.StringVar(s, "", *s, "")
	}
	return f.Lookup("").Value
}

// optional is the value of a flag whose setting, a pointer, may be left open: nil then.
type optional struct{ to reflect.Value }

func (o optional) Set(text string) error {
	v := reflect.New(o.to.Type().Elem())
	err := valueOf(v.Interface()).Set(text)
	if err == nil {
		o.to.Set(v)
	}
	return err
}

func (o optional) String() string {
	if !o.to.IsValid() || o.to.IsNil() {
		return ""
	}
	return fmt.Sprint(o.to.Elem())
}

func (o optional) Type() string { return valueOf(reflect.New(o.to.Type().Elem()).Interface()).Type() }

// textValue is the value of a flag whose type reads and writes its own text.
type textValue struct{ text }

func (v textValue) Set(text string) error { return v.UnmarshalText([]byte(text)) }
func (v textValue) Type() string          { return "string" }

// named is a value with names among what it can be, which are known in any case.
type named struct {
	pflag.Value
	names []string
}

func (v named) Set(text string) error {
	if i := slices.IndexFunc(v.names, func(name string) bool { return strings.EqualFold(name, text) }); i >= 0 {
		text = v.names[i]
	}
	return v.Value.Set(text)
}

// fields are settings of the packages that read files, and the flags that stand for them.
var fields = map[string]string{
	"Options.Classes": "--classes", "Options.Cut": "--rows", "Options.Delimiter": "--delimiter", "Options.Exclude": "--exclude", "Options.Features": "--features",
	"Options.Format": "--input-format", "Options.Group": "--group", "Options.Elapsed": "--elapsed", "Options.Resample": "--resample", "Options.ResampleBy": "--resample-by", "Options.Label": "--label", "Options.Layout": "--layout", "Options.MaxGap": "--max-gap",
	"Options.Missing": "--missing", "Options.NAValues": "--na-values", "Options.NoHeader": "--no-header", "Options.Positive": "--positive",
	"Options.Series": "--series", "Options.SkipRows": "--skip-rows", "Options.Time": "--time", "Options.TimeFormat": "--time-format", "Options.TimeZone": "--timezone",
	"Options.Tolerance": "--event-tolerance", "Writer.Format": "--format",
}

var fieldName = regexp.MustCompile(`(Options|Writer)\.[A-Z][A-Za-z]+`)

// withFlags is a text with flags in place of the settings that it names.
func withFlags(text string) string {
	return fieldName.ReplaceAllStringFunc(text, func(name string) string {
		if flag := fields[name]; flag != "" {
			return flag
		}
		return name
	})
}
