package main

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/cmd/internal/plot"
)

// search says which networks are tried beside those that a run compares.
type search struct {
	Params files `json:"params,omitempty"` // flags with their values: name=values
	Trials int   `json:"trials,omitempty"`

	params []param
	drawn  map[string][]string // a value for each, by the trial's name
}

func newTune() *cobra.Command {
	var o trainOptions
	cmd := &cobra.Command{
		Use:   "tune FILE...",
		Short: "Search for settings of a network, and train the best",
		Long: `Try networks with settings drawn at random, and train the best as train does.

Each --param names a flag of the network or its training, and its values: a list such as
gru,lstm, a range such as 16..256, or log:1e-4..1e-2, in which each power of ten is as likely
as another. Each of the --trials draws a value for each of them, and whether features are scaled
within series, too; all else is as the other flags have it, or as in the recurrent network on
rolling windows that train tries. Trials are compared by folds with the networks that train
would compare, on the same rows: after each fold the worse half of the trials is stopped. Then
the best, or the best two kinds, are judged and trained on all rows.

All flags of train are there, --workers too: trials are jobs like others. A trial's scores have
helped to choose it; those of rows that had no part in that are what --test-data and
--test-fraction are for.`,
		Example: `  rnnbin tune heart.csv --label qrs --param units=16..128 --param learning-rate=log:1e-3..1e-2
  rnnbin tune heart.csv --label qrs --param cell=gru,lstm --param dropout=0..0.5 --trials 20`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && !o.flags.Changed("data") && !o.flags.Changed("config") {
				return usageError{errors.New("name a file to train on")}
			}
			if len(o.Search.Params) == 0 && !o.flags.Changed("config") {
				return usagef("param", "is needed: what to search for, such as units=16..256")
			}
			return o.run(cmd, args)
		},
	}
	f := cmd.Flags()
	o.addFlags(f)
	o.Search.Trials = 30
	addGroup(f, "Search", func(f *pflag.FlagSet) {
		addFlag(f, "param", &o.Search.Params, "flag of the network or its training and its values: `NAME=VALUES`, such as cell=gru,lstm,\nunits=16..256 or learning-rate=log:1e-4..1e-2; can be repeated")
		addFlag(f, "trials", &o.Search.Trials, "try `n` networks")
	})
	basicFlags(f, "param", "trials")
	for _, name := range []string{"preset", "iterations", "predictions", "resume"} {
		f.Lookup(name).Hidden = true
	}
	return cmd
}

// fixed are flags that are no settings of a single network.
var fixed = []string{"network", "members", "seed", "threads", "replicas", "time-limit", "form", "instruction-set"}

// flagsOfNetwork are those that a search sets.
func flagsOfNetwork(s *settings) *pflag.FlagSet {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	s.addNetworkFlags(f)
	s.addTrainingFlags(f)
	return f
}

// drawing are settings whose networks are drawn.
type drawing struct{ *settings }

// draw has the trials of a search compared.
func (s drawing) draw() error {
	if s.Search.Trials < 1 {
		return usagef("trials", "must be at least 1, not %d", s.Search.Trials)
	}
	s.Search.params, s.Search.drawn = nil, map[string][]string{}
	for _, text := range s.Search.Params {
		p, err := newParam(text, flagsOfNetwork(s.settings))
		if err != nil {
			return err
		}
		s.Search.params = append(s.Search.params, p)
	}
	base := s.spec()
	base.Rungs = nil
	all, err := base.Recipes()
	if err != nil {
		return asUsage(err)
	}
	random := rand.New(rand.NewPCG(uint64(s.Seed), 1))
	for range s.Search.Trials {
		var values []string
		for _, p := range s.Search.params {
			values = append(values, p.draw(random))
		}
		one, err := s.trial(values)
		if err != nil {
			return err
		}
		one.Within = random.IntN(2) > 0
		s.Search.drawn[one.Trial] = values
		all = append(all, one)
	}
	s.Rungs = all
	return nil
}

// trial is the network with these values of the params.
func (s drawing) trial(values []string) (fit.Recipe, error) {
	one := *s.settings
	one.Rungs = nil
	if one.Trial = one.Network == fit.NetworkAuto; one.Trial {
		one.Network = fit.NetworkRNN
	}
	flags := flagsOfNetwork(&one)
	var label []string
	for i, p := range s.Search.params {
		value := values[i]
		if err := flags.Set(p.flag, value); err != nil {
			return fit.Recipe{}, usagef("param", "%s=%s: %w", p.flag, value, errors.Unwrap(err))
		}
		label = append(label, p.flag+" "+value)
	}
	spec := one.spec()
	recipes, err := spec.Recipes()
	if err == nil {
		err = spec.Validate()
	}
	if err != nil {
		return fit.Recipe{}, fmt.Errorf("%w (a trial: %s)", asUsage(err), strings.Join(label, ", "))
	}
	recipes[0].Trial = strings.Join(label, ", ")
	return recipes[0], nil
}

// param is a setting that is searched for.
type param struct {
	flag     string
	values   []string // to choose from; none: a range
	from, to float64
	whole    bool
	log      bool
}

// newParam reads NAME=VALUES.
func newParam(text string, flags *pflag.FlagSet) (param, error) {
	name, values, found := strings.Cut(text, "=")
	name = strings.TrimPrefix(name, "--")
	f := flags.Lookup(name)
	switch {
	case !found || values == "":
		return param{}, usagef("param", "must be like units=16..256 or cell=gru,lstm, not %q", text)
	case f == nil || slices.Contains(fixed, name):
		return param{}, usagef("param", "%s: there is no flag --%s of a network or its training", text, name)
	}
	p := param{flag: name, whole: slices.Contains([]string{"int", "intSlice"}, f.Value.Type())}
	rest, log := strings.CutPrefix(values, "log:")
	low, high, ranged := strings.Cut(rest, "..")
	if p.log = log; !ranged && log {
		return p, usagef("param", "%s: log: needs a range, such as log:1e-4..1e-2", text)
	}
	if !ranged {
		p.values = strings.Split(values, ",")
		return p, nil
	}
	var err1, err2 error
	p.from, err1 = strconv.ParseFloat(low, 64)
	p.to, err2 = strconv.ParseFloat(high, 64)
	switch {
	case err1 != nil || err2 != nil || !(p.from < p.to) || math.IsInf(p.to-p.from, 0):
		return p, usagef("param", "%s: %s is no range of numbers, the smaller one first", text, rest)
	case log && !(p.from > 0):
		return p, usagef("param", "%s: log: needs numbers above 0", text)
	case p.whole && (p.from != math.Trunc(p.from) || p.to != math.Trunc(p.to)):
		return p, usagef("param", "%s: --%s takes whole numbers", text, name)
	}
	return p, nil
}

// draw is a value as text.
func (p *param) draw(r *rand.Rand) string {
	if len(p.values) > 0 {
		return p.values[r.IntN(len(p.values))]
	}
	from, to := p.from, p.to
	if p.whole { // each number has the same room
		from, to = from-0.5, to+0.5
	}
	if p.log {
		from, to = math.Log(from), math.Log(to)
	}
	v := from + (to-from)*r.Float64()
	if p.log {
		v = math.Exp(v)
	}
	if p.whole {
		return strconv.FormatFloat(min(max(math.Round(v), p.from), p.to), 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// figures are the macro F1 of trials by the value of each param.
func (s *search) figures(rungs []*fit.Rung) []*plot.Figure {
	var all []*plot.Figure
	for i, p := range s.params {
		c := plot.Chart{Title: "trials by " + p.flag, X: p.axis(), Y: "macro F1"}
		whole, stopped := plot.Line{Name: "all folds", Class: 1, Loose: true}, plot.Line{Name: "stopped", Class: 0, Loose: true}
		for _, g := range rungs {
			values := s.drawn[g.Trial]
			if values == nil || g.Report == nil {
				continue
			}
			to := &whole
			if g.Stopped {
				to = &stopped
			}
			to.X, to.Y = append(to.X, p.place(values[i])), append(to.Y, float64(g.Spread.Mean.MacroF1))
		}
		c.Lines = []plot.Line{whole, stopped}
		all = append(all, c.Figure())
	}
	return all
}

// axis says what the places of values are.
func (p *param) axis() string {
	switch {
	case len(p.values) > 0:
		var all []string
		for i, v := range p.values {
			all = append(all, fmt.Sprintf("%d %s", i+1, v))
		}
		return p.flag + ": " + strings.Join(all, ", ")
	case p.log:
		return "power of ten of " + p.flag
	}
	return p.flag
}

// place is where a value stands on the axis.
func (p *param) place(value string) float64 {
	if len(p.values) > 0 {
		return float64(1 + slices.Index(p.values, value))
	}
	v, _ := strconv.ParseFloat(value, 64) // which draw has made
	if p.log {
		v = math.Log10(v)
	}
	return v
}
