package serve

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
	"github.com/rnnbin/rnnbin/graph/export"
)

// versionStatus is what has become of a version, as TensorFlow Serving writes it.
type versionStatus struct {
	Version string       `json:"version"`
	State   engine.State `json:"state"`
	Status  struct {
		Code    string `json:"error_code"`
		Message string `json:"error_message"`
	} `json:"status"`
}

// status answers with the versions of a model.
func (q *request) status() error {
	all, err := q.registry.Status(q.name, q.which)
	if err != nil {
		return err
	}
	var answer struct {
		Versions []versionStatus `json:"model_version_status"`
	}
	for _, s := range all {
		v := versionStatus{Version: strconv.FormatInt(s.Version, 10), State: s.State}
		v.Status.Code = "OK"
		if s.Err != nil {
			v.Status.Code, v.Status.Message = "UNKNOWN", s.Err.Error()
		}
		answer.Versions = append(answer.Versions, v)
	}
	return q.answer(answer)
}

// answer answers with a value as JSON.
func (q *request) answer(value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	q.json(http.StatusOK, append(text, '\n'))
	return nil
}

// models answers with what is known of all models.
func (q *request) models() error {
	answer := struct {
		Models []*engine.Info `json:"models"`
	}{[]*engine.Info{}}
	for _, name := range q.registry.Names() {
		h, err := q.registry.Acquire(name, engine.Which{})
		if err != nil {
			continue
		}
		answer.Models = append(answer.Models, h.Info())
		h.Release()
	}
	return q.answer(answer)
}

// tensorInfo is an input or an output, as TensorFlow Serving writes it.
type tensorInfo struct {
	Type  string `json:"dtype"`
	Shape struct {
		Dim         []dimension `json:"dim"`
		UnknownRank bool        `json:"unknown_rank"`
	} `json:"tensor_shape"`
	Name string `json:"name"`
}

type dimension struct {
	Size string `json:"size"`
	Name string `json:"name"`
}

func newTensorInfo(name, of string, sizes ...int) tensorInfo {
	t := tensorInfo{Type: of, Name: name + ":0"}
	for _, n := range sizes {
		t.Shape.Dim = append(t.Shape.Dim, dimension{Size: strconv.Itoa(n)})
	}
	return t
}

// metadata answers with the signature, and what else is known of the model.
func (q *request) metadata() error {
	h, err := q.acquire()
	if err != nil {
		return err
	}
	defer h.Release()
	i := h.Info()
	series := newTensorInfo(inputName, "DT_FLOAT", -1, -1, len(i.Features))
	signature := func(inputs map[string]tensorInfo) object {
		return object{"inputs": inputs, "method_name": "tensorflow/serving/predict", "outputs": map[string]tensorInfo{
			probabilitiesName: newTensorInfo(probabilitiesName, "DT_FLOAT", -1, -1, len(i.Classes)),
			labelsName:        newTensorInfo(labelsName, "DT_STRING", -1, -1),
		}}
	}
	return q.answer(object{
		"model_spec": object{"name": i.Name, "signature_name": "", "version": strconv.FormatInt(i.Version, 10)},
		"metadata": object{
			"signature_def": object{"signature_def": object{
				export.ServingDefault: signature(map[string]tensorInfo{inputName: series}),
				export.Lengths:        signature(map[string]tensorInfo{inputName: series, lengthsName: newTensorInfo(lengthsName, "DT_INT32", -1)}),
			}},
			"rnnbin": i,
		},
	})
}

// health answers whether the server, or all of its models, answer requests.
func (q *request) health(ready bool) error {
	if ready && !q.registry.Ready() {
		return engine.Errorf(engine.Unavailable, "the server is shutting down")
	}
	q.out.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := q.out.Write([]byte("ok\n"))
	return err
}
