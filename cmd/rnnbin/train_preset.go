package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/observe"
	"github.com/rnnbin/rnnbin/cmd/internal/original"
	"github.com/rnnbin/rnnbin/cmd/internal/outfile"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph"
)

// presetOptions are those of a run of one of the original's programs.
type presetOptions struct{ *trainOptions }

// settlePreset makes the settings those of one of the original's programs.
func (o presetOptions) settlePreset() error {
	p, err := original.Find(o.Preset)
	if err != nil {
		return usageError{fmt.Errorf("--preset: %w", err)}
	}
	c := graph.DefaultConfig().WithDefaults()
	c.Loss = p.Loss
	r := fit.Recipe{
		Network:  c,
		Batch:    10,
		Epochs:   10,
		Schedule: fit.Schedule{Decay: fit.Constant, Factor: 0.1},
		LogEvery: cmp.Or(o.logEvery, 100),
	}
	if err := o.Recipe.Apply(&r); err != nil {
		return asUsage(err)
	}
	o.Folds, o.Members, o.Scale, o.Rungs = 0, 1, layout.NoScale, []fit.Recipe{r}
	if err := asUsage(o.Spec.Validate()); err != nil {
		return err
	}
	if err := o.checkIdle(&r); err != nil {
		return err
	}
	if err := o.fitsSeries(p, r); err != nil {
		return err
	}
	o.Rungs[0].Windows = layout.Table(original.Batches(cmp.Or(o.Iterations, original.Iterations(samples(&r))), r.Batch, r.Network.Window))
	return nil
}

// samples is the length of a preset's batch.
func samples(r *fit.Recipe) int { return r.Batch * r.Network.Window }

// fitsSeries checks what does not fit into the original's series.
func (o presetOptions) fitsSeries(p original.Preset, r fit.Recipe) error {
	if most := slices.Max(p.Series().Y); r.Network.Loss != graph.MSE && most > 1 {
		return usagef("loss", "%s cannot be used with --preset %s, whose labels go up to %v; %s can", r.Network.Loss, p.Name, most, graph.MSE)
	}
	n := samples(&r)
	most := original.Iterations(n)
	if r.Batch >= original.Samples || most < 1 {
		return usagef("batch-size", "%d with --steps %d needs %d samples for a batch, the series has %d and one more for its labels",
			r.Batch, r.Network.Window, n, original.Samples-1)
	}
	if o.Iterations < 0 || o.Iterations > most {
		return usagef("iterations", "must be between 1 and %d, as batches of %d samples fit into the series of %d, not %d",
			most, n, original.Samples, o.Iterations)
	}
	if o.predictions != "" && original.PredictFrom+n > original.Samples-1 {
		return usagef("predictions", "needs %d samples from %d on, the series has %d", n, original.PredictFrom, original.Samples)
	}
	return nil
}

// presetData is the original's series, its labels moved to the row that they are learned at.
func presetData(p original.Preset) fit.Data {
	s := p.Series()
	d := &series.Data{
		Features: []string{"x"}, Label: "label", Classes: []string{"0", "1"}, X: s.X,
		Series: []series.Range{{Name: "sine", End: len(s.Y)}},
	}
	if slices.Max(s.Y) > 1 {
		d.Classes = append(d.Classes, "2")
	}
	for _, y := range s.Y {
		d.Labels = append(d.Labels, int16(y))
	}
	return fit.Data{Train: d}
}

// trainPreset runs one of the original's programs, and prints what it prints.
func trainPreset(ctx context.Context, o *trainOptions, out, errOut io.Writer) error {
	preset, err := original.Find(o.Preset)
	if err != nil {
		return err
	}
	data := presetData(preset)
	if o.dryRun {
		return o.describe(ctx, data, out, errOut)
	}
	predictions, err := createPredictions(o.predictions)
	if err != nil {
		return err
	}
	defer predictions.discard()
	folder, err := o.createFolder()
	if err != nil {
		return err
	}
	defer folder.close()
	if err := folder.begin(o, data); err != nil {
		return err
	}
	return folder.end(ctx, presetOptions{o}.repeat(ctx, preset, folder, predictions, data, out, errOut))
}

// repeat trains one of the original's programs on its data.
func (o presetOptions) repeat(ctx context.Context, preset original.Preset, folder *folder, predictions predictionsFile, data fit.Data, out, errOut io.Writer) error {
	if o.json {
		line := newStartLine(o.trainOptions, data.Train, folder)
		line.Preset = preset.Name
		if err := observe.WriteJSON(out, "start", line); err != nil {
			return err
		}
	}
	fmt.Fprintf(errOut, "rnnbin: preset %s, seed %d, %s of training\n",
		preset.Name, o.Seed, count(o.Rungs[0].Epochs*o.Rungs[0].Windows.Steps(), "update"))
	report := reporter{errOut: errOut}
	observers := append(folder.space(o.trainOptions), append(folder.events(o.tensorboard, data.Train, report.note), originalLines{out})...)
	if o.json {
		observers[len(observers)-1] = observe.NewJSON(out, 0)
	}
	if folder.writer != nil {
		observers = append(observers, keepWhatIs{&endingOf(ctx).keep})
	}
	means := folder.means(o.trainOptions)
	if err := resumption(o).startedFrom(&means); err != nil {
		return err
	}
	if start, is := means.Store.(started); is {
		observers = append(observers, start)
	}
	result, err := fit.Fit(ctx, data, o.spec(), means, observers...)
	if err != nil {
		if folder.writer != nil && !stopped(ctx, err) {
			folder.drop(o.trainOptions)
			err = &endedEarly{err, "nothing is kept: a preset runs to its end or not at all"}
		}
		return withFlag(err)
	}
	trained := result.Members[0]
	took := time.Duration(trained.Seconds * float64(time.Second))
	fmt.Fprintf(errOut, "rnnbin: trained in %v, %v an update\n",
		took.Round(time.Millisecond), (took / time.Duration(trained.Steps)).Round(time.Microsecond))
	if err := o.commitPreset(ctx, folder, result, errOut); err != nil {
		return err
	}
	if folder.model != nil {
		printNext(errOut, folder.model, folder.writer.Dir())
	}
	settled, written := folder.settle(), predictions.write(ctx, trained, preset, samples(&o.Rungs[0]))
	if err := cmp.Or(settled, written); err != nil || !o.json {
		return err
	}
	return observe.WriteJSON(out, "result", newPresetResult(o.trainOptions, trained, folder))
}

// commitPreset commits what came of a preset, if there is a folder for it.
func (o presetOptions) commitPreset(ctx context.Context, f *folder, r *fit.Result, errOut io.Writer) error {
	if f.writer == nil {
		return nil
	}
	m, err := o.presetModel(f.writer.Dir(), r)
	if err != nil {
		return err
	}
	return f.commit(ctx, m, r, nil, errOut)
}

// presetResult is the last line of a preset with --json.
type presetResult struct {
	Seed        int64          `json:"seed"`
	Steps       int            `json:"updates"`
	Loss        metrics.Number `json:"loss"` // mean of the last epoch
	Seconds     float64        `json:"seconds"`
	Folder      string         `json:"folder,omitempty"`
	Predictions string         `json:"predictions,omitempty"` // the file
}

func newPresetResult(o *trainOptions, t *fit.Trained, f *folder) presetResult {
	last := t.History[len(t.History)-1]
	r := presetResult{Seed: o.Seed, Steps: t.Steps, Loss: metrics.Number(last.Epoch.Loss), Seconds: t.Seconds, Predictions: o.predictions}
	if f.writer != nil {
		r.Folder = f.writer.Dir()
	}
	return r
}

// originalLines prints lines as the original does.
type originalLines struct{ out io.Writer }

// Observe implements fit.Observer.
func (l originalLines) Observe(_ context.Context, e fit.Event) error {
	i, ok := e.(fit.Iterated)
	if !ok {
		return nil
	}
	_, err := fmt.Fprintln(l.out, original.Line(i.Epoch, i.Iteration, i.Loss))
	return err
}

// predictionsFile is where the predictions go, if anywhere.
type predictionsFile struct{ file *outfile.File }

// createPredictions opens the file before training, so that a path that cannot
// be written is known at once.
func createPredictions(path string) (predictionsFile, error) {
	if path == "" {
		return predictionsFile{}, nil
	}
	f, err := outfile.Create(path)
	if err != nil {
		return predictionsFile{}, fmt.Errorf("--predictions: %w", err)
	}
	return predictionsFile{f}, nil
}

func (f predictionsFile) discard() {
	if f.file != nil {
		f.file.Discard()
	}
}

// write is the original's last line: the trained network's outputs for the given number of
// samples from 37 on.
func (f predictionsFile) write(ctx context.Context, t *fit.Trained, preset original.Preset, samples int) error {
	if f.file == nil {
		return nil
	}
	const from = original.PredictFrom
	p, err := sessionOf(t)
	if err != nil {
		return err
	}
	defer p.Close()
	d := preset.Series()
	batch := samples / t.Config.Window
	prediction, err := p.Predict(ctx, sequences(t.Config.Network, d.X, from, batch), batch, nil)
	if err != nil {
		return err
	}
	w := csv.NewWriter(f.file)
	outputs := t.Config.Outputs()
	_ = w.Write(predictionsHeader(outputs)) // its error is Flush's
	for i := range samples {
		row := prediction.Outputs[i*outputs : (i+1)*outputs]
		cells := []string{strconv.Itoa(from + i), original.FormatFloat(d.X[from+i]), original.FormatFloat(d.Y[from+i])}
		for _, v := range row {
			cells = append(cells, original.FormatFloat(v))
		}
		if outputs == 2 {
			cells = append(cells, original.FormatFloat(prediction.Probability[2*i+1]))
		}
		_ = w.Write(cells)
	}
	w.Flush()
	if err := errors.Join(w.Error(), f.file.Commit()); err != nil {
		return fmt.Errorf("write the predictions: %w", err)
	}
	return nil
}

// sequences are a batch's windows of the series x, one behind the other from a sample on,
// with the samples around each that the network's lags ask for.
func sequences(c graph.Network, x []float32, from, batch int) []float32 {
	before, behind := c.Context()
	var all []float32
	for first := from; first < from+batch*c.Window; first += c.Window {
		for at := first - before; at < first+c.Window+behind; at++ {
			all = append(all, x[min(max(at, 0), len(x)-1)])
		}
	}
	return all
}

func predictionsHeader(outputs int) []string {
	header := []string{"sample", "input", "label"}
	if outputs == 1 {
		return append(header, "output")
	}
	return append(header, "output0", "output1", "probability")
}
