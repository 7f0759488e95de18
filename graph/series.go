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

	seriesBounds = variable{name: "series/bounds", dtype: tf.Int32} // [S+1]: 0, and the row after each series
	seriesShards = variable{name: "series/shards", dtype: tf.Int32} // [T,3] of each server: the row after the windows that begin there, its first row, and the one after its last

	planReport = variable{name: "plan/report", dtype: tf.Float} // [K,2]: each step's loss and norm

	planLimit = variable{name: "plan/limit", dtype: tf.Int32, shape: tf.ScalarShape(), // the most steps to do, 0 to stop
		init: func(s *op.Scope) tf.Output { return op.Const(s, int32(noLimit)) }}

	globalStep = variable{name: "global_step", dtype: tf.Int64, shape: tf.ScalarShape(), // the steps made, under TensorFlow 1's name
		init: func(s *op.Scope) tf.Output { return op.Const(s, int64(0)) }}
)

func (c Config) inputVariables() []variable {
	y := seriesY
	y.dtype = c.Loss.labelType()
	return []variable{seriesX, y, seriesW, seriesBounds, seriesShards, planLimit, planReport, globalStep}
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

// addWindows are the windows [K,B,3] that begin at starts [K,B], which are fed, or where several servers have parts
// of the series [K,B,4], whose last column says which.
func addWindows(outer *op.Scope, h handles, tasks int) (starts, windows tf.Output) {
	starts = op.Placeholder(outer.SubScope("starts"), tf.Int32, op.PlaceholderShape(tf.MakeShape(-1, -1)))
	s := outer.SubScope("windows")
	bounds := h.read(s.SubScope("bounds"), seriesBounds)
	axis, one := op.Const(s.SubScope("axis"), int32(0)), op.Const(s.SubScope("one"), int32(1))
	gather := func(name string, from, at tf.Output) tf.Output { return op.GatherV2(s.SubScope(name), from, at, axis) }
	after := notAbove(s.SubScope("after"), bounds, starts)
	first, end := gather("first", bounds, op.Sub(s.SubScope("before"), after, one)), gather("end", bounds, after)
	columns := []tf.Output{starts, first, end}
	if tasks > 1 {
		shards := op.Unpack(s.SubScope("shards"), h.read(s.SubScope("shards"), seriesShards), 3, op.UnpackAxis(1))
		of := notAbove(s.SubScope("of"), shards[0], starts)
		low, high := gather("low", shards[1], of), gather("high", shards[2], of)
		columns = []tf.Output{starts, op.Maximum(s, first, low), op.Minimum(s, end, high)}
		for i := range columns {
			columns[i] = op.Sub(s.SubScope("within"), columns[i], low)
		}
		columns = append(columns, of)
	}
	return starts, op.Pack(s, columns, op.PackAxis(2))
}

// notAbove is how many of sorted [S] are not above each of x [K,B].
func notAbove(s *op.Scope, sorted, x tf.Output) tf.Output {
	row := op.Const(s.SubScope("row"), []int32{1, -1})
	n := op.UpperBound(s, op.Reshape(s.SubScope("sorted"), sorted, row), op.Reshape(s.SubScope("x"), x, row))
	return op.Reshape(s.SubScope("shaped"), n, op.Shape(s, x))
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
	bounds, shards := []int32{0}, []int32{}
	for _, n := range d.Lengths {
		bounds = append(bounds, bounds[len(bounds)-1]+int32(n))
	}
	for i, part := range s.shards {
		part.divide(s.cfg, rows, i, len(s.shards))
		shards = append(shards, int32(part.until), int32(part.first), int32(part.end))
	}
	places := []value{{seriesBounds.name, bounds, nil}, {seriesShards.name, shards, []int64{int64(len(s.shards)), 3}}}
	for _, part := range s.shards {
		if err := part.setSeries(s.cfg.Features, d, labels, places); err != nil {
			return fmt.Errorf("set the series: %w", err)
		}
		places = nil // the first server's
	}
	s.rows = int32(rows)
	return nil
}

// setSeries sets the shard's rows, and other variables with them.
func (s *shard) setSeries(features int, d Series, labels any, others []value) error {
	n := int64(s.end - s.first)
	x := d.X[s.first*features : s.end*features]
	values := []value{{seriesY.name, labels, []int64{n}}, {seriesW.name, d.W[s.first:s.end], []int64{n}}}
	switch y := labels.(type) {
	case []int32:
		values[0].flat = y[s.first:s.end]
	case []float32:
		values[0].flat = y[s.first:s.end]
	}
	values = append(values, others...)
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
	for _, at := range starts {
		if at < 0 || at >= s.rows {
			return &ShapeError{"starts", fmt.Sprintf("windows within %d rows", s.rows), fmt.Sprintf("a window at row %d", at)}
		}
	}
	return nil
}
