package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/model"
	"github.com/rnnbin/rnnbin/cmd/internal/plot"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/train"
	"github.com/rnnbin/rnnbin/graph"
)

// ownData is the user's series.
type ownData struct {
	*series.Data
	held *series.Data // where validation rows are from: the same data, or --validation-data
}

// fold is what is trained on and what is held back.
type fold struct {
	number     int // from 1
	train      []series.Range
	validation []series.Range // of ownData.held
}

// ownTask is a task with what prediction has to know of it.
type ownTask struct {
	task
	fold   fold
	scaler *series.Scaler
	weight series.ClassWeight
	count  [2]int // zeros and ones that are trained on
}

// trainOwn trains on the user's series: once, or once for each fold.
func trainOwn(ctx context.Context, o *trainOptions, out, errOut io.Writer) error {
	if o.out != "" && !o.dryRun { // reading may take long
		if err := model.Check(o.out, o.force); err != nil {
			return usageError{fmt.Errorf("--out: %w", err)}
		}
	}
	data, err := o.read(ctx, errOut)
	if err != nil {
		return err
	}
	folds, err := o.folds(data)
	if err != nil {
		return err
	}
	if o.dryRun {
		return o.dryRunOwn(data, folds, out, errOut)
	}
	folder, err := o.createFolder()
	if err != nil {
		return err
	}
	defer folder.close()
	describeData(data).print(errOut)
	results, err := o.trainFolds(ctx, data, folds, out, errOut)
	defer release(results)
	if err != nil {
		return o.rescue(ctx, folder, data, results, err, errOut)
	}
	if err := o.commitOwn(ctx, folder, data, results, errOut); err != nil {
		return err
	}
	last := results[len(results)-1]
	describeResult(last, o.walkForward > 0, errOut)
	settled, drawn := folder.settle(), o.drawHistory(last.history)
	return cmp.Or(settled, drawn)
}

// release lets go of the sessions.
func release(results []*foldResult) {
	for _, r := range results {
		r.release()
	}
}

// read loads the data, and prints what is odd about it.
func (o *trainOptions) read(ctx context.Context, errOut io.Writer) (*ownData, error) {
	data, err := series.Read(ctx, o.data, o.columns)
	if err != nil {
		return nil, err
	}
	if err := data.NoPositive(o.columns.Positive); err != nil {
		return nil, err
	}
	printWarnings(errOut, data.Warnings)
	if len(o.validationData) == 0 {
		return &ownData{data, data}, nil
	}
	same := o.columns
	same.Features = data.Features
	held, err := series.Read(ctx, o.validationData, same)
	if err != nil {
		return nil, err
	}
	printWarnings(errOut, held.Warnings)
	return &ownData{data, held}, nil
}

// folds decides which rows train and which are held back.
func (o *trainOptions) folds(data *ownData) ([]fold, error) {
	if o.walkForward > 0 {
		rounds, err := series.WalkForward(data.Series, o.walkForward)
		var folds []fold
		for i, r := range rounds {
			folds = append(folds, fold{i + 1, r.Train, r.Validation})
		}
		return folds, err
	}
	if data.held != data.Data {
		return []fold{{1, data.Series, data.held.Series}}, nil
	}
	rows, held, err := series.Split(data.Series, o.validation)
	return []fold{{1, rows, held}}, err
}

// ownTask lays a fold out. With keep it leaves the data as it is; otherwise it
// scales it in place.
func (o *trainOptions) ownTask(data *ownData, f fold, keep bool) (*ownTask, error) {
	t := &ownTask{fold: f, count: series.CountLabels(data.Labels, f.train)}
	if t.count[0]+t.count[1] == 0 {
		return nil, fmt.Errorf("column %q labels no row of the training part", data.Label)
	}
	var err error
	if t.scaler, err = series.FitScaler(series.ScaleKind(o.scale), data.Data, f.train); err != nil {
		return nil, err
	}
	if t.weight, err = series.ParseClassWeight(o.classWeight, data.Labels, f.train); err != nil {
		return nil, err
	}
	rows, held, err := scaled(t.scaler, data, keep)
	if err != nil {
		return nil, err
	}
	set, err := series.Build(rows, f.train, series.Layout{Horizon: o.horizon, Weight: t.weight})
	if err != nil {
		return nil, err
	}
	starts, err := set.Windows(set.Parts, o.network.Window, o.stride)
	if err != nil {
		return nil, err
	}
	if len(starts) == 0 {
		return nil, errors.New("there is nothing to learn in the training part: check --label, --horizon and --class-weight")
	}
	t.task = task{
		config:  o.networkFor(len(data.Features)),
		series:  graph.Series{X: set.X, Y: set.Y, W: set.W, Lengths: set.Lengths()},
		batches: train.Cut(starts, o.batchSize),
		shuffle: o.shuffle,
	}
	return t, o.holdBack(t, held)
}

// scaled returns the data with scaled features, in copies if it is to be kept.
func scaled(s *series.Scaler, data *ownData, keep bool) (rows, held *series.Data, err error) {
	apply := func(d *series.Data) (*series.Data, error) {
		copied := *d
		if keep {
			copied.X = slices.Clone(d.X)
		}
		return &copied, copied.Scale(s)
	}
	rows, err = apply(data.Data)
	if err != nil || data.held == data.Data {
		return rows, rows, err
	}
	held, err = apply(data.held)
	return rows, held, err
}

// validates reports whether rows are held back.
func (o *trainOptions) validates() bool {
	return o.validation > 0 || o.walkForward > 0 || len(o.validationData) > 0
}

// holdBack sets the task's validation, if there is any.
func (o *trainOptions) holdBack(t *ownTask, held *series.Data) error {
	if !o.validates() {
		return nil
	}
	threshold, auto, err := o.fixedThreshold()
	if err != nil {
		return err
	}
	t.validation = &train.Validation{
		X: held.X, Labels: held.Labels, Series: held.Series, Parts: t.fold.validation,
		Horizon: o.horizon, Threshold: threshold, Auto: auto,
		Loss: t.config.Loss, Gamma: t.config.FocalGamma, Weight: t.weight,
	}
	return o.judgeable(t.validation)
}

// judgeable reports a validation part that cannot tell how good a network is.
func (o *trainOptions) judgeable(v *train.Validation) error {
	switch count := v.Classes(); {
	case count[0]+count[1] == 0:
		return errors.New("the validation part has no labelled step to score (--validation 0 trains without)")
	case o.threshold == "auto" && count[1] == 0:
		return errors.New("the validation part has no step labelled 1 to find the threshold with (--threshold 0.5 sets it)")
	}
	return nil
}

// checkFolds finds folds that cannot be judged before others are trained.
func (o *trainOptions) checkFolds(data *ownData, folds []fold) error {
	for _, f := range folds {
		v := train.Validation{Labels: data.held.Labels, Series: data.held.Series, Parts: f.validation, Horizon: o.horizon}
		if err := o.judgeable(&v); err != nil {
			return o.inFold(f, err)
		}
	}
	return nil
}

// warn prints what is odd about a task.
func (t *ownTask) warn(o *trainOptions, label string, errOut io.Writer) {
	for class, n := range t.count {
		if n > 0 {
			continue
		}
		fmt.Fprintf(errOut, "rnnbin: warning: column %q: no label of the training part is %d, so the network can only learn to answer %d", label, class, 1-class)
		if o.classWeight == "auto" {
			fmt.Fprint(errOut, "; --class-weight auto does nothing")
		}
		fmt.Fprintln(errOut)
	}
	if v := t.validation; v != nil && series.CountLabels(v.Labels, v.Parts)[1] == 0 {
		fmt.Fprintf(errOut, "rnnbin: warning: column %q: no label of the validation part is 1, so the epoch with the lowest loss counts as best\n", label)
	}
}

// foldResult is what came of a fold.
type foldResult struct {
	*ownTask
	session *graph.Session // with the weights to keep
	best    train.Best     // empty without validation
	history []epochLine
	steps   int
	seconds float64
}

// report is the judgement of the weights that are kept, nil without validation.
func (r *foldResult) report() *metrics.Report {
	if r.best.Judgement == nil {
		return nil
	}
	return r.best.Judgement.Report
}

// trainFolds trains one fold after the other, each from the same start. The last
// one's session is left open. With an error it returns what it has, including the fold
// that did not come to its end.
func (o *trainOptions) trainFolds(ctx context.Context, data *ownData, folds []fold, out, errOut io.Writer) ([]*foldResult, error) {
	printer := o.newPrinter(out, errOut)
	var results []*foldResult
	for i, f := range folds {
		t, err := o.ownTask(data, f, i < len(folds)-1)
		if err != nil {
			return results, o.inFold(f, err)
		}
		if i == 0 {
			if err := o.checkFolds(data, folds[1:]); err != nil {
				return nil, err
			}
		}
		t.warn(o, data.Label, errOut)
		fmt.Fprintf(errOut, "rnnbin: %v%v\n", o.foldName(f), describeTask(t))
		r, err := o.trainFold(ctx, t, printer)
		if r != nil {
			results = append(results, r)
		}
		if err != nil {
			return results, o.inFold(f, err)
		}
		if i < len(folds)-1 {
			r.release()
		}
		if err := printer.fold(r); err != nil {
			return results, err
		}
	}
	return results, printer.folds(results)
}

// release lets go of a fold's session and rows: what is told of it later needs
// neither.
func (r *foldResult) release() {
	if r.session != nil {
		r.session.Close()
		r.session = nil
	}
	r.series, r.validation = graph.Series{}, nil
}

// restore gives the session, a new one if need be, the weights of the best epoch.
func (r *foldResult) restore() error {
	if r.session == nil {
		s, err := newSession(r.config)
		if err != nil {
			return err
		}
		r.session = s
	}
	return r.best.Restore(r.session)
}

// foldName is what precedes a message about a fold, if there are several.
func (o *trainOptions) foldName(f fold) string {
	if o.walkForward == 0 {
		return ""
	}
	return fmt.Sprintf("fold %d: ", f.number)
}

// inFold says in which fold an error occurred, if there are several.
func (o *trainOptions) inFold(f fold, err error) error {
	return fmt.Errorf("%s%w", o.foldName(f), err)
}

// trainFold trains on one fold and leaves the session with the best weights. Once
// training has begun it returns a result even with an error.
func (o *trainOptions) trainFold(ctx context.Context, t *ownTask, printer *printer) (*foldResult, error) {
	s, err := t.session()
	if err != nil {
		return nil, err
	}
	result := &foldResult{ownTask: t, session: s}
	r := t.run(o, s)
	r.First = 1
	r.Progress = printer.progress(r.Steps())
	r.EndEpoch = func(ctx context.Context, e train.Epoch) (bool, error) { return o.endEpoch(ctx, result, e, printer) }
	begin := time.Now()
	err = r.Do(ctx)
	result.seconds = time.Since(begin).Seconds()
	printer.endProgress()
	if err == nil && t.validation != nil {
		err = result.restore()
	}
	return result, err
}

// endEpoch judges the network after an epoch and returns whether to go on.
func (o *trainOptions) endEpoch(ctx context.Context, r *foldResult, e train.Epoch, printer *printer) (bool, error) {
	r.steps = e.Steps
	line := newEpochLine(e)
	if o.walkForward > 0 {
		line.Fold = r.fold.number
	}
	if r.validation != nil {
		j, err := r.validation.Judge(ctx, r.session)
		if err != nil {
			return false, fmt.Errorf("validation after epoch %d: %w", e.Epoch, err)
		}
		better, err := r.best.Offer(r.session, e.Epoch, j)
		if err != nil {
			return false, err
		}
		line.judge(j, better)
		endingOf(ctx).keep.Store(true)
	}
	r.history = append(r.history, line)
	more := o.earlyStopping == 0 || e.Epoch-r.best.Epoch < o.earlyStopping
	return more, printer.epoch(line, !more || e.Epoch == o.epochs)
}

// ownModel describes what was trained.
func (o *trainOptions) ownModel(data *ownData, r *foldResult) *model.Model {
	threshold, _, _ := o.fixedThreshold() // has been checked
	if report := r.report(); report != nil {
		threshold = float64(report.Threshold)
	}
	return &model.Model{
		Version:     programVersion(),
		Network:     r.config,
		Columns:     model.ColumnsOf(o.columns, data.Features),
		Horizon:     o.horizon,
		Scaler:      *r.scaler,
		Threshold:   threshold,
		ClassWeight: r.weight,
		Training: model.Training{
			Data:    o.data,
			Rows:    series.Rows(r.fold.train),
			Windows: windows(r.batches),
			Epochs:  len(r.history),
			Best:    r.best.Epoch,
			Steps:   r.steps,
			Seconds: r.seconds,
		},
	}
}

// windows is how many the batches hold.
func windows(batches [][]int32) int {
	n := 0
	for _, b := range batches {
		n += len(b)
	}
	return n
}

// drawHistory draws the course of a training.
func (o *trainOptions) drawHistory(history []epochLine) error {
	if o.plot == "" {
		return nil
	}
	var epochs []plot.Epoch
	for _, l := range history {
		epochs = append(epochs, l.plot())
	}
	if err := plot.History(o.plot, epochs); err != nil {
		return fmt.Errorf("--plot: %w", err)
	}
	return nil
}
