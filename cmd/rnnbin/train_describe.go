package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph"
)

// description is what a run is going to do, as --dry-run shows it.
type description struct {
	Data     *dataDescription  `json:"data,omitempty"` // of own data
	Network  networkSummary    `json:"network"`
	Training trainingSummary   `json:"training"`
	Folds    []taskDescription `json:"folds"` // one, or those of --walk-forward
}

type dataDescription struct {
	Rows       int      `json:"rows"`
	Series     int      `json:"series"`
	Features   []string `json:"features"`
	Label      string   `json:"label"`
	Zeros      int      `json:"zeros"`
	Ones       int      `json:"ones"`
	Unlabelled int      `json:"unlabelled"`
}

type networkSummary struct {
	Steps         int             `json:"steps"` // in a window
	Features      int             `json:"features"`
	Lags          []int           `json:"lags,omitempty"`
	Layers        []layerSummary  `json:"layers"` // from the features up
	Bidirectional bool            `json:"bidirectional"`
	Dropout       float32         `json:"dropout,omitempty"`
	InputNoise    float32         `json:"input_noise,omitempty"`
	Outputs       int             `json:"outputs"`
	Loss          graph.Loss      `json:"loss"`
	Weights       []weightSummary `json:"weights"`
	Parameters    int             `json:"parameters"`
}

type layerSummary struct {
	Cell       graph.Cell       `json:"cell"`
	Units      int              `json:"units"`
	Activation graph.Activation `json:"activation,omitempty"` // of plain cells
}

// weightSummary is an array of weights.
type weightSummary struct {
	Name       string `json:"name"`
	Shape      []int  `json:"shape"`
	Parameters int    `json:"parameters"`
}

type trainingSummary struct {
	Optimizer      graph.Optimizer `json:"optimizer"`
	LearningRate   string          `json:"learning_rate"`
	BatchSize      int             `json:"batch_size"`
	Epochs         int             `json:"epochs"`
	Seed           int64           `json:"seed"`
	Threads        int             `json:"threads"`
	Form           graph.Form      `json:"form"`
	InstructionSet string          `json:"instruction_set,omitempty"` // of the fused form
}

// taskDescription is what one network is trained on.
type taskDescription struct {
	Rows           int                `json:"rows"`
	Windows        int                `json:"windows"`
	StepsPerEpoch  int                `json:"steps_per_epoch"`
	Zeros          int                `json:"zeros"`
	Ones           int                `json:"ones"`
	Twos           int                `json:"twos,omitempty"` // of the preset question alone
	ClassWeight    series.ClassWeight `json:"class_weight"`
	ValidationRows int                `json:"validation_rows"`
	Validation     int                `json:"validation_steps"` // labelled, and not padded
}

// describeData counts rows, series and labels.
func describeData(d *ownData) *dataDescription {
	count := series.CountLabels(d.Labels, d.Series)
	return &dataDescription{
		Rows: d.Len(), Series: len(d.Series), Features: d.Features, Label: d.Label,
		Zeros: count[0], Ones: count[1], Unlabelled: d.Len() - count[0] - count[1],
	}
}

func (d *dataDescription) print(errOut io.Writer) {
	fmt.Fprintf(errOut, "rnnbin: %v\n", d)
}

func (d *dataDescription) String() string {
	text := fmt.Sprintf("%s in %d series; features %s; label %s: %s", count(d.Rows, "row"), d.Series,
		series.List(d.Features), d.Label, balance(d.Zeros, d.Ones))
	if d.Unlabelled > 0 {
		text += fmt.Sprintf(", %d unlabelled", d.Unlabelled)
	}
	return text
}

// balance describes two classes.
func balance(zeros, ones int) string {
	return fmt.Sprintf("%d of %d are 1 (%.3g %%)", ones, zeros+ones, 100*float64(ones)/float64(max(1, zeros+ones)))
}

// count is n things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// describeTask counts what is trained on and what is held back.
func describeTask(t *ownTask) taskDescription {
	d := taskDescription{
		Rows: series.Rows(t.fold.train), Windows: windows(t.batches), StepsPerEpoch: len(t.batches),
		Zeros: t.count[0], Ones: t.count[1], ClassWeight: t.weight,
	}
	if t.validation != nil {
		d.ValidationRows, d.Validation = series.Rows(t.fold.validation), t.validation.Count()
	}
	return d
}

func (d taskDescription) String() string {
	text := fmt.Sprintf("training on %s in %s, %s an epoch; labels: %s",
		count(d.Rows, "row"), count(d.Windows, "window"), count(d.StepsPerEpoch, "step"), d.balance())
	if d.ClassWeight != (series.ClassWeight{1, 1}) {
		text += fmt.Sprintf(", with weights %.4g and %.4g", d.ClassWeight[0], d.ClassWeight[1])
	}
	if d.ValidationRows > 0 {
		text += fmt.Sprintf("; validation on %s, %d of them scored", count(d.ValidationRows, "row"), d.Validation)
	}
	return text
}

func (d taskDescription) balance() string {
	if d.Twos > 0 {
		return fmt.Sprintf("%d of %d are 2", d.Twos, d.Zeros+d.Ones+d.Twos)
	}
	return balance(d.Zeros, d.Ones)
}

// kindOf names a layer's cell, a plain one by its activation.
func kindOf(l graph.Layer) string {
	if l.Cell == graph.Plain {
		return string(l.Activation)
	}
	return string(l.Cell)
}

func describeNetwork(c graph.Config) networkSummary {
	s := networkSummary{
		Steps: c.Window, Features: c.Features, Lags: c.Lags, Outputs: c.Outputs(), Loss: c.Loss, Bidirectional: c.Bidirectional,
		Dropout: c.Dropout, InputNoise: c.InputNoise, Parameters: c.Parameters(),
	}
	for _, l := range c.Layers {
		s.Layers = append(s.Layers, layerSummary(l))
	}
	for _, w := range c.Weights() {
		s.Weights = append(s.Weights, weightSummary{Name: w.Name, Shape: w.Shape, Parameters: w.Size()})
	}
	return s
}

func (o *trainOptions) describeTraining(c graph.Config, epochSteps int) trainingSummary {
	form, set := chosen(c)
	return trainingSummary{c.Optimizer, o.rates(epochSteps).String(), o.batchSize, o.epochs, c.Seed, c.Threads, form, set}
}

// dryRunOwn shows what a run on own data would do.
func (o *trainOptions) dryRunOwn(data *ownData, folds []fold, out, errOut io.Writer) error {
	d := description{Data: describeData(data)}
	for _, f := range folds {
		t, err := o.ownTask(data, f, true)
		if err != nil {
			return o.inFold(f, err)
		}
		t.warn(o, data.Label, errOut)
		d.Folds = append(d.Folds, describeTask(t))
		d.Network = describeNetwork(t.config)
		d.Training = o.describeTraining(t.config, len(t.batches))
	}
	return d.write(o.json, out)
}

// dryRunPreset shows what a preset would do.
func (o *trainOptions) dryRunPreset(t *task, out io.Writer) error {
	d := description{
		Network:  describeNetwork(t.config),
		Training: o.describeTraining(t.config, len(t.batches)),
		Folds: []taskDescription{{
			Rows: len(t.series.Y), Windows: windows(t.batches), StepsPerEpoch: len(t.batches), ClassWeight: series.ClassWeight{1, 1},
		}},
	}
	for _, y := range t.series.Y {
		switch y {
		case 0:
			d.Folds[0].Zeros++
		case 1:
			d.Folds[0].Ones++
		default:
			d.Folds[0].Twos++
		}
	}
	return d.write(o.json, out)
}

func (d description) write(asJSON bool, out io.Writer) error {
	if asJSON {
		return json.NewEncoder(out).Encode(d)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if d.Data != nil {
		fmt.Fprintf(w, "data\t%v\n", d.Data)
	}
	n, t := d.Network, d.Training
	fmt.Fprintf(w, "network\twindows of %d steps, [B,%d,%d] -> ", n.Steps, n.Steps, n.Features)
	if len(n.Lags) > 0 {
		fmt.Fprintf(w, "lags %v, [B,%d,%d] -> ", (*lagsValue)(&n.Lags), n.Steps, len(n.Lags)*n.Features)
	}
	for _, l := range n.Layers {
		fmt.Fprintf(w, "%d %s units%s -> ", l.Units, kindOf(graph.Layer(l)), map[bool]string{true: " in each direction"}[n.Bidirectional])
	}
	fmt.Fprintf(w, "[B,%d,%d]; loss %s%s\n", n.Steps, n.Outputs, n.Loss,
		extrasText(graph.Config{Dropout: n.Dropout, InputNoise: n.InputNoise}))
	for _, v := range n.Weights {
		fmt.Fprintf(w, "\t%s\t%v\t%d\n", v.Name, v.Shape, v.Parameters)
	}
	fmt.Fprintf(w, "\tparameters\t\t%d\n", n.Parameters)
	for i, f := range d.Folds {
		title := "run"
		if len(d.Folds) > 1 {
			title = fmt.Sprintf("fold %d", i+1)
		}
		fmt.Fprintf(w, "%s\t%v\n", title, f)
	}
	fmt.Fprintf(w, "training\t%s, batches of %s; %s, learning rate %s\n", count(t.Epochs, "epoch"), count(t.BatchSize, "window"), t.Optimizer, t.LearningRate)
	fmt.Fprintf(w, "machine\tseed %d, threads %d, form %s\n", t.Seed, t.Threads, formText(t.Form, t.InstructionSet))
	return w.Flush()
}

// describeResult reports how long training took, and how good the weights are that
// it kept. With --walk-forward the latter is on standard output.
func describeResult(r *foldResult, walk bool, errOut io.Writer) {
	took := time.Duration(r.seconds * float64(time.Second))
	validated := ""
	if r.report() != nil {
		validated = " with validation"
	}
	fmt.Fprintf(errOut, "rnnbin: trained %s, %s, in %v%s\n",
		count(len(r.history), "epoch"), count(r.steps, "step"), took.Round(10*time.Millisecond), validated)
	if r.report() == nil {
		return
	}
	fmt.Fprintf(errOut, "rnnbin: epoch %d did best, and its weights are kept\n", r.best.Epoch)
	if !walk {
		_ = r.report().WriteTable(errOut) // the model is kept, whoever reads this
	}
}
