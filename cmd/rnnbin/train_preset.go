package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/model"
	"github.com/rnnbin/rnnbin/cmd/internal/original"
	"github.com/rnnbin/rnnbin/cmd/internal/outfile"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/train"
	"github.com/rnnbin/rnnbin/graph"
)

// presetTask is the original's series and batches.
func (o *trainOptions) presetTask(p original.Preset) task {
	return task{
		config:  o.networkFor(1),
		series:  p.Series(),
		batches: original.Batches(o.iterationsOrAll(), o.batchSize, o.network.Window),
	}
}

// presetModel describes what was trained as it would be had the series come from
// `rnnbin data sine`.
func (o *trainOptions) presetModel(t *task) *model.Model {
	features := []string{"x"}
	return &model.Model{
		Version:     programVersion(),
		Network:     t.config,
		Columns:     model.Columns{Label: "label", Features: features, Missing: series.MissingError},
		Horizon:     original.Horizon,
		Scaler:      series.Scaler{Kind: series.NoScale, Columns: features, Offset: []float64{0}, Scale: []float64{1}, Fill: []float64{0}},
		Threshold:   0.5,
		ClassWeight: series.ClassWeight{1, 1},
		Training: model.Training{
			Rows:    len(t.series.Y),
			Windows: len(t.batches) * o.batchSize,
			Epochs:  o.epochs,
			Steps:   o.epochs * len(t.batches),
		},
	}
}

// trainPreset runs one of the original's programs, and prints what it prints.
func trainPreset(ctx context.Context, o *trainOptions, out, errOut io.Writer) error {
	preset, err := original.Find(o.preset)
	if err != nil {
		return err
	}
	t := o.presetTask(preset)
	if o.dryRun {
		return o.dryRunPreset(&t, out)
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
	session, err := t.session()
	if err != nil {
		return err
	}
	defer session.Close()

	r := t.run(o, session)
	r.LogEvery, r.Log = o.logEvery, o.logTo(out)
	fmt.Fprintf(errOut, "rnnbin: preset %s, seed %d, %d steps of training, threads %d\n",
		preset.Name, o.network.Seed, r.Steps(), t.config.Threads)
	begin := time.Now()
	if err := r.Do(ctx); err != nil {
		if folder.writer != nil {
			err = &endedEarly{err, nothingGood}
		}
		return err
	}
	took := time.Since(begin)
	fmt.Fprintf(errOut, "rnnbin: trained in %v, %v a step\n",
		took.Round(time.Millisecond), (took / time.Duration(r.Steps())).Round(time.Microsecond))
	m := o.presetModel(&t)
	m.Training.Seconds = took.Seconds()
	if m.Settings, err = o.effective(); err != nil {
		return err
	}
	if err := folder.commit(ctx, session, m, nil, errOut); err != nil {
		return err
	}
	settled, written := folder.settle(), predictions.write(ctx, session.Predictor, preset, o)
	return cmp.Or(settled, written)
}

// logTo prints lines as the original does, or as JSON.
func (o *trainOptions) logTo(out io.Writer) func(train.Line) error {
	if o.json {
		encoder := json.NewEncoder(out)
		return func(l train.Line) error { return encoder.Encode(l) }
	}
	return func(l train.Line) error {
		_, err := fmt.Fprintln(out, original.Line(l.Epoch, l.Iteration, l.Loss))
		return err
	}
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
		return predictionsFile{}, usageError{fmt.Errorf("--predictions: %w", err)}
	}
	return predictionsFile{f}, nil
}

func (f predictionsFile) discard() {
	if f.file != nil {
		f.file.Discard()
	}
}

// write is the original's last line: the trained network's outputs for the
// samples from 37 on.
func (f predictionsFile) write(ctx context.Context, p *graph.Predictor, preset original.Preset, o *trainOptions) error {
	if f.file == nil {
		return nil
	}
	const from = original.PredictFrom
	d := preset.Series()
	prediction, err := p.Predict(ctx, sequences(p.Config(), d.X, from, o.batchSize), o.batchSize, nil)
	if err != nil {
		return err
	}
	w := csv.NewWriter(f.file)
	outputs := p.Config().Outputs()
	_ = w.Write(predictionsHeader(outputs)) // its error is Flush's
	for i := range o.samples() {
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
func sequences(c graph.Config, x []float32, from, batch int) []float32 {
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
