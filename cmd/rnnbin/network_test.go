package main

import (
	"errors"
	"reflect"
	"testing"

	"github.com/rnnbin/rnnbin/graph"
)

// A wrong setting is reported by its flag, if there is one, as a mistake in usage.
func TestAsUsage(t *testing.T) {
	for field, want := range map[string]string{"Window": "--steps must be 1", "Units": "--units must be 1", "Beta1": "Beta1 must be 1"} {
		err := asUsage(&graph.ConfigError{Field: field, Reason: "must be 1"})
		if err.Error() != want || exitCode(err) != exitUsage {
			t.Errorf("%v with exit code %d, want %s", err, exitCode(err), want)
		}
	}
	if other := errors.New("other"); asUsage(other) != other || asUsage(nil) != nil {
		t.Error("another error is changed")
	}
}

func TestFieldFlagsAreThereOnBothSides(t *testing.T) {
	flags := newTrain().Flags()
	for field, flag := range fieldFlags {
		_, ofConfig := reflect.TypeFor[graph.Config]().FieldByName(field)
		_, ofLayer := reflect.TypeFor[graph.Layer]().FieldByName(field)
		if !ofConfig && !ofLayer {
			t.Errorf("no field %s", field)
		}
		if flags.Lookup(flag) == nil {
			t.Errorf("no flag --%s", flag)
		}
	}
}
