package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/graph/model"
)

// newestRun is the value of --resume where no folder is named.
const newestRun = "newest"

// resumed is the run that --resume goes on with.
type resumed struct {
	begun  *model.RunRecord // nil if the run is a new one
	longer bool             // than it was to be
	from   string           // prefix of the checkpoint of another program that a preset goes on from
}

// resumption is a run as --resume goes on with it.
type resumption struct{ *trainOptions }

// takeRun makes the settings those of the run that --resume names, or that the argument does.
func (o resumption) takeRun(args []string) error {
	dir := o.resume
	switch {
	case len(args) > 1 || len(args) == 1 && dir != newestRun:
		return usagef("resume", "takes one folder, not %s", quoteAll(args))
	case len(args) == 1:
		dir = args[0]
	case dir == newestRun:
		var err error
		if dir, err = newestUnfinished(runs); err != nil {
			return err
		}
	}
	if _, err := os.Stat(dir + ".index"); err == nil {
		o.from, o.longer = dir, true
		return nil
	}
	for _, other := range []string{"config", "out", "dry-run"} {
		if o.flags.Changed(other) {
			return usagef("resume", "cannot be used with --%s", other)
		}
	}
	r, err := model.ReadRun(dir)
	if err == nil {
		err = resumable(dir, r)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%s: no run has begun there", dir)
	}
	if err == nil {
		err = o.takeSettings(dir, r)
	}
	if err != nil {
		return fmt.Errorf("--resume %w", err)
	}
	o.begun, o.out, o.force = r, dir, true
	return nil
}

// resumable says why a run cannot be gone on with.
func resumable(dir string, r *model.RunRecord) error {
	switch {
	case r.State == model.Running:
		return fmt.Errorf("%s: the run goes on in another process", dir)
	case r.State == model.Finished:
		return hinted{fmt.Errorf("%s: the run has finished", dir), fmt.Sprintf("`rnnbin train %s` makes it again", quoteAll([]string{"--config", dir}))}
	case r.Version != programVersion():
		return fmt.Errorf("%s: the run is of rnnbin %s, this is %s", dir, r.Version, programVersion())
	}
	return nil
}

// newestUnfinished is the folder of the run in root that began last of those that can be gone on
// with.
func newestUnfinished(root string) (string, error) {
	entries, err := os.ReadDir(root)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	newest, begun := "", time.Time{}
	for _, e := range entries {
		dir := filepath.Join(root, e.Name())
		r, err := model.ReadRun(dir)
		if e.Name() != "latest" && err == nil && r.State.Resumable() && !r.Begun.Before(begun) {
			newest, begun = dir, r.Begun
		}
	}
	if newest == "" {
		return "", usagef("resume", "finds no run in %s that has not finished: name its folder", root)
	}
	return newest, nil
}

// takeSettings takes those of a run. Flags may say the same, or more epochs.
func (o resumption) takeSettings(dir string, r *model.RunRecord) error {
	var differ []string
	err := o.take(filepath.Join(dir, model.RunFile), r.Settings, o.flags, func(f *pflag.Flag, values []string) error {
		was := valuesOf(f)
		if err := setValues(f, values); err != nil {
			return err
		}
		switch now := valuesOf(f); {
		case slices.Equal(was, now) || slices.Contains(f.Annotations[groupKey], outputGroup) || slices.Contains(f.Annotations[groupKey], workersGroup):
		case f.Name == "epochs" && o.grows(was[0]):
			o.longer = true
		default:
			differ = append(differ, fmt.Sprintf("--%s %s, not %s", f.Name, given(was), given(now)))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(differ) > 0 {
		slices.Sort(differ)
		return usageError{fmt.Errorf("%s: the run has %s", dir, strings.Join(differ, "; "))}
	}
	if here := machineOf(&o.settings).InstructionSet; here != r.Machine.InstructionSet {
		return fmt.Errorf("%s: the run was begun with the instruction set %q, not %q: its results would be others", dir, r.Machine.InstructionSet, here)
	}
	return nil
}

// given is what a flag was given, as text.
func given(values []string) string {
	if text := listValue(values); text != "" {
		return text
	}
	return "unset"
}

// grows reports whether there are to be more epochs than so many, "" for the default. To set
// them where no network was chosen would choose one.
func (o resumption) grows(was string) bool {
	others := o.Recipe
	others.Epochs = nil
	n, err := strconv.Atoi(was)
	return *o.Recipe.Epochs > n && (err == nil || !o.own() || !reflect.ValueOf(others).IsZero())
}

// checkData refuses data that is not what the run was begun with.
func (o resumption) checkData(data fit.Data) error {
	if o.begun == nil {
		return nil
	}
	now := dataRecords(&o.settings, data)
	for i, was := range o.begun.Data {
		switch {
		case i >= len(now) || now[i].Role != was.Role:
			return fmt.Errorf("--resume: the run had %s data", was.Role)
		case now[i].Rows != was.Rows:
			return fmt.Errorf("--resume: the %s data has changed since the run began: %s, not %d", was.Role, count(now[i].Rows, "row"), was.Rows)
		case now[i].SHA256 != was.SHA256:
			return fmt.Errorf("--resume: the %s data has changed since the run began: as many rows, but other values", was.Role)
		}
	}
	return nil
}

// started is a Store whose job goes on from a checkpoint that another program has written.
type started struct {
	fit.Store // where states are kept; nil: nowhere
	prefix    string
	record    []byte
}

// startedFrom has a preset's run go on from the checkpoint that --resume names, whose name ends in
// the number of updates made, as TensorFlow 1's Saver has it.
func (o resumption) startedFrom(m *fit.Means) error {
	if o.from == "" {
		return nil
	}
	made, err := strconv.Atoi(o.from[strings.LastIndex(o.from, "-")+1:])
	if err != nil || made < 0 {
		return usagef("resume", "%s: the name must end in the number of updates made, such as -800", o.from)
	}
	r := o.Rungs[0]
	if all := r.Epochs * r.Windows.Steps(); made >= all {
		return usagef("resume", "%s: there are %d updates in all, so none is left: --epochs sets more", o.from, all)
	}
	record, err := fit.Begun(made, r.Windows.Steps())
	m.Store, m.Longer = started{m.Store, o.from, record}, true
	return err
}

// Load implements fit.Store.
func (s started) Load(digest string, restore func(prefix string, record []byte) error) []error {
	if err := restore(s.prefix, s.record); err != nil {
		return []error{err}
	}
	return nil
}

// Save implements fit.Store.
func (s started) Save(digest string, step int, record []byte, save func(prefix string) error) error {
	if s.Store == nil {
		return nil
	}
	return s.Store.Save(digest, step, record, save)
}

// Observe implements fit.Observer: a checkpoint that does not fit ends the run.
func (s started) Observe(_ context.Context, e fit.Event) error {
	if n, ok := e.(fit.Noticed); ok && n.Kind == fit.Damaged {
		return fmt.Errorf("--resume: %w", n.Err)
	}
	return nil
}
