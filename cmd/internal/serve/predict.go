package serve

import (
	"fmt"
	"net/http"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
	"github.com/rnnbin/rnnbin/graph/export"
	"github.com/rnnbin/rnnbin/graph/label"
)

// predictRequest is the body of TensorFlow Serving's predict.
type predictRequest struct {
	signature string
	rows      bool // instances, not inputs
	columns   bool // inputs
	input     tensor
	lengths   []float64 // steps of each series that count; nil for all

	session string
	end     bool // the session ends
}

// predict answers instances or inputs.
func (q *request) predict() error {
	body, err := q.body()
	if err != nil {
		return err
	}
	p, err := parsePredict(body)
	if err != nil {
		return err
	}
	if p.session != "" {
		return q.predictSession(p)
	}
	info, a, b, err := q.label(p.batch)
	if err != nil {
		return err
	}
	q.json(http.StatusOK, p.answer(info.Classes, a, b))
	return nil
}

// label labels a batch of series, padded where steps do not count.
func (q *request) label(of func(*engine.Info) (batch, error)) (*engine.Info, label.Answers, batch, error) {
	h, err := q.acquire()
	if err != nil {
		return nil, label.Answers{}, batch{}, err
	}
	defer h.Release()
	var a label.Answers
	b, err := of(h.Info())
	if err == nil {
		a, err = h.Label(q.Context(), b.list())
	}
	if err == nil && b.lengths != nil {
		a = h.Info().Pad(a, b.lengths, b.steps)
	}
	return h.Info(), a, b, err
}

// batch are the series of the request.
func (p *predictRequest) batch(info *engine.Info) (b batch, err error) {
	switch ragged := p.lengths != nil; {
	case p.signature != "" && p.signature != export.ServingDefault && p.signature != export.Lengths:
		return b, engine.Errorf(engine.Invalid, "Serving signature name: %q not found in signature def", p.signature)
	case ragged && p.signature != export.Lengths:
		return b, engine.Errorf(engine.Invalid, "JSON object: does not have named input: %s", lengthsName)
	case !ragged && p.signature == export.Lengths:
		return b, engine.Errorf(engine.Invalid, "Missing named input: %s in 'inputs' object.", lengthsName)
	}
	if b, err = p.input.batch(len(info.Features)); err == nil && p.lengths != nil {
		b.lengths, err = engine.Lengths(p.lengths, b.series, b.steps)
	}
	return b, err
}

// parsePredict reads the body of a request.
func parsePredict(body []byte) (*predictRequest, error) {
	if len(body) == 0 {
		return nil, engine.Errorf(engine.Invalid, "JSON Parse error: The document is empty")
	}
	p, r := &parser{text: body}, new(predictRequest)
	if c := p.peek(); c != '{' && c != 0 {
		if _, err := p.value(); err != nil {
			return nil, err
		}
		return nil, engine.Errorf(engine.Invalid, "JSON Value: %.100s Is not object", body)
	}
	if err := p.object(func(key string) error { return r.field(p, key) }); err != nil {
		return nil, err
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	switch {
	case r.rows && r.columns:
		return nil, engine.Errorf(engine.Invalid, "JSON Value: Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist")
	case !r.rows && !r.columns && !r.end:
		return nil, engine.Errorf(engine.Invalid, "Missing 'inputs' or 'instances' key")
	case r.end && r.session == "":
		return nil, engine.Errorf(engine.Invalid, "'end' is about a session, and none is named: 'session' is missing")
	}
	return r, nil
}

// field reads a field; those that are not known are of no interest.
func (r *predictRequest) field(p *parser, key string) (err error) {
	switch key {
	case "signature_name":
		if r.signature, err = p.string(); err != nil {
			return engine.Errorf(engine.Invalid, "'signature_name' key must be a string value.")
		}
	case "instances":
		r.rows = true
		r.input, err = r.instances(p)
	case "inputs":
		r.columns = true
		r.input, err = r.named(p, levelsOfBatch)
	case "session":
		r.session, err = p.string()
	case "end":
		r.end, err = p.boolean()
	default:
		_, err = p.value()
	}
	return err
}

// instances takes a list of series, each a list or an object that names its input.
func (r *predictRequest) instances(p *parser) (t tensor, err error) {
	if p.peek() != '[' {
		return t, engine.Errorf(engine.Invalid, "JSON Value: Excepting 'instances' to be an list/array")
	}
	switch inner := (&parser{text: p.text, at: p.at + 1}).peek(); inner {
	case ']':
		return t, engine.Errorf(engine.Invalid, "JSON Value: [] No values in 'instances' array")
	case '{':
		return r.objects(p)
	}
	return p.tensor(levelsOfBatch)
}

// objects takes a list of objects that are a series each.
func (r *predictRequest) objects(p *parser) (t tensor, err error) {
	err = p.list('[', ']', func(i int) error {
		if p.peek() != '{' {
			return engine.Errorf(engine.Invalid, "Expecting object but got list at item %d of input list", i)
		}
		one, err := r.named(p, levelsOfSeries)
		if err != nil {
			return engine.Errorf(engine.Invalid, "Failed to process element: %d of 'instances' list. Error: %w", i, err)
		}
		if t.shape == nil {
			t.shape = append([]int{0}, one.shape...)
		}
		if got := append([]int{i}, one.shape...); shapeText(got[1:]) != shapeText(t.shape[1:]) {
			return engine.Errorf(engine.Invalid, "Failed to process element: %d of 'instances' list. Error: Expecting shape %s but got: %s", i, shapeText(t.shape[1:]), shapeText(one.shape))
		}
		t.shape[0], t.values = i+1, append(t.values, one.values...)
		return nil
	})
	return t, err
}

// named takes the one input, or an object that names it and, maybe, its length: of a batch those of all series.
func (r *predictRequest) named(p *parser, levels []string) (t tensor, err error) {
	if p.peek() != '{' {
		return p.tensor(levels)
	}
	found := false
	err = p.object(func(key string) (err error) {
		switch {
		case key == inputName:
			found = true
			t, err = p.tensor(levels)
		case key == lengthsName && p.peek() == '[' && len(levels) == len(levelsOfBatch):
			err = p.list('[', ']', func(int) error { return r.length(p) })
		case key == lengthsName:
			err = r.length(p)
		default:
			err = engine.Errorf(engine.Invalid, "JSON object: does not have named input: %s", key)
		}
		return err
	})
	if err == nil && !found {
		err = engine.Errorf(engine.Invalid, "Missing named input: %s in 'inputs' object.", inputName)
	}
	return t, err
}

// length takes how many steps of the next series count.
func (r *predictRequest) length(p *parser) error {
	n, err := p.number()
	r.lengths = append(r.lengths, n)
	return err
}

// Names of what a model takes and gives, as an exported one does.
const (
	inputName         = export.SeriesInput
	lengthsName       = export.LengthsInput
	probabilitiesName = export.ProbabilitiesOutput
	labelsName        = export.LabelsOutput
)

// answer are the answers to a batch, in the form of the request.
func (p *predictRequest) answer(classes []string, a label.Answers, b batch) []byte {
	w := newAnswerWriter(classes, a)
	dst := make([]byte, 0, 64+12*len(a.Probability)+8*a.Len()) // about
	if p.rows {
		dst = appendList(append(dst, `{"predictions":`...), b.series, func(dst []byte, i int) []byte {
			return w.object(dst, i*b.steps, b.steps)
		})
		return append(dst, '}')
	}
	dst = append(dst, `{"outputs":{"`+probabilitiesName+`":`...)
	dst = appendList(dst, b.series, func(dst []byte, i int) []byte { return w.probabilities(dst, i*b.steps, b.steps) })
	dst = append(dst, `,"`+labelsName+`":`...)
	dst = appendList(dst, b.series, func(dst []byte, i int) []byte { return w.labels(dst, i*b.steps, b.steps) })
	return append(dst, "}}"...)
}

// answerWriter writes answers as JSON.
type answerWriter struct {
	label.Answers
	classes []string
	names   [][]byte // the same as JSON
}

func newAnswerWriter(classes []string, a label.Answers) answerWriter {
	w := answerWriter{Answers: a, classes: classes}
	for _, name := range classes {
		w.names = append(w.names, quoted(name))
	}
	return w
}

// object appends the answers to n rows as an object of both tensors.
func (w answerWriter) object(dst []byte, from, n int) []byte {
	dst = w.probabilities(append(dst, `{"`+probabilitiesName+`":`...), from, n)
	dst = w.labels(append(dst, `,"`+labelsName+`":`...), from, n)
	return append(dst, '}')
}

// probabilities appends those of n rows, [n,C].
func (w answerWriter) probabilities(dst []byte, from, n int) []byte {
	C := len(w.names)
	return appendList(dst, n, func(dst []byte, i int) []byte {
		row := w.Probability[(from+i)*C:]
		return appendList(dst, C, func(dst []byte, k int) []byte { return appendFloat(dst, row[k]) })
	})
}

// labels appends those of n rows, [n].
func (w answerWriter) labels(dst []byte, from, n int) []byte {
	return appendList(dst, n, func(dst []byte, i int) []byte {
		if class := w.Class[from+i]; class >= 0 {
			return append(dst, w.names[class]...)
		}
		return append(dst, `""`...) // of no step that counts
	})
}

// predictSession adds the rows of a request to a session, and answers the rows that are known now.
func (q *request) predictSession(p *predictRequest) error {
	info, first, a, err := q.pushSession(p.session, false, p.end, func(info *engine.Info) (b batch, err error) {
		if p.rows || p.columns {
			b, err = p.batch(info)
		}
		return b, err
	})
	if err != nil {
		return err
	}
	answer := p.answer(info.Classes, a, batch{series: 1, steps: a.Len()})
	answer = fmt.Appendf(answer[:len(answer)-1], `,"session":%s,"first":%d}`, quoted(p.session), first)
	q.json(http.StatusOK, answer)
	return nil
}
