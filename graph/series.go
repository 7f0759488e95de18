package graph

import (
	"fmt"
	"math"
	"slices"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// Variables beside the state: the caller's series and plan, of any size, and the number of
// training steps.
var (
	seriesX = variable{name: "series/x", dtype: tf.Float} // [N,F]
	seriesY = variable{name: "series/y"}                  // [N], of Loss.labelType
	seriesW = variable{name: "series/w", dtype: tf.Float} // [N]

	planReport = variable{name: "plan/report", dtype: tf.Float} // [K,2]: each step's loss and norm

	planLimit = variable{name: "plan/limit", dtype: tf.Int32, shape: tf.ScalarShape(), // the most steps to do, 0 to stop
		init: func(s *op.Scope) tf.Output { return op.Const(s, int32(noLimit)) }}

	globalStep = variable{name: "global_step", dtype: tf.Int64, shape: tf.ScalarShape(), // the steps made, under TensorFlow 1's name
		init: func(s *op.Scope) tf.Output { return op.Const(s, int64(0)) }}
)

func (c Config) inputVariables() []variable {
	y := seriesY
	y.dtype = c.Loss.labelType()
	return []variable{seriesX, y, seriesW, planLimit, planReport, globalStep}
}

const noLimit = math.MaxInt32 // of steps, other than the plan's

// labelType is the type of labels: values for MSE, class indices otherwise.
func (l Loss) labelType() tf.DataType {
	if l == MSE {
		return tf.Float
	}
	return tf.Int32
}

// planOf is the plan of windows of the session's series.
func (c Config) planOf(s *op.Scope, h handles, windows, rates tf.Output) plan {
	return plan{
		x:       op.ReadVariableOp(s.SubScope("x"), h[seriesX.name], tf.Float),
		y:       op.ReadVariableOp(s.SubScope("y"), h[seriesY.name], c.Loss.labelType()),
		w:       op.ReadVariableOp(s.SubScope("w"), h[seriesW.name], tf.Float),
		windows: windows,
		rates:   rates,
	}
}

// windowsShape is that of a plan's windows, [K,B,3], or [K,B,4] where several servers have parts of the
// series: the last column says which.
func windowsShape(tasks int) tf.Shape { return tf.MakeShape(-1, -1, int64(windowWidth(tasks))) }

func windowWidth(tasks int) int {
	if tasks > 1 {
		return 4
	}
	return 3
}

// Series is a data set of N rows, of one series or several. It stays in the session, and
// windows are named by their first row. A window that begins less than Network.Window rows
// before the end of its series is shorter.
type Series struct {
	X []float32 // [N,F], row after row, finite
	Y []float32 // [N]: any number for MSE, 0 to Classes-1 otherwise
	W []float32 // [N]: the weight of each row in the loss, at least 0; nil for 1 everywhere

	Lengths []int // rows of each series, which follow one another; nil for one series
}

// SetSeries gives the session a copy of the rows that later calls refer to, in place of the
// previous ones. It returns a *[ShapeError] or *[ValueError] for rows that cannot be used;
// then nothing is changed.
//
// The loss of windows is the mean, over their rows with a weight above 0, of each row's loss
// times its weight. Weights with a mean of 1 keep its scale. The label of a row of weight 0
// is ignored. Its features are not, because the network's state depends on them: they must
// be finite like all others.
func (s *Session) SetSeries(d Series) error {
	rows := len(d.Y)
	if d.W == nil {
		d.W = slices.Repeat([]float32{1}, rows)
	}
	if d.Lengths == nil {
		d.Lengths = []int{rows}
	}
	if err := s.checkSeries(d); err != nil {
		return err
	}
	labels, err := s.cfg.labels(d)
	if err != nil {
		return err
	}
	for i, part := range s.shards {
		part.divide(s.cfg, rows, i, len(s.shards))
		if err := part.setSeries(s.cfg.Features, d, labels); err != nil {
			return fmt.Errorf("set the series: %w", err)
		}
	}
	s.ends = s.ends[:0]
	end := 0
	for _, n := range d.Lengths {
		end += n
		s.ends = append(s.ends, int32(end))
	}
	return nil
}

// setSeries sets the shard's rows.
func (s *shard) setSeries(features int, d Series, labels any) error {
	n := int64(s.end - s.first)
	x := d.X[s.first*features : s.end*features]
	values := []value{{seriesY.name, labels, []int64{n}}, {seriesW.name, d.W[s.first:s.end], []int64{n}}}
	switch y := labels.(type) {
	case []int32:
		values[0].flat = y[s.first:s.end]
	case []float32:
		values[0].flat = y[s.first:s.end]
	}
	if s.upload.set == nil {
		return s.set(append(values, value{seriesX.name, x, []int64{n, int64(features)}})...)
	}
	path, err := s.put(x)
	if err != nil {
		return err
	}
	feeds, targets := s.setting(values)
	_, err = s.run(append(feeds, feed{s.upload.path, path, nil}), nil, append(targets, s.upload.set))
	return err
}

// windows are windows as a plan has them, [B,3] or [B,4].
func (s *Session) windows(starts []int32) []int32 {
	rows := make([]int32, 0, windowWidth(len(s.shards))*len(starts))
	first, end := int32(0), int32(0) // of the series that at is in, which is often the previous window's
	for _, at := range starts {
		if at < first || at >= end {
			i, _ := slices.BinarySearch(s.ends, at+1)
			first, end = 0, s.ends[i]
			if i > 0 {
				first = s.ends[i-1]
			}
		}
		if len(s.shards) == 1 {
			rows = append(rows, at, first, end)
			continue
		}
		of := slices.IndexFunc(s.shards, func(part *shard) bool { return int(at) < part.until })
		low, high := int32(s.shards[of].first), int32(s.shards[of].end)
		rows = append(rows, at-low, max(first, low)-low, min(end, high)-low, int32(of))
	}
	return rows
}

func (s *Session) checkSeries(d Series) error {
	rows, features := len(d.Y), s.cfg.Features
	switch {
	case rows > math.MaxInt32:
		return &ShapeError{"Series", fmt.Sprintf("at most %d rows", math.MaxInt32), fmt.Sprint(rows)}
	case len(d.X) != rows*features:
		return &ShapeError{"Series.X", fmt.Sprintf("%d rows of %d features, %d values", rows, features, rows*features), fmt.Sprint(len(d.X))}
	case len(d.W) != rows:
		return &ShapeError{"Series.W", fmt.Sprintf("%d values", rows), fmt.Sprint(len(d.W))}
	}
	left := rows
	for i, n := range d.Lengths {
		if n < 0 || n > left {
			return &ShapeError{fmt.Sprintf("Series.Lengths[%d]", i), fmt.Sprintf("0 to %d rows, the number left", left), fmt.Sprint(n)}
		}
		left -= n
	}
	if left > 0 {
		return &ShapeError{"Series.Lengths", fmt.Sprintf("%d rows in total", rows), fmt.Sprint(rows - left)}
	}
	for i, w := range d.W {
		if !finite(w) || w < 0 {
			return &ValueError{"Series.W", i, -1, w, "a finite number of at least 0"}
		}
	}
	return checkInputs("Series.X", d.X, features)
}

// checkInputs returns an error for the first value of x [N,F] that is not finite.
func checkInputs(name string, x []float32, features int) error {
	for i, v := range x {
		if !finite(v) {
			return &ValueError{name, i / features, i % features, v, "a finite number"}
		}
	}
	return nil
}

// labels are d.Y in the type of labels, 0 for rows of weight 0.
func (c Config) labels(d Series) (any, error) {
	values, classes := make([]float32, len(d.Y)), make([]int32, len(d.Y))
	for i, v := range d.Y {
		if d.W[i] == 0 {
			continue
		}
		class := int32(-1)
		if v >= 0 && v < float32(c.Classes) {
			class = int32(v)
		}
		if c.Loss == MSE && !finite(v) || c.Loss != MSE && float32(class) != v {
			return nil, &ValueError{"Series.Y", i, -1, v, c.wantedLabel()}
		}
		values[i], classes[i] = v, class
	}
	if c.Loss == MSE {
		return values, nil
	}
	return classes, nil
}

// wantedLabel describes the labels that the loss can take.
func (n Network) wantedLabel() string {
	if n.Loss == MSE {
		return "a finite number"
	}
	return fmt.Sprintf("a whole number from 0 to %d", n.Classes-1)
}

// Plan is the windows and the learning rate of each of K training steps.
type Plan struct {
	Starts [][]int32 // [K][B]: the first rows of each step's windows, the same number in each step
	Rates  []float32 // [K]: learning rates; nil for Training.LearningRate
}

func (s *Session) checkPlan(p Plan) error {
	if p.Rates != nil && len(p.Rates) != len(p.Starts) {
		return &ShapeError{"Plan.Rates", fmt.Sprintf("%d rates", len(p.Starts)), fmt.Sprint(len(p.Rates))}
	}
	for i, starts := range p.Starts {
		if len(starts) != len(p.Starts[0]) {
			return &ShapeError{fmt.Sprintf("Plan.Starts[%d]", i), fmt.Sprintf("%d windows as in the first step", len(p.Starts[0])), fmt.Sprint(len(starts))}
		}
		if err := s.checkStarts(starts); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) checkStarts(starts []int32) error {
	if len(starts) == 0 {
		return &ShapeError{"starts", "at least one window", "none"}
	}
	rows := int32(0)
	if n := len(s.ends); n > 0 {
		rows = s.ends[n-1]
	}
	for _, at := range starts {
		if at < 0 || at >= rows {
			return &ShapeError{"starts", fmt.Sprintf("windows within %d rows", rows), fmt.Sprintf("a window at row %d", at)}
		}
	}
	return nil
}
