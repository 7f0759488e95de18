package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rnnbin/rnnbin/cmd/internal/label"
	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/model"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

// evaluateOptions are the flags of evaluate.
type evaluateOptions struct {
	applyOptions
	data []string
	rows string
	json bool
}

func (o *evaluateOptions) addFlags(f *pflag.FlagSet) {
	o.addModelFlag(f)
	f.StringArrayVarP(&o.data, "data", "d", nil, "`file` or pattern (*, ?) with labelled data, or - for standard input; can be\nrepeated")
	f.StringVar(&o.rows, "rows", "", "score only rows `FROM:TO` of each series, counted from 0 and without TO; either may\nbe empty, or negative to count from the end: -1000: is the last 1000")
	f.BoolVar(&o.json, "json", false, "print one JSON object")
	o.applyOptions.addFlags(f)
}

func newEvaluate() *cobra.Command {
	var o evaluateOptions
	cmd := &cobra.Command{
		Use:   "evaluate --model DIR --data FILE",
		Short: "Compare a trained model's labels with those of the data",
		Long: `Label data that has labels as predict does, and report how good the result is:
over all steps, and for each series. Steps without a label are not scored, nor
those that --horizon would label from rows before the start or after the end of
their series.

Metrics are those of scikit-learn; segments are runs of equal labels, which end
where a step is not scored; the baseline "majority" always gives the more
frequent label.

` + exitCodes,
		Example: `  rnnbin evaluate --model runs/latest --data test.csv
  rnnbin evaluate -m runs/latest -d 'test/*.csv' --threshold 0.3 --json
  rnnbin evaluate -m runs/latest -d all.csv --rows -1000:     the last 1000 rows`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runEvaluate(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	o.addFlags(cmd.Flags())
	return cmd
}

func runEvaluate(ctx context.Context, o evaluateOptions, out, errOut io.Writer) error {
	rows, err := parseRows(o.rows)
	if err != nil {
		return err
	}
	m, err := o.load()
	if err != nil {
		return err
	}
	data, err := o.read(ctx, m)
	if err != nil {
		return err
	}
	printWarnings(errOut, data.Warnings)
	predictor, err := o.predictor(m, label.Batch(m.Network))
	if err != nil {
		return err
	}
	defer predictor.Close()

	if err := data.Scale(&m.Scaler); err != nil {
		return err
	}
	answers, err := label.New(predictor, m.Horizon).Label(ctx, data.X, data.Series)
	var at *label.RowError
	if errors.As(err, &at) {
		return data.At(at.Row, "", err)
	}
	if err != nil {
		return err
	}
	in := answers.Input(data.Labels, data.Series, m.Threshold)
	rows.restrict(in.Include, data.Series)
	report, err := metrics.Evaluate(in)
	if err != nil {
		return err
	}
	if err := o.print(report, out); err != nil {
		return err
	}
	return o.draw(m, data, answers)
}

func (o *evaluateOptions) read(ctx context.Context, m *model.Model) (*series.Data, error) {
	if len(o.data) == 0 {
		return nil, usageError{errors.New("--data names no file")}
	}
	options, err := o.options(m)
	if err != nil {
		return nil, err
	}
	return series.Read(ctx, o.data, options)
}

func (o *evaluateOptions) print(r *metrics.Report, out io.Writer) error {
	if o.json {
		return json.NewEncoder(out).Encode(r)
	}
	return r.WriteTable(out)
}

// draw draws all series, whichever rows counted.
func (o *evaluateOptions) draw(m *model.Model, data *series.Data, answers label.Answers) error {
	picture := newAnswersPicture(o.plot, m)
	if o.plot == "" {
		return nil
	}
	F := len(data.Features)
	for i, s := range data.Series {
		picture.answer.Begin(int32(i), s.Name)
		for row := s.Start; row < s.End; row++ {
			p := answers.Probability[row]
			picture.add(int32(i), data.X[row*F:(row+1)*F], p, label.Of(p, m.Threshold), data.Labels[row])
		}
	}
	return picture.write()
}

// rowRange is a part of each series: rows from to to-1, or, where they are
// negative, that many before the end.
type rowRange struct {
	from, to int
	open     bool // to is the end
}

// parseRows reads the value of --rows.
func parseRows(text string) (rowRange, error) {
	if text == "" {
		return rowRange{open: true}, nil
	}
	wrong := usagef("rows", "must be FROM:TO, two row numbers that may be empty, not %q", text)
	from, to, found := strings.Cut(text, ":")
	if !found {
		return rowRange{}, wrong
	}
	r := rowRange{open: to == ""}
	for _, n := range []struct {
		text string
		to   *int
	}{{from, &r.from}, {to, &r.to}} {
		if n.text == "" {
			continue
		}
		var err error
		if *n.to, err = strconv.Atoi(n.text); err != nil {
			return rowRange{}, wrong
		}
	}
	return r, nil
}

// of is the part of a series of n rows.
func (r rowRange) of(n int) (from, to int) {
	at := func(i int) int {
		if i < 0 {
			i += n
		}
		return min(max(i, 0), n)
	}
	if r.open {
		return at(r.from), n
	}
	return at(r.from), at(r.to)
}

// restrict leaves the other rows of each series out of include.
func (r rowRange) restrict(include []bool, all []series.Range) {
	for _, s := range all {
		from, to := r.of(s.Len())
		clear(include[s.Start : s.Start+from])
		if to < s.Len() {
			clear(include[s.Start+max(from, to) : s.End])
		}
	}
}
