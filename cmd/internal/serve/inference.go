package serve

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
	"github.com/rnnbin/rnnbin/graph/label"
)

// The Open Inference Protocol, version 2 of KServe's, with its extension of binary tensors: JSON,
// and then the bytes of the tensors, whose sizes the JSON tells. A header tells its own size.

const jsonSizeHeader = "Inference-Header-Content-Length"

// inferencePath is the path of a model: its name and a version, then what is asked of it.
var inferencePath = regexp.MustCompile(`^/v2/models/([^/]+)(?:/versions/([^/]+))?(|/ready|/infer)$`)

// inference answers what begins with /v2.
func (q *request) inference() error {
	switch q.verb() + " " + strings.TrimSuffix(q.URL.Path, "/") {
	case "GET /v2":
		q.method = "server"
		return q.answer(map[string]any{"name": "rnnbin", "version": q.options.Version, "extensions": []string{"binary_tensor_data", "sequence", "sequence(string_id)"}})
	case "GET /v2/health/live":
		q.protocol = "health"
		return q.answer(map[string]bool{"live": true})
	case "GET /v2/health/ready":
		q.protocol = "health"
		if !q.registry.Ready() {
			return engine.Errorf(engine.Unavailable, "the server is shutting down")
		}
		return q.answer(map[string]bool{"ready": true})
	case "POST /v2/repository/index":
		q.method = "index"
		return q.repositoryIndex()
	}
	return q.inferenceModel()
}

// repositoryIndex answers with the versions of all models, those that are served alone if the
// body asks for that, as Triton and MLServer do.
func (q *request) repositoryIndex() error {
	body, err := q.body()
	if err != nil {
		return err
	}
	var asked struct {
		Ready bool `json:"ready"`
	}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &asked); err != nil {
			return engine.Errorf(engine.Invalid, "JSON Parse error: %w", err)
		}
	}
	return q.answer(q.registry.Index(asked.Ready))
}

// inferenceModel answers what is about a model.
func (q *request) inferenceModel() (err error) {
	parts := inferencePath.FindStringSubmatch(q.URL.EscapedPath())
	if parts == nil {
		return &statusError{http.StatusNotFound, q.malformed()}
	}
	if q.name, err = url.PathUnescape(parts[1]); err != nil {
		return q.malformed()
	}
	if q.which, err = engine.ParseVersion(parts[2]); err != nil {
		return err
	}
	q.method = strings.TrimPrefix(parts[3], "/")
	switch q.verb() + " " + parts[3] {
	case "GET ":
		q.method = "metadata"
		return q.inferenceMetadata()
	case "GET /ready":
		h, err := q.acquire()
		if err != nil {
			return err
		}
		defer h.Release()
		return q.answer(map[string]any{"name": q.name, "ready": true})
	case "POST /infer":
		return q.infer()
	}
	q.out.Header().Set("Allow", map[bool]string{false: "GET, HEAD", true: "POST"}[parts[3] == "/infer"])
	return &statusError{http.StatusMethodNotAllowed, q.malformed()}
}

// inferenceTensor is a tensor without its values.
type inferenceTensor struct {
	Name  string `json:"name"`
	Type  string `json:"datatype"`
	Shape []int  `json:"shape"`
}

// inferenceMetadata answers with the tensors of a model.
func (q *request) inferenceMetadata() error {
	h, err := q.acquire()
	if err != nil {
		return err
	}
	defer h.Release()
	versions, err := q.registry.Available(q.name)
	if err != nil {
		return err
	}
	i := h.Info()
	return q.answer(map[string]any{
		"name": q.name, "versions": versions, "platform": "rnnbin",
		"inputs":  []inferenceTensor{{inputName, "FP32", []int{-1, -1, len(i.Features)}}},
		"outputs": []inferenceTensor{{probabilitiesName, "FP32", []int{-1, -1, len(i.Classes)}}, {labelsName, "BYTES", []int{-1, -1}}},
	})
}

// inferRequest is the body of a request.
type inferRequest struct {
	id      string
	inputs  []*inferInput
	input   *inferInput   // series
	raw     bool          // one series, of which there are the bytes alone
	lengths *inferInput   // steps of each series that count; nil for all
	outputs []inferOutput // that are asked for; all if there are none
	binary  bool          // outputs are, unless they say otherwise

	sequence   string // the session whose rows these are; "" for none
	start, end bool   // it begins, or ends, with them
}

type inferInput struct {
	inferenceTensor
	data tensor
	size int // bytes of the tensor after the JSON, -1 if it is in that
}

type inferOutput struct {
	Name   string
	binary *bool // nil: as the request says
}

// infer labels series.
func (q *request) infer() error {
	body, err := q.body()
	if err != nil {
		return err
	}
	r, err := parseInfer(body, q.Header.Get(jsonSizeHeader))
	if err != nil {
		return err
	}
	if r.sequence != "" {
		info, first, a, err := q.pushSession(r.sequence, r.start, r.end, r.batch)
		if err != nil {
			return err
		}
		return q.answerInfer(r, info, a, batch{series: 1, steps: a.Len()}, fmt.Sprintf(`,"parameters":{"first":%d}`, first))
	}
	info, a, b, err := q.label(r.batch)
	if err != nil {
		return err
	}
	return q.answerInfer(r, info, a, b, "")
}

// batch are the series of the request.
func (r *inferRequest) batch(info *engine.Info) (batch, error) {
	R := len(info.Features)
	if n := len(r.input.data.values); r.raw {
		r.input.data.shape = []int{1, n / R, R}
		if n%R != 0 {
			return batch{}, engine.Errorf(engine.Invalid, "series: %d values are not rows of %d features", n, R)
		}
	}
	b, err := r.input.data.batch(R)
	if err == nil && r.lengths != nil {
		b.lengths, err = engine.Lengths(r.lengths.data.values, b.series, b.steps)
	}
	return b, err
}

// answerInfer answers a request, with fields besides the outputs.
func (q *request) answerInfer(r *inferRequest, info *engine.Info, a label.Answers, b batch, fields string) error {
	text, tail := r.answer(info, a, b, fields)
	if tail != nil {
		q.out.Header().Set(jsonSizeHeader, strconv.Itoa(len(text)))
		q.out.Header().Set("Content-Type", "application/octet-stream")
		text = append(text, tail...)
		q.out.Header().Set("Content-Length", strconv.Itoa(len(text)))
		_, _ = q.out.Write(text)
		return nil
	}
	q.json(http.StatusOK, text)
	return nil
}

// parseInfer reads the body of a request, whose JSON has so many bytes, all of them if that is "".
func parseInfer(body []byte, size string) (*inferRequest, error) {
	n := len(body)
	if size != "" {
		var err error
		if n, err = strconv.Atoi(size); err != nil || n < 0 || n > len(body) {
			return nil, engine.Errorf(engine.Invalid, "%s: %s, but the body has %d bytes", jsonSizeHeader, size, len(body))
		}
	}
	p, r := &parser{text: body[:n]}, new(inferRequest)
	if size == "0" {
		return r, r.bytes(body)
	}
	if err := p.fields(func(key string) error { return r.field(p, key) }); err != nil {
		return nil, err
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	if err := r.settle(body[n:]); err != nil {
		return nil, err
	}
	if r.sequence == "" && (r.start || r.end) {
		return nil, engine.Errorf(engine.Invalid, "sequence_start and sequence_end need a sequence_id other than 0 and \"\"")
	}
	for _, o := range r.outputs {
		if o.Name != probabilitiesName && o.Name != labelsName {
			return nil, engine.Errorf(engine.Invalid, "unexpected inference output '%s': there are %s and %s", o.Name, probabilitiesName, labelsName)
		}
	}
	r.askForAll()
	return r, nil
}

// askForAll asks for all outputs if there are none.
func (r *inferRequest) askForAll() {
	if r.outputs == nil {
		r.outputs = []inferOutput{{Name: probabilitiesName}, {Name: labelsName}}
	}
}

// bytes reads a request that has no JSON, and is answered in bytes, too.
func (r *inferRequest) bytes(body []byte) error {
	values, err := engine.Decode("FP32", body)
	if err != nil {
		return engine.Errorf(engine.Invalid, "series: %w", err)
	}
	r.input, r.raw, r.binary = &inferInput{data: tensor{values: values}}, true, true
	r.askForAll()
	return nil
}

// fields takes an object, field by field. A field that is null is as good as missing, as the protocol's clients write it.
func (p *parser) fields(field func(key string) error) error {
	return p.object(func(key string) error {
		if p.peek(); bytes.HasPrefix(p.text[p.at:], []byte("null")) {
			p.at += len("null")
			return nil
		}
		return field(key)
	})
}

// settle finds out which input is which, and reads values from what follows the JSON.
func (r *inferRequest) settle(tail []byte) (err error) {
	for _, i := range r.inputs {
		to := map[string]**inferInput{inputName: &r.input, lengthsName: &r.lengths}[i.Name]
		if to == nil || *to != nil {
			return engine.Errorf(engine.Invalid, "unexpected inference input '%s': there are %s and, where steps of a series do not count, %s", i.Name, inputName, lengthsName)
		}
		*to = i
		if tail, err = i.settle(tail); err != nil {
			return err
		}
	}
	if r.input == nil {
		return engine.Errorf(engine.Invalid, "the input %s is missing", inputName)
	}
	if len(tail) > 0 {
		return engine.Errorf(engine.Invalid, "%d bytes follow the JSON that no input's binary_data_size counts", len(tail))
	}
	return nil
}

func (r *inferRequest) field(p *parser, key string) (err error) {
	switch key {
	case "id":
		r.id, err = p.string()
	case "inputs":
		err = p.list('[', ']', func(int) error {
			i := &inferInput{size: -1}
			r.inputs = append(r.inputs, i)
			return p.fields(func(key string) error { return i.field(p, key) })
		})
	case "outputs":
		err = p.list('[', ']', func(int) error {
			var o inferOutput
			err := p.fields(func(key string) error { return o.field(p, key) })
			r.outputs = append(r.outputs, o)
			return err
		})
	case "parameters":
		err = p.fields(func(key string) error { return r.parameter(p, key) })
	default:
		_, err = p.value()
	}
	return err
}

// parameter reads a parameter, as those with which Triton's clients mark requests that belong together.
func (r *inferRequest) parameter(p *parser, key string) (err error) {
	switch key {
	case "binary_data_output":
		r.binary, err = p.boolean()
	case "sequence_start":
		r.start, err = p.boolean()
	case "sequence_end":
		r.end, err = p.boolean()
	case "sequence_id":
		r.sequence, err = p.sequence()
	default:
		_, err = p.value()
	}
	return err
}

// sequence takes the name of a sequence: a text or a whole number, of which 0 is none.
func (p *parser) sequence() (string, error) {
	if p.peek() == '"' {
		return p.string()
	}
	text, err := p.value()
	if err != nil || string(text) == "0" {
		return "", err
	}
	if bytes.IndexFunc(bytes.TrimPrefix(text, []byte("-")), func(c rune) bool { return c < '0' || c > '9' }) >= 0 {
		return "", engine.Errorf(engine.Invalid, "parameter sequence_id is neither a string nor a whole number")
	}
	return string(text), nil
}

func (o *inferOutput) field(p *parser, key string) (err error) {
	switch key {
	case "name":
		o.Name, err = p.string()
	case "parameters":
		err = p.fields(func(key string) (err error) { return o.parameter(p, key) })
	default:
		_, err = p.value()
	}
	return err
}

func (o *inferOutput) parameter(p *parser, key string) error {
	if key != "binary_data" {
		_, err := p.value()
		return err
	}
	binary, err := p.boolean()
	o.binary = &binary
	return err
}

func (i *inferInput) field(p *parser, key string) (err error) {
	unmarshal := func(to any) error {
		text, err := p.value()
		if err == nil && json.Unmarshal(text, to) != nil {
			err = engine.Errorf(engine.Invalid, "%s of the input: cannot be %.40s", key, text)
		}
		return err
	}
	switch key {
	case "name":
		i.Name, err = p.string()
	case "datatype":
		i.Type, err = p.string()
	case "shape":
		return unmarshal(&i.Shape)
	case "data":
		i.data, err = p.tensor(levelsOfBatch)
	case "parameters":
		var parameters struct {
			Size *int `json:"binary_data_size"`
		}
		if err = unmarshal(&parameters); parameters.Size != nil {
			i.size = *parameters.Size
		}
	default:
		_, err = p.value()
	}
	return err
}

// wholeNumbers are types of which all may come in JSON.
var wholeNumbers = regexp.MustCompile(`^U?INT\d+$`)

// settle checks an input, reads its values from what follows the JSON if they are there, and returns what
// follows them.
func (i *inferInput) settle(tail []byte) ([]byte, error) {
	if i.size >= 0 && i.data.shape != nil {
		return nil, engine.Errorf(engine.Invalid, "inference input '%s' has data besides binary_data_size", i.Name)
	}
	if i.size > len(tail) {
		return nil, engine.Errorf(engine.Invalid, "binary_data_size of the input is %d, and %d bytes follow the JSON", i.size, len(tail))
	}
	of := i.Type
	if i.size < 0 && wholeNumbers.MatchString(of) {
		of = "INT64" // all the same in JSON
	}
	values, err := engine.Decode(of, tail[:max(0, i.size)])
	if err != nil {
		return nil, engine.Errorf(engine.Invalid, "inference input '%s': %w", i.Name, err)
	}
	if i.size >= 0 {
		i.data.values, tail = values, tail[i.size:]
	}
	n := 1
	for _, size := range i.Shape {
		if size < 0 || size > 0 && n > math.MaxInt32/size {
			return nil, engine.Errorf(engine.Invalid, "inference input '%s': the shape %s is impossible", i.Name, shapeText(i.Shape))
		}
		n *= size
	}
	if n != len(i.data.values) {
		return nil, engine.Errorf(engine.Invalid, "inference input '%s': %d values for the shape %s", i.Name, len(i.data.values), shapeText(i.Shape))
	}
	i.data.shape = i.Shape
	return tail, nil
}

// answer are the outputs that are asked for: JSON, and the binary ones after it.
func (r *inferRequest) answer(info *engine.Info, a label.Answers, b batch, fields string) (text, tail []byte) {
	w := newAnswerWriter(info.Classes, a)
	text = fmt.Appendf(nil, `{"model_name":%s,"model_version":"%d"`, quoted(info.Name), info.Version)
	if r.id != "" {
		text = fmt.Appendf(text, `,"id":%s`, quoted(r.id))
	}
	text = appendList(append(append(text, fields...), `,"outputs":`...), len(r.outputs), func(dst []byte, i int) []byte {
		o := r.outputs[i]
		of, shape := "FP32", []int{b.series, b.steps, len(w.names)}
		if o.Name == labelsName {
			of, shape = "BYTES", shape[:2]
		}
		dst = fmt.Appendf(dst, `{"name":"%s","datatype":"%s","shape":%s`, o.Name, of, shapeText(shape))
		if o.binary == nil && r.binary || o.binary != nil && *o.binary {
			n := len(tail)
			tail = w.binary(tail, o.Name)
			return fmt.Appendf(dst, `,"parameters":{"binary_data_size":%d}}`, len(tail)-n)
		}
		dst = append(dst, `,"data":`...)
		if o.Name == labelsName {
			dst = w.labels(dst, 0, a.Len())
		} else {
			dst = appendList(dst, len(a.Probability), func(dst []byte, i int) []byte { return appendFloat(dst, a.Probability[i]) })
		}
		return append(dst, '}')
	})
	return append(text, '}'), tail
}

// binary appends the values of a tensor.
func (w answerWriter) binary(dst []byte, name string) []byte {
	if name == probabilitiesName {
		return engine.AppendFloats(dst, w.Probability)
	}
	for _, class := range w.Class {
		text := ""
		if class >= 0 {
			text = w.classes[class]
		}
		dst = engine.AppendText(dst, text)
	}
	return dst
}
