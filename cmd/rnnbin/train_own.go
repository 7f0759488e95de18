package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/rnnbin/rnnbin/cmd/internal/cluster"
	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/observe"
	"github.com/rnnbin/rnnbin/cmd/internal/plot"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
	"github.com/rnnbin/rnnbin/graph/model"
)

// trainOwn trains on the user's series.
func trainOwn(ctx context.Context, o *trainOptions, out, errOut io.Writer) error {
	if o.out != "" && !o.dryRun { // reading may take long
		if err := model.Check(o.out, o.force); err != nil {
			return fmt.Errorf("--out: %w", err)
		}
	}
	data, err := o.Data.read(ctx, errOut, newProgress(nil, errOut))
	if err != nil {
		return err
	}
	if err := o.checkClasses(data.Train.Classes); err != nil {
		return err
	}
	if o.dryRun {
		return o.describe(ctx, data, out, errOut)
	}
	if err := (resumption{o}).checkData(data); err != nil {
		return err
	}
	report := newReporter(&o.outputOptions, len(data.Train.Classes), out, errOut)
	report.ranked = len(o.Search.Params) > 0
	farm, err := o.farm.open(ctx, o.Replicas, report.note)
	if err != nil {
		return err
	}
	if farm != nil {
		defer farm.Close()
	}
	folder, err := o.createFolder()
	if err != nil {
		return err
	}
	defer folder.close()
	if err := folder.begin(o, data); err != nil {
		return err
	}
	return folder.end(ctx, o.trainIn(ctx, folder, farm, data, report))
}

// trainIn trains on data, by a farm unless that is nil, and what comes of it goes into a folder.
func (o *trainOptions) trainIn(ctx context.Context, folder *folder, farm *cluster.Farm, data fit.Data, report *reporter) error {
	if err := o.start(report.out, report.errOut, data.Train, folder); err != nil {
		return err
	}
	means := folder.means(o)
	if farm != nil {
		means.Runner, means.Memory = farm, 0 // the workers' is not known
	}
	observers := slices.Concat(folder.space(o), report.observers(endingOf(ctx)), folder.events(o.tensorboard, data.Train, report.note))
	result, err := fit.Fit(ctx, data, o.spec(), means, observers...)
	if err != nil {
		return o.rescue(ctx, folder, report, data, result, withFlag(err))
	}
	if err := o.commitOwn(ctx, folder, data, result, report.errOut); err != nil {
		return err
	}
	printed, settled, drawn := report.result(result, folder.writer.Dir()), folder.settle(), drawHistory(o.plot, result.Members, o.Search.figures(result.Rungs)...)
	printNext(report.errOut, folder.model, folder.writer.Dir())
	return cmp.Or(printed, settled, drawn)
}

// startLine is the first line of a run with --json.
type startLine struct {
	Seed     int64          `json:"seed"`
	Folder   string         `json:"folder,omitempty"` // that the model goes to
	Preset   string         `json:"preset,omitempty"`
	Rows     int            `json:"rows"`
	Series   int            `json:"series"`
	Features []string       `json:"features"`
	Label    string         `json:"label"`
	Classes  map[string]int `json:"classes"` // rows of each label
}

// newStartLine describes a run on d.
func newStartLine(o *trainOptions, d *series.Data, f *folder) startLine {
	l := startLine{Seed: o.Seed, Rows: d.Len(), Series: len(d.Series), Features: d.Features, Label: d.Label, Classes: map[string]int{}}
	for c, n := range d.Count() {
		l.Classes[d.Classes[c]] = n
	}
	if f.writer != nil {
		l.Folder = f.writer.Dir()
	}
	return l
}

// start prints what a run begins with.
func (o *trainOptions) start(out, errOut io.Writer, d *series.Data, f *folder) error {
	fmt.Fprintf(errOut, "rnnbin: %v; seed %d\n", describeData(d), o.Seed)
	if !o.json {
		return nil
	}
	return observe.WriteJSON(out, "start", newStartLine(o, d, f))
}

// checkClasses checks the flags that depend on which classes there are.
func (s *settings) checkClasses(classes []string) error {
	if len(classes) > 2 && s.Threshold != fit.DefaultSpec().Threshold {
		return flagf("threshold", "cannot be used with %d classes: the most probable one is predicted", len(classes))
	}
	weights, err := layout.ParseClassWeight(string(s.ClassWeight))
	if err != nil {
		return flagf("class-weight", "%v", err)
	}
	for _, name := range slices.Sorted(maps.Keys(weights.Of)) {
		if !slices.Contains(classes, name) {
			err := flagf("class-weight", "has a weight for %q, but the classes are %s", name, table.List(classes))
			if near := table.Closest(classes, name); near != "" {
				err = fmt.Errorf("%w; did you mean %q?", err, near)
			}
			return err
		}
	}
	return nil
}

// read loads the data, and prints what is odd about it.
func (d *dataSettings) read(ctx context.Context, errOut io.Writer, watch *progress) (all fit.Data, err error) {
	rows, err := parseRows("rows", d.Rows)
	if err != nil {
		return all, err
	}
	if all, err = d.readFiles(ctx, errOut, watch); err != nil {
		return all, err
	}
	if d.Events != "" {
		if err := d.mark(ctx, errOut, all); err != nil {
			return all, err
		}
	}
	if err := d.resample(errOut, all.Train, all.Validation, all.Test); err != nil {
		return all, err
	}
	if d.Rows != "" {
		err = all.Train.Cut(rows.of)
	}
	return all, err
}

// readFiles reads the files of all parts, the others' as those of the first turn out to be.
func (d *dataSettings) readFiles(ctx context.Context, errOut io.Writer, watch *progress) (all fit.Data, err error) {
	options := d.options()
	options.Rows = watch.addRead
	for _, part := range []struct {
		files []string
		to    **series.Data
	}{{d.Files, &all.Train}, {d.Validation, &all.Validation}, {d.Test, &all.Test}} {
		if len(part.files) == 0 {
			continue
		}
		data, err := series.Read(ctx, part.files, options)
		watch.end()
		if err != nil {
			return all, err
		}
		if part.to == &all.Train && d.Events == "" {
			if err := data.NoPositive(options.Positive); err != nil {
				return all, err
			}
		}
		printWarnings(errOut, data.Warnings)
		*part.to, options.Features, options.Shift, options.Exclude, options.Group = data, data.Features, data.Shift, nil, ""
		if options.Positive == "" {
			options.Classes = data.Classes
		}
		if data.TimeColumn != "" {
			options.Time, options.Times = data.TimeColumn, data.Times
		}
		options.TimeOptional = d.Time == ""
	}
	return all, nil
}

// resample makes the rows of parts regular if that was asked for, and prints how.
func (d *dataSettings) resample(errOut io.Writer, parts ...*series.Data) error {
	for _, part := range parts {
		if part == nil {
			continue
		}
		note, err := part.Resample(d.options())
		if err != nil {
			return err
		}
		if note != "" {
			fmt.Fprintf(errOut, "rnnbin: %s\n", note)
		}
	}
	return nil
}

// keepWhatIs tells e once there is something worth keeping, as trainings that are interrupted are.
type keepWhatIs struct{ keep *atomic.Bool }

// Observe implements fit.Observer.
func (k keepWhatIs) Observe(_ context.Context, e fit.Event) error {
	if _, ok := e.(fit.JobBegan); ok {
		k.keep.Store(true)
	}
	return nil
}

// drawHistory draws the course of the training of all rows, below other figures.
func drawHistory(path string, members []*fit.Trained, before ...*plot.Figure) error {
	if path == "" {
		return nil
	}
	var epochs []plot.Epoch
	for _, e := range members[0].History {
		epochs = append(epochs, plotted(e))
	}
	if err := plot.Write(path, append(before, plot.History(epochs)...)...); err != nil {
		return fmt.Errorf("--plot: %w", err)
	}
	return nil
}
