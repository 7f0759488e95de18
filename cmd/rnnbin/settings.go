package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"github.com/goccy/go-yaml"
	"github.com/spf13/pflag"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/cmd/internal/original"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
	"github.com/rnnbin/rnnbin/graph/model"
)

// settings are all that decides what train computes. They are kept with the model, as JSON, and read from a
// file of YAML with the same keys.
type settings struct {
	Preset     string       `json:"preset,omitempty"`     // one of the original's programs, where there is no data
	Iterations int          `json:"iterations,omitempty"` // of a preset
	Data       dataSettings `json:"data"`
	Search     search       `json:"search,omitzero"` // for networks to compare
	fit.Spec   `yaml:",inline"`
}

// dataSettings say where the data is and which column plays which role.
type dataSettings struct {
	Files          files             `json:"files,omitempty"`
	Label          string            `json:"label,omitempty"`
	Events         string            `json:"label_events,omitempty"` // in place of Label
	Tolerance      string            `json:"event_tolerance,omitempty"`
	Features       []string          `json:"features,omitempty"`
	Exclude        []string          `json:"exclude,omitempty"`
	Series         string            `json:"series,omitempty"`
	Group          string            `json:"group,omitempty"`
	Time           string            `json:"time,omitempty"`
	MaxGap         string            `json:"max_gap,omitempty"`
	Classes        []string          `json:"classes,omitempty"`
	Positive       string            `json:"positive,omitempty"`
	Rows           string            `json:"rows,omitempty"`
	Elapsed        bool              `json:"elapsed,omitempty"`
	Resample       string            `json:"resample,omitempty"`
	ResampleBy     series.ResampleBy `json:"resample_by,omitempty"`
	Missing        series.Missing    `json:"missing,omitempty"`
	FormatSettings `yaml:",inline"`
	Validation     files `json:"validation_data,omitempty"`
	Test           files `json:"test_data,omitempty"`
}

// defaultSettings have another seed each time.
func defaultSettings() settings {
	o := series.DefaultOptions()
	s := settings{
		Preset: original.Presets[0].Name,
		Data:   dataSettings{Label: o.Label, Missing: o.Missing},
		Spec:   fit.DefaultSpec(),
	}
	s.Seed = rand.Int64N(math.MaxInt32)
	return s
}

// own reports whether the run is on the user's data.
func (s *settings) own() bool { return len(s.Data.Files) > 0 }

// options are those to read the data with.
func (d *dataSettings) options() series.Options {
	o := series.DefaultOptions()
	o.Label, o.Features, o.Series, o.Group, o.Time = d.Label, d.Features, d.Series, d.Group, d.Time
	o.Positive, o.Missing, o.Exclude, o.MaxGap = d.Positive, d.Missing, d.Exclude, d.MaxGap
	d.FormatSettings.set(&o)
	o.Elapsed = d.Elapsed
	o.SetResample(d.Resample, cmp.Or(d.ResampleBy, series.ResampleMean))
	if !slices.Equal(d.Classes, []string{"auto"}) {
		o.Classes = d.Classes
	}
	if d.Events != "" {
		o.Label, o.LabelOptional, o.Events = "", true, true
	}
	return o
}

// load takes the settings from a file, or from the model in a folder. The flags that are on the command line
// win.
func (s *settings) load(path string, flags *pflag.FlagSet) error {
	path, text, err := settingsText(path)
	if err != nil {
		return err
	}
	return s.take(path, text, flags, setValues)
}

// take takes the settings from the text of a file, and has set treat the flags on the command line.
func (s *settings) take(path string, text []byte, flags *pflag.FlagSet, set func(f *pflag.Flag, values []string) error) error {
	given := map[*pflag.Flag][]string{}
	flags.Visit(func(f *pflag.Flag) { given[f] = valuesOf(f) })
	*s = defaultSettings()
	if err := decodeSettings(path, text, s); err != nil {
		return err
	}
	if err := s.Data.mapPaths(func(file string) (string, error) { return pathFrom(filepath.Dir(path), file) }); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	flags.VisitAll(func(f *pflag.Flag) {
		if v, ok := f.Value.(named); ok && v.String() != "" {
			_ = v.Set(v.String()) // which is known by now in any case
		}
	})
	for f, values := range given {
		if err := set(f, values); err != nil {
			return err
		}
	}
	return nil
}

// mapPaths replaces the names of files.
func (d *dataSettings) mapPaths(f func(string) (string, error)) error {
	events := files{d.Events}
	if d.Events == "" {
		events = nil
	}
	for _, list := range []*files{&d.Files, &d.Validation, &d.Test, &events} {
		*list = slices.Clone(*list)
		for i, path := range *list {
			if path == table.Stdin {
				continue
			}
			var err error
			if (*list)[i], err = f(path); err != nil {
				return err
			}
		}
	}
	if d.Events != "" {
		d.Events = events[0]
	}
	return nil
}

// relativeTo is a path as seen from a folder. Links are followed first: .. behind one leads
// elsewhere.
func relativeTo(folder, path string) (string, error) {
	from, err := realPath(folder)
	if err != nil {
		return "", err
	}
	dir, err := realPath(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	return filepath.Rel(from, filepath.Join(dir, filepath.Base(path)))
}

// pathFrom is where a path leads that is relative to a folder: seen from the working
// directory if it is below that.
func pathFrom(folder, path string) (string, error) {
	if filepath.IsAbs(path) {
		return path, nil
	}
	from, err := realPath(folder)
	if err != nil {
		return "", err
	}
	here, err := realPath(".")
	if err != nil {
		return "", err
	}
	path = filepath.Join(from, path)
	if short, err := filepath.Rel(here, path); err == nil && filepath.IsLocal(short) {
		return short, nil
	}
	return path, nil
}

// realPath is an absolute path without links, as far as it exists.
func realPath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real, nil
	}
	return path, nil // a pattern, or about to be made
}

// valuesOf are the values that a flag has, one unless it is a list.
func valuesOf(f *pflag.Flag) []string {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return slices.Clone(list.GetSlice())
	}
	return []string{f.Value.String()}
}

func setValues(f *pflag.Flag, values []string) error {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return list.Replace(values)
	}
	return f.Value.Set(values[0])
}

// settingsText reads a file, or what a model folder has in its own.
func settingsText(path string) (file string, text []byte, err error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return model.Settings(path)
	}
	text, err = os.ReadFile(path)
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		err = fmt.Errorf("%s: %w", path, pathErr.Err)
	}
	return path, text, err
}

// decodeSettings reads YAML, of which JSON is a part. A key that is not known is an error.
func decodeSettings(file string, text []byte, s *settings) error {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(s)
	var fault yaml.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &fault) && fault.GetToken() != nil:
		return fmt.Errorf("%s:%d: %s", file, fault.GetToken().Position.Line, fault.GetMessage())
	}
	return fmt.Errorf("%s: %w", file, err)
}

// settingsIn are those of the model in a folder, with paths as seen from here.
func settingsIn(folder string, text []byte) (settings, error) {
	s := defaultSettings()
	err := decodeSettings(filepath.Join(folder, "model.json"), text, &s)
	if err == nil {
		err = s.Data.mapPaths(func(file string) (string, error) { return pathFrom(folder, file) })
	}
	return s, err
}

// effective are the settings that make the run again. Paths are relative to the folder that
// they are kept in.
func (s settings) effective(folder string) ([]byte, error) {
	if s.own() {
		s.Preset, s.Iterations = "", 0
	} else {
		s.Data = dataSettings{}
	}
	if err := s.Data.mapPaths(func(path string) (string, error) { return relativeTo(folder, path) }); err != nil {
		return nil, err
	}
	return json.Marshal(s)
}
