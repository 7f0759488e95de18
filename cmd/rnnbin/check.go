package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	tf "github.com/wamuir/graft/tensorflow"
	"golang.org/x/sys/cpu"

	"github.com/rnnbin/rnnbin/cmd/internal/observe"
	"github.com/rnnbin/rnnbin/cmd/internal/original"
	"github.com/rnnbin/rnnbin/cmd/internal/tflib"
	"github.com/rnnbin/rnnbin/graph"
)

func newCheck() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check that libtensorflow is there and gives the right numbers",
		Long: `Report which libtensorflow was loaded and from where, what it runs on, and which
forms the network has on this processor; and make one training step whose loss is
known.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runCheck(cmd.Context(), asJSON, cmd.OutOrStdout())
		},
	}
	addFlag(cmd.Flags(), "json", &asJSON, jsonUsage)
	return cmd
}

// checkResult is what check found.
type checkResult struct {
	Library  string   `json:"library"`
	Version  string   `json:"tensorflow"`
	Devices  []string `json:"devices"`
	CPU      []string `json:"cpu"`
	CPUs     int      `json:"cpus"`
	Sets     []string `json:"instruction_sets"` // of the fused form, the best first
	Threads  int      `json:"threads"`          // for a step of the default network
	StepWork float64  `json:"step_work"`
	Loss     float32  `json:"loss"`
	Expected float32  `json:"expected"`
}

// goldenLoss is the original's loss after its first training step with graph
// seed 0, under TensorFlow 1.15.5.
const goldenLoss float32 = 0.6256479

// batch is the number of windows in that step.
const batch = 10

func runCheck(ctx context.Context, asJSON bool, out io.Writer) error {
	r := checkResult{
		Library:  tflib.Path(),
		Version:  tf.Version(),
		CPU:      cpuFeatures(),
		CPUs:     runtime.GOMAXPROCS(0),
		Sets:     graph.InstructionSets(),
		Expected: goldenLoss,
	}
	failure := r.measure(ctx)
	if err := r.print(asJSON, out); err != nil {
		return err
	}
	if failure != nil {
		return failure
	}
	// Rounding changes a first step's loss by less than 1e-6.
	if d := math.Abs(float64(r.Loss-r.Expected)) / float64(r.Expected); !(d < 1e-6) {
		return fmt.Errorf("the training step gave loss %v, not %v", r.Loss, r.Expected)
	}
	return nil
}

// measure makes the training step.
func (r *checkResult) measure(ctx context.Context) error {
	c := graph.DefaultConfig()
	c.Threads = c.SuggestThreads(batch, r.CPUs)
	r.Threads, r.StepWork = c.Threads, c.StepWork(batch)
	s, err := newSession(c)
	if err != nil {
		return err
	}
	defer s.Close()
	if r.Devices, err = s.Devices(); err != nil {
		return err
	}
	if err := s.SetSeries(original.Presets[0].Series()); err != nil {
		return err
	}
	windows := original.Windows(0, batch, c.Window)
	if _, err := s.Train(ctx, graph.Plan{Starts: [][]int32{windows}}); err != nil {
		return err
	}
	r.Loss, err = s.Loss(ctx, windows)
	return err
}

func (r *checkResult) print(asJSON bool, out io.Writer) error {
	if asJSON {
		return observe.WriteJSON(out, "check", r)
	}
	_, err := fmt.Fprintf(out, `library   %s
version   %s
devices   %s
cpu       %s
form      %s
threads   %d of %d CPUs, for the default network's steps of %.1f MFLOP; one for each %.0f
loss      %s after one training step, %s in the original
`, r.Library, r.Version, strings.Join(r.Devices, ", "), strings.Join(r.CPU, " "),
		formLine(r.Sets), r.Threads, r.CPUs, r.StepWork/1e6, graph.ThreadWork/1e6,
		original.FormatFloat(r.Loss), original.FormatFloat(r.Expected))
	return err
}

// formLine names the form with the instruction set that is used by default, and the
// others there are.
func formLine(sets []string) string {
	others := append(slices.Clone(sets[1:]), string(graph.FormPortable))
	return fmt.Sprintf("%s; also %s", formText(graph.FormFused, sets[0]), strings.Join(others, ", "))
}

// cpuFeatures are those of the vector instructions that matter here.
func cpuFeatures() []string {
	features := []string{runtime.GOARCH}
	for _, f := range []struct {
		name string
		has  bool
	}{
		{"AVX2", cpu.X86.HasAVX2},
		{"FMA", cpu.X86.HasFMA},
		{"AVX512F", cpu.X86.HasAVX512F},
		{"NEON", cpu.ARM64.HasASIMD},
	} {
		if f.has {
			features = append(features, f.name)
		}
	}
	return features
}
