package main

import (
	"errors"
	"reflect"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/graph"
)

// A wrong setting is reported by its flag, if there is one, as a mistake in usage.
func TestAsUsage(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{&graph.ConfigError{Field: "Window", Reason: "must be 1"}, "--steps must be 1"},
		{&graph.ConfigError{Field: "Layers[1].Units", Reason: "must be 1"}, "--units must be 1"},
		{&graph.ConfigError{Field: "Lags[3]", Reason: "must be 1"}, "--lags must be 1"},
		{&graph.ConfigError{Field: "Layers", Reason: "must be 1"}, "--layers must be 1"},
		{&graph.ConfigError{Field: "Units", Reason: "must be 1"}, "--units must be 1"},
		{&graph.ConfigError{Field: "Beta1", Reason: "must be 1"}, "Beta1 must be 1"},
		{&fit.SpecError{Field: "BatchSize", Reason: "must be 1"}, "--batch-size must be 1"},
	} {
		if err := asUsage(test.err); err.Error() != test.want || exitCode(err) != exitUsage {
			t.Errorf("%v with exit code %d, want %s", err, exitCode(err), test.want)
		}
	}
	if other := errors.New("other"); asUsage(other) != other || asUsage(nil) != nil {
		t.Error("another error is changed")
	}
}

// Each setting has a flag, and each flag's setting is there.
func TestFieldFlagsAreThereOnBothSides(t *testing.T) {
	flags := newTrain().Flags()
	known := map[string]bool{}
	for _, settings := range []reflect.Type{reflect.TypeFor[fit.Spec](), reflect.TypeFor[fit.Override](), reflect.TypeFor[graph.Network](), reflect.TypeFor[graph.Training](), reflect.TypeFor[graph.Machine](), reflect.TypeFor[graph.Layer]()} {
		for i := range settings.NumField() {
			known[settings.Field(i).Name] = true
		}
	}
	for field, flag := range fieldFlags {
		if !known[field] {
			t.Errorf("no field %s", field)
		}
		if flags.Lookup(flag) == nil {
			t.Errorf("no flag --%s", flag)
		}
	}
	without := map[string]bool{"Recipe": true, "Only": true, "Steps": true} // Steps is the network's Window
	for _, settings := range []reflect.Type{reflect.TypeFor[fit.Spec](), reflect.TypeFor[fit.Override]()} {
		for i := range settings.NumField() {
			if name := settings.Field(i).Name; fieldFlags[name] == "" && !without[name] {
				t.Errorf("no flag for the field %s", name)
			}
		}
	}
}
