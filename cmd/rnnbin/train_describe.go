package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/observe"
	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
	"github.com/rnnbin/rnnbin/graph/model"
)

// description is what a run is going to do, as --dry-run shows it.
type description struct {
	Rows     int                  `json:"rows"`    // that train
	Classes  map[string]int       `json:"classes"` // of these, by their labels
	Split    layout.SplitKind     `json:"split,omitempty"`
	Folds    []foldDescription    `json:"folds,omitempty"`
	TestRows int                  `json:"test_rows"`
	Within   inputs.Within        `json:"series_scale"` // that networks may have
	Networks []networkDescription `json:"networks"`
	Members  int                  `json:"members"`
	Seconds  float64              `json:"seconds"` // that the run takes at most, an estimate; 0: not known
	Space    float64              `json:"space"`   // bytes that the run writes at most, an estimate; 0: it writes none
	Seed     int64                `json:"seed"`
	Command  []string             `json:"command"` // that makes the run
}

type foldDescription struct {
	Rows int `json:"rows"` // that train, those of the gap included
	Held int `json:"held"`
}

// networkDescription is a network, and how all rows train it.
type networkDescription struct {
	Name      string        `json:"name"`
	Candidate bool          `json:"candidate"` // else it is there to compare with
	Inputs    inputs.Inputs `json:"inputs"`    // but for their scale
	graph.Config
	Outputs         int                 `json:"outputs"`
	Weights         []weightDescription `json:"weights"`
	Parameters      int                 `json:"parameters"`
	Rates           string              `json:"learning_rate"` // over the updates
	BatchSize       int                 `json:"batch_size"`
	Epochs          int                 `json:"epochs"`
	UpdatesPerEpoch int                 `json:"updates_per_epoch"`
	Memory          float64             `json:"memory"`  // bytes that a training takes, an estimate
	Seconds         float64             `json:"seconds"` // that a training takes, by a few updates; 0: not known
}

// weightDescription is an array of weights.
type weightDescription struct {
	Name       string `json:"name"`
	Shape      []int  `json:"shape"`
	Parameters int    `json:"parameters"`
}

// describe shows what a run would do.
func (o *trainOptions) describe(ctx context.Context, data fit.Data, out, errOut io.Writer) error {
	var d description
	report := newReporter(&o.outputOptions, len(data.Train.Classes), io.Discard, errOut)
	room, observers := &space{trainOptions: o, dir: cmp.Or(o.out, runs)}, []fit.Observer{report, &d}
	if o.out != "" || o.own() {
		observers = append(observers, room)
	}
	if err := fit.Preview(ctx, data, o.spec(), fit.Means{Memory: availableMemory()}, observers...); err != nil {
		return withFlag(err)
	}
	d.Members, d.Space, d.Seed, d.Command = o.Members, room.needs, o.Seed, trainCommand(o.flags, o.Seed)
	d.Classes = map[string]int{}
	for c, n := range layout.Count(data.Train.Labels, data.Train.Series, len(data.Train.Classes)) {
		d.Classes[data.Train.Classes[c]] = n
	}
	if o.json {
		return observe.WriteJSON(out, "plan", d)
	}
	fmt.Fprintln(out, describeData(data.Train))
	return d.write(out)
}

// Observe implements fit.Observer.
func (d *description) Observe(_ context.Context, e fit.Event) error {
	p, ok := e.(fit.Planned)
	if !ok {
		return nil
	}
	d.Rows, d.Split, d.TestRows, d.Within, d.Seconds = p.Rows, p.Split, p.Test, p.Within, p.Seconds
	for _, f := range p.Folds {
		d.Folds = append(d.Folds, foldDescription{layout.Rows(f.Train), layout.Rows(f.Held)})
	}
	for _, plan := range p.Rungs {
		d.Networks = append(d.Networks, describeNetwork(plan))
	}
	return nil
}

func describeNetwork(p fit.Plan) networkDescription {
	c := p.Config
	c.Form, c.InstructionSet = chosen(c.Machine)
	n := networkDescription{
		Name: p.Name(), Candidate: !p.Baseline, Inputs: p.Inputs, Config: c, Outputs: c.Outputs(), Parameters: c.Parameters(),
		Rates: p.Rates(p.Epochs, p.Steps).String(), BatchSize: p.Batch, Epochs: p.Epochs, UpdatesPerEpoch: p.Steps, Memory: p.Memory, Seconds: p.Seconds,
	}
	for _, w := range c.Weights() {
		n.Weights = append(n.Weights, weightDescription{Name: w.Name, Shape: w.Shape, Parameters: w.Size()})
	}
	return n
}

// write prints the description for people.
func (d *description) write(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for i, f := range d.Folds {
		fmt.Fprintf(w, "fold %d\t%s train, %d are held back\n", i+1, count(f.Rows, "row"), f.Held)
	}
	if d.TestRows > 0 {
		fmt.Fprintf(w, "test\t%s\n", count(d.TestRows, "row"))
	}
	for _, n := range d.Networks {
		n.write(w)
	}
	fmt.Fprintf(w, "members\t%d\n", d.Members)
	if d.Seconds > 0 {
		fmt.Fprintf(w, "time\tat most about %s\n", secondsText(d.Seconds))
	}
	if d.Space > 0 {
		fmt.Fprintf(w, "disk\tat most about %s\n", fit.BytesText(d.Space))
	}
	fmt.Fprintf(w, "seed\t%d\n", d.Seed)
	fmt.Fprintf(w, "command\t%s\n", quoteAll(d.Command))
	return w.Flush()
}

func (n *networkDescription) write(w io.Writer) {
	rival := ""
	if !n.Candidate {
		rival = " (to compare with)"
	}
	fmt.Fprintf(w, "network\t%s%s\n", n.Name, rival)
	fmt.Fprintf(w, "\t%s\n", inputsText(model.Kind{Network: n.Network, Inputs: n.Inputs}))
	fmt.Fprintf(w, "\twindows of %d steps, [B,%d,%d] -> ", n.Window, n.Window, n.Features)
	if len(n.Lags) > 0 {
		fmt.Fprintf(w, "lags %v, [B,%d,%d] -> ", (*lagsValue)(&n.Lags), n.Window, n.Config.Inputs())
	}
	for _, l := range n.Layers {
		fmt.Fprintf(w, "%d %s units%s -> ", l.Units, kindOf(l), map[bool]string{true: " in each direction"}[n.Bidirectional])
	}
	fmt.Fprintf(w, "[B,%d,%d]; loss %s%s\n", n.Window, n.Outputs, n.Loss, extrasText(graph.Config{Training: n.Training}))
	fmt.Fprintf(w, "\t%s, %s of %s, batches of %s; %s, learning rate %s\n", count(n.Parameters, "parameter"), count(n.Epochs, "epoch"),
		count(n.UpdatesPerEpoch, "update"), count(n.BatchSize, "window"), n.Optimizer, n.Rates)
	fmt.Fprintf(w, "\tthreads %d, form %s; training takes about %s of memory", n.Threads, formText(n.Form, n.InstructionSet), fit.BytesText(n.Memory))
	if n.Seconds > 0 {
		fmt.Fprintf(w, " and %s", secondsText(n.Seconds))
	}
	fmt.Fprintln(w)
}

// kindOf names a layer's cell, a plain one by its activation.
func kindOf(l graph.Layer) string {
	if l.Cell == graph.Plain {
		return string(l.Activation)
	}
	return string(l.Cell)
}

// secondsText is a time that is not known exactly.
func secondsText(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
