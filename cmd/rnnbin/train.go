package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rnnbin/rnnbin/cmd/internal/original"
	"github.com/rnnbin/rnnbin/cmd/internal/outfile"
	"github.com/rnnbin/rnnbin/cmd/internal/train"
	"github.com/rnnbin/rnnbin/graph"
)

// trainOptions are the flags of train.
type trainOptions struct {
	preset       string
	seed         int64
	epochs       int
	iterations   int
	steps        int
	units        int
	batchSize    int
	learningRate float32
	logEvery     int
	threads      int
	kernel       string
	json         bool
	predictions  string
}

// defaultTrainOptions are the original's.
func defaultTrainOptions() trainOptions {
	c := graph.DefaultConfig()
	return trainOptions{
		preset:       original.Presets[0].Name,
		epochs:       10,
		steps:        c.Steps,
		units:        c.Units,
		batchSize:    10,
		learningRate: c.LearningRate,
		logEvery:     100,
		kernel:       string(c.Kernel),
	}
}

func (o *trainOptions) addFlags(f *pflag.FlagSet) {
	*o = defaultTrainOptions()
	var presets strings.Builder
	for _, p := range original.Presets {
		fmt.Fprintf(&presets, "\n%s: %s", p.Name, p.About)
	}
	f.StringVar(&o.preset, "preset", o.preset, "`name` of the program to run:"+presets.String())
	f.Int64Var(&o.seed, "seed", 0, "seed `n` of the initial weights (default random, and printed)")
	f.IntVar(&o.epochs, "epochs", o.epochs, "train `n` times over the batches")
	f.IntVar(&o.iterations, "iterations", 0, "`n` batches an epoch, each one sample further on (default as many as fit)")
	f.IntVar(&o.steps, "steps", o.steps, "`n` samples in a window")
	f.IntVar(&o.units, "units", o.units, "width `n` of the recurrent state")
	f.IntVar(&o.batchSize, "batch-size", o.batchSize, "`n` windows in a batch, cut from samples that follow each other")
	f.Float32Var(&o.learningRate, "learning-rate", o.learningRate, "Adam's learning `rate`")
	f.IntVar(&o.logEvery, "log-every", o.logEvery, "print a line every `n` iterations")
	f.IntVar(&o.threads, "threads", 0, "`n` threads (default by the size of a step: one for small ones)")
	f.StringVar(&o.kernel, "kernel", o.kernel, "`form` of the recurrence: auto, portable (TensorFlow's standard operations), fused\n(ours, several times faster), or fused on one of this machine's instruction sets:\n"+strings.Join(graph.InstructionSets(), ", "))
	f.BoolVar(&o.json, "json", false, "print the lines as JSON objects")
	f.StringVar(&o.predictions, "predictions", "", "after training, write the outputs for samples from 37 on to `file` as CSV:\nsample, input, the label one step ahead, outputs, probability of label 1")
	f.SortFlags = false
}

func newTrain() *cobra.Command {
	var o trainOptions
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Train a network and print its loss",
		Long: `Train a recurrent network to label every step of a sine wave: 1000 samples of
two periods, each labelled one step ahead. Batches slide over the series by one
sample.

Standard output has a line for every hundredth iteration: iteration, epoch, and
the loss on its batch after the update. All else goes to standard error. The
same seed gives the same lines, run after run.

` + exitCodes,
		Example: `  rnnbin train
  rnnbin train --seed 0 --epochs 1
  rnnbin train --preset question --seed 0
  rnnbin train --seed 0 --json --predictions predictions.csv`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("seed") {
				o.seed = rand.Int64N(math.MaxInt32)
			}
			return runTrain(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	o.addFlags(cmd.Flags())
	return cmd
}

// runTrain trains, and prints as it goes.
func runTrain(ctx context.Context, o trainOptions, out, errOut io.Writer) error {
	preset, err := original.Find(o.preset)
	if err != nil {
		return usageError{fmt.Errorf("--preset: %w", err)}
	}
	if err := o.validate(preset); err != nil {
		return err
	}
	predictions, err := createPredictions(o.predictions)
	if err != nil {
		return err
	}
	defer predictions.discard()

	session, err := newSession(o.config(preset))
	if err != nil {
		return err
	}
	defer session.Close()
	if err := session.SetSeries(preset.Series()); err != nil {
		return err
	}
	r := train.Run{
		Session:  session,
		Epochs:   o.epochs,
		Batches:  original.Batches(o.iterationsOrAll(), o.batchSize, o.steps),
		LogEvery: o.logEvery,
		Log:      o.logTo(out),
	}
	fmt.Fprintf(errOut, "rnnbin: preset %s, seed %d, %d steps of training, threads %d\n",
		preset.Name, o.seed, r.Steps(), session.Config().Threads)
	begin := time.Now()
	if err := r.Do(ctx); err != nil {
		return err
	}
	took := time.Since(begin)
	fmt.Fprintf(errOut, "rnnbin: trained in %v, %v a step\n",
		took.Round(time.Millisecond), (took / time.Duration(r.Steps())).Round(time.Microsecond))
	return predictions.write(session, preset, o)
}

func (o trainOptions) config(p original.Preset) graph.Config {
	c := graph.DefaultConfig()
	c.Steps = o.steps
	c.Units = o.units
	c.Loss = p.Loss
	c.LearningRate = o.learningRate
	c.Seed = o.seed
	c.Kernel = graph.Kernel(o.kernel)
	c.Threads = o.threads
	if c.Threads == 0 {
		c.Threads = c.SuggestThreads(o.batchSize, runtime.NumCPU())
	}
	return c
}

// samples is the length of a batch.
func (o trainOptions) samples() int { return o.batchSize * o.steps }

func (o trainOptions) iterationsOrAll() int {
	if o.iterations == 0 {
		return original.Iterations(o.samples())
	}
	return o.iterations
}

// validate checks what the engine's own checks cannot see.
func (o trainOptions) validate(p original.Preset) error {
	if err := o.config(p).Validate(); err != nil {
		return err
	}
	for _, n := range []struct {
		flag       string
		value, min int
	}{
		{"epochs", o.epochs, 1},
		{"batch-size", o.batchSize, 1},
		{"log-every", o.logEvery, 1},
		{"iterations", o.iterations, 0},
	} {
		if n.value < n.min {
			return usagef(n.flag, "must be at least %d, not %d", max(n.min, 1), n.value)
		}
	}
	fit := original.Iterations(o.samples())
	if o.batchSize >= original.Samples || fit < 1 {
		return usagef("batch-size", "%d with --steps %d needs %d samples for a batch, the series has %d and one more for its labels",
			o.batchSize, o.steps, o.samples(), original.Samples-1)
	}
	if o.iterations > fit {
		return usagef("iterations", "must be at most %d, as batches of %d samples fit into the series of %d, not %d",
			fit, o.samples(), original.Samples, o.iterations)
	}
	if o.predictions != "" && original.PredictFrom+o.samples() > original.Samples-1 {
		return usagef("predictions", "needs %d samples from %d on, the series has %d", o.samples(), original.PredictFrom, original.Samples)
	}
	return nil
}

// logTo prints lines as the original does, or as JSON.
func (o trainOptions) logTo(out io.Writer) func(train.Line) error {
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

func (p predictionsFile) discard() {
	if p.file != nil {
		p.file.Discard()
	}
}

// write is the original's last line: the trained network's outputs for the
// samples from 37 on.
func (p predictionsFile) write(s *graph.Session, preset original.Preset, o trainOptions) error {
	if p.file == nil {
		return nil
	}
	const from = original.PredictFrom
	d := preset.Series()
	prediction, err := s.Predict(d.X[from:from+o.samples()], o.batchSize, nil)
	if err != nil {
		return err
	}
	w := csv.NewWriter(p.file)
	outputs := preset.Loss.Outputs()
	_ = w.Write(predictionsHeader(outputs)) // its error is Flush's
	for i := range o.samples() {
		row := prediction.Outputs[i*outputs : (i+1)*outputs]
		cells := []string{strconv.Itoa(from + i), original.FormatFloat(d.X[from+i]), original.FormatFloat(d.Y[from+i])}
		for _, v := range row {
			cells = append(cells, original.FormatFloat(v))
		}
		if outputs == 2 {
			cells = append(cells, original.FormatFloat(probability(row)))
		}
		_ = w.Write(cells)
	}
	w.Flush()
	if err := errors.Join(w.Error(), p.file.Commit()); err != nil {
		return fmt.Errorf("write the predictions: %w", err)
	}
	return nil
}

func predictionsHeader(outputs int) []string {
	header := []string{"sample", "input", "label"}
	if outputs == 1 {
		return append(header, "output")
	}
	return append(header, "output0", "output1", "probability")
}

// probability is the softmax of two logits: that of label 1.
func probability(logits []float32) float32 {
	return float32(1 / (1 + math.Exp(float64(logits[0])-float64(logits[1]))))
}
