package main

import (
	"errors"
	"reflect"
	"strings"
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

// Each setting has a flag, which is called like its field and like its key.
func TestEachSettingHasAFlag(t *testing.T) {
	without := map[string]bool{"Data": true, "FormatSettings": true, "Files": true, "Spec": true, "Recipe": true, "Rungs": true, "Search": true, "Trial": true}
	for _, settings := range []reflect.Type{reflect.TypeFor[settings](), reflect.TypeFor[dataSettings](), reflect.TypeFor[FormatSettings](), reflect.TypeFor[fit.Spec](), reflect.TypeFor[fit.Override]()} {
		for i := range settings.NumField() {
			f := settings.Field(i)
			if without[f.Name] {
				continue
			}
			key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if flag := strings.ReplaceAll(key, "_", "-"); newTrain().Flags().Lookup(flag) == nil {
				t.Errorf("no flag --%s for %s", flag, f.Name)
			} else if settings.PkgPath() == reflect.TypeFor[fit.Spec]().PkgPath() && flagOf(f.Name) != flag {
				t.Errorf("an error of %s names --%s, not --%s", f.Name, flagOf(f.Name), flag)
			}
		}
	}
}
