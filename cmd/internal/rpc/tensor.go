package rpc

import (
	"context"
	"slices"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
	"github.com/rnnbin/rnnbin/graph/export"
	"github.com/rnnbin/rnnbin/graph/label"
)

// Names of what a model takes and gives, as an exported one does.
const (
	seriesInput   = export.SeriesInput         // [batch, steps, features]
	lengthsInput  = export.LengthsInput        // [batch]: the first steps of each series that count
	probabilities = export.ProbabilitiesOutput // [batch, steps, classes]
	labels        = export.LabelsOutput        // [batch, steps]
)

// Names of what requests of a session have besides: each goes on with the rows of the one before.
const (
	sessionInput = "session" // a scalar, the name of the session
	endInput     = "end"     // a scalar: whether the series and the session end with these rows
	firstRow     = "first"   // a scalar: the number, from 0, of the first row that is answered
)

// tensor is an array that a client sends or gets, in any protocol.
type tensor struct {
	shape  []int64
	values []float64
	answer []float32 // in place of values
	text   [][]byte  // likewise
	number *int64    // likewise, a scalar
}

// check reports data that its shape does not hold.
func (t *tensor) check(name string) error {
	n, limit := int64(1), int64(max(len(t.values), len(t.text)))
	for _, size := range t.shape {
		if size < 0 {
			return engine.Errorf(engine.Invalid, "input %q has an impossible shape, %v", name, t.shape)
		}
		if size > 0 && n > limit/size { // also where the product is no number of 64 bits
			n = limit + 1
			break
		}
		n *= size
	}
	if slices.Contains(t.shape, 0) {
		n = 0
	}
	if n != limit {
		return engine.Errorf(engine.Invalid, "input %q has %d values, which its shape %v does not fit", name, limit, t.shape)
	}
	return nil
}

// query is what is asked of a model, in any protocol.
type query struct {
	name   string
	which  engine.Which
	inputs map[string]*tensor

	session    string // whose rows these are; "" for none
	begin, end bool   // it begins with them, or ends
}

// result is what a version of a model says.
type result struct {
	info    *engine.Info
	outputs map[string]*tensor
}

func (s *server) answer(ctx context.Context, q query) (result, error) {
	x, ok := q.inputs[seriesInput]
	if !ok {
		return result{}, engine.Errorf(engine.Invalid, "input %q is missing", seriesInput)
	}
	for name, t := range q.inputs {
		if err := t.check(name); err != nil {
			return result{}, err
		}
	}
	if q.session != "" {
		return s.answerSession(ctx, q, x)
	}
	h, err := s.acquire(ctx, q.name, q.which)
	if err != nil {
		return result{}, err
	}
	defer h.Release()
	if err := x.fit(h.Info()); err != nil {
		return result{}, err
	}
	if len(x.values) == 0 && x.shape[0] > 0 { // their number is nothing that memory has been taken for
		return result{}, engine.Errorf(engine.Invalid, "input %q of shape %v has series without steps", seriesInput, x.shape)
	}
	lengths, err := lengthsOf(q.inputs, x.shape)
	if err != nil {
		return result{}, err
	}
	all := make([][]float64, len(lengths))
	size := len(x.values) / max(1, len(all))
	for b := range all {
		all[b] = x.values[b*size:][:lengths[b]*len(h.Info().Features)]
	}
	a, err := h.Label(ctx, all)
	if err != nil {
		return result{}, err
	}
	return result{h.Info(), outputs(h.Info(), lengths, int(x.shape[1]), a)}, nil
}

// answerSession goes on with the rows of a session.
func (s *server) answerSession(ctx context.Context, q query, x *tensor) (result, error) {
	about(ctx, q.name, 0)
	rows := func(info *engine.Info) ([]float64, error) {
		about(ctx, q.name, info.Version)
		if err := x.fit(info); err != nil {
			return nil, err
		}
		if x.shape[0] != 1 {
			return nil, engine.Errorf(engine.Invalid, "a session has one series, not %d", x.shape[0])
		}
		return x.values, nil
	}
	info, first, a, err := s.registry.PushSession(ctx, engine.SessionRequest{Name: q.name, Which: q.which, ID: q.session, Begin: q.begin, End: q.end, Rows: rows})
	if err != nil {
		return result{}, err
	}
	got := outputs(info, []int{a.Len()}, a.Len(), a)
	row := int64(first)
	got[firstRow] = &tensor{number: &row}
	return result{info, got}, nil
}

// fit makes an array series of a model, if it is. One feature needs no dimension of its own.
func (t *tensor) fit(info *engine.Info) error {
	R := int64(len(info.Features))
	if R == 1 && len(t.shape) == 2 {
		t.shape = append(slices.Clone(t.shape), 1)
	}
	if len(t.shape) != 3 || t.shape[2] != R || t.text != nil {
		return engine.Errorf(engine.Invalid, "input %q must be numbers of shape [batch, steps, %d], the features of model %s being %q, not of shape %v",
			seriesInput, R, info.Name, info.Features, t.shape)
	}
	return nil
}

// lengthsOf are how many steps of each series count: all, unless the client says otherwise.
func lengthsOf(inputs map[string]*tensor, shape []int64) ([]int, error) {
	given, ok := inputs[lengthsInput]
	if !ok {
		return slices.Repeat([]int{int(shape[1])}, int(shape[0])), nil
	}
	if !slices.Equal(given.shape, shape[:1]) || given.text != nil {
		return nil, engine.Errorf(engine.Invalid, "input %q must be whole numbers of shape %v, not of shape %v", lengthsInput, shape[:1], given.shape)
	}
	return engine.Lengths(given.values, int(shape[0]), int(shape[1]))
}

// outputs puts answers into arrays of T steps; steps beyond a series' length are zeros and "".
func outputs(info *engine.Info, lengths []int, T int, a label.Answers) map[string]*tensor {
	B := int64(len(lengths))
	a = info.Pad(a, lengths, T)
	names := make([][]byte, len(info.Classes))
	for i, name := range info.Classes {
		names[i] = []byte(name)
	}
	text := make([][]byte, a.Len())
	for i, class := range a.Class {
		if class >= 0 {
			text[i] = names[class]
		}
	}
	return map[string]*tensor{
		probabilities: {shape: []int64{B, int64(T), int64(len(names))}, answer: a.Probability},
		labels:        {shape: []int64{B, int64(T)}, text: text},
	}
}

// convert makes numbers of 64 bits of others.
func convert[N int32 | int64 | uint32 | uint64 | float32](numbers []N) []float64 {
	values := make([]float64, len(numbers))
	for i, n := range numbers {
		values[i] = float64(n)
	}
	return values
}

func truths(all []bool) []float64 {
	values := make([]float64, len(all))
	for i, is := range all {
		if is {
			values[i] = 1
		}
	}
	return values
}
