package serve

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/engine/modeltest"
)

// prediction is an element of predictions.
type prediction struct {
	Probabilities [][]float32 `json:"probabilities"`
	Labels        []string    `json:"labels"`
}

// The answers are those of the model, to the bit, in both forms.
func TestPredict(t *testing.T) {
	s := serving(t, DefaultOptions())
	a, b := modeltest.Rows(1, 12), modeltest.Rows(2, 12)
	want := s.label("m", a, b)
	var predictions []prediction
	for i := range 2 {
		p := prediction{}
		for at := i * 12; at < i*12+12; at++ {
			p.Probabilities = append(p.Probabilities, want.Probability[2*at:2*at+2])
			p.Labels = append(p.Labels, []string{"no", "yes"}[want.Class[at]])
		}
		predictions = append(predictions, p)
	}
	same := func(what string, got []prediction) {
		t.Helper()
		for i := range predictions {
			if len(got) != 2 || !slices.Equal(got[i].Labels, predictions[i].Labels) || fmt.Sprint(got[i].Probabilities) != fmt.Sprint(predictions[i].Probabilities) {
				t.Fatalf("%s: other answers", what)
			}
		}
	}
	x, y := nested(a, 2), nested(b, 2)
	for _, path := range []string{"", "/versions/1", "/labels/stable"} {
		for _, body := range []string{
			`{"instances":[` + x + `,` + y + `]}`,
			`{"signature_name":"serving_default","instances":[{"series":` + x + `},{"series":` + y + `}]}`,
			` {"other":{"a":[1,"]"]}, "instances" : [ ` + x + ` , ` + y + ` ] } `,
		} {
			status, text, header := s.ask("POST", "/v1/models/m"+path+":predict", body)
			if status != http.StatusOK || header.Get("Content-Type") != "application/json" {
				t.Fatalf("%d %s", status, text)
			}
			var got struct{ Predictions []prediction }
			decode(t, text, &got)
			same(body, got.Predictions)
		}
		for _, body := range []string{`{"inputs":[` + x + `,` + y + `]}`, `{"inputs":{"series":[` + x + `,` + y + `]}}`} {
			_, text, _ := s.ask("POST", "/v1/models/m"+path+":predict", body)
			var got struct {
				Outputs struct {
					Probabilities [][][]float32
					Labels        [][]string
				}
			}
			decode(t, text, &got)
			var all []prediction
			for i, p := range got.Outputs.Probabilities {
				all = append(all, prediction{p, got.Outputs.Labels[i]})
			}
			same(body, all)
		}
	}
}

// One feature needs no list of its own, and classes may be any number.
func TestPredictOfOneFeature(t *testing.T) {
	s := serving(t, DefaultOptions())
	_, flat, _ := s.ask("POST", "/v1/models/n:predict", `{"instances":[[1,0.5,-3e-1]]}`)
	_, deep, _ := s.ask("POST", "/v1/models/n:predict", `{"instances":[[[1],[0.5],[-3e-1]]]}`)
	if flat != deep || strings.Count(flat, ",") != 3*2+2+1+2 {
		t.Errorf("%s\n%s", flat, deep)
	}
}

// Series of different lengths come padded, and are answered as by themselves.
func TestLengths(t *testing.T) {
	s := serving(t, DefaultOptions())
	a, b := modeltest.Rows(1, 7), modeltest.Rows(2, 4)
	want := s.label("m", a, b)
	x, y := nested(a, 2), nested(append(slices.Clone(b), 9, 9, 9, 9, 9, 9), 2)
	both := nested(append(append(slices.Clone(a), b...), 9, 9, 9, 9, 9, 9), 2)
	var probabilities [][]float32
	var labels []string
	for i := range 14 {
		if i < 11 {
			probabilities, labels = append(probabilities, want.Probability[2*i:2*i+2]), append(labels, []string{"no", "yes"}[want.Class[i]])
		} else {
			probabilities, labels = append(probabilities, []float32{0, 0}), append(labels, "")
		}
	}
	for path, bodies := range map[string][]string{
		"/v1/models/m:predict": {
			`{"instances":[{"series":` + x + `,"lengths":7},{"lengths":4,"series":` + y + `}],"signature_name":"lengths"}`,
			`{"signature_name":"lengths","inputs":{"lengths":[7,4],"series":[` + x + `,` + y + `]}}`,
		},
		"/v2/models/m/infer": {
			`{"inputs":[{"name":"lengths","datatype":"INT32","shape":[2],"data":[7,4]},{"name":"series","datatype":"FP32","shape":[2,7,2],"data":` + both + `}]}`,
			`{"inputs":[{"name":"series","datatype":"FP32","shape":[2,7,2],"data":` + both + `},{"name":"lengths","datatype":"INT64","shape":[2],"parameters":{"binary_data_size":16}}]}` +
				"\x07\x00\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00",
		},
	} {
		for _, body := range bodies {
			var header []string
			if at := strings.Index(body, "]}\x07"); at > 0 {
				header = []string{jsonSizeHeader, fmt.Sprint(at + 2)}
			}
			_, text, _ := s.ask("POST", path, body, header...)
			var got struct {
				Name        string `json:"model_name"`
				Version     string `json:"model_version"`
				Predictions []prediction
				Outputs     json.RawMessage
			}
			decode(t, text, &got)
			var p [][]float32
			var l []string
			switch {
			case len(got.Predictions) == 2:
				for _, one := range got.Predictions {
					p, l = append(p, one.Probabilities...), append(l, one.Labels...)
				}
			case path == "/v1/models/m:predict":
				var outputs struct {
					Probabilities [][][]float32
					Labels        [][]string
				}
				decode(t, string(got.Outputs), &outputs)
				p, l = slices.Concat(outputs.Probabilities...), slices.Concat(outputs.Labels...)
			default:
				var outputs []struct {
					Name, Datatype string
					Shape          []int
					Data           json.RawMessage
				}
				var flat []float32
				decode(t, string(got.Outputs), &outputs)
				decode(t, string(outputs[0].Data), &flat)
				decode(t, string(outputs[1].Data), &l)
				p = slices.Collect(slices.Chunk(flat, 2))
			}
			if fmt.Sprint(p) != fmt.Sprint(probabilities) || !slices.Equal(l, labels) {
				t.Errorf("%s: %s, want %v %v", body, text, probabilities, labels)
			}
		}
	}
	s.want("POST", "/v1/models/m:predict", `{"signature_name":"lengths","inputs":{"lengths":[0],"series":[[[1,2]]]}}`, 200,
		`{"outputs":{"probabilities":[[[0.0,0.0]]],"labels":[[""]]}}`)
}

func TestBadPredictRequests(t *testing.T) {
	s := serving(t, DefaultOptions(), modeltest.Spec{Missing: "error"})
	for _, test := range []struct {
		body   string
		status int
		err    string
	}{
		{``, 400, "JSON Parse error: The document is empty"},
		{`{`, 400, "JSON Parse error: a string is missing at offset: 1"},
		{`{"instances":[[[1,2]]]`, 400, `JSON Parse error: the text ends where ',' is missing at offset: 22`},
		{`{"instances":[[[1,2]]]}x`, 400, "JSON Parse error: there is more after the end at offset: 23"},
		{`{"instances":[[[01,2]]]}`, 400, `JSON Parse error: ',' is missing before '1' at offset: 17`},
		{`{"instances":[[[1,"2"]]]}`, 400, `series 0, row 0, feature 1: JSON Value: "2" Is not a number`},
		{`[1]`, 400, "JSON Value: [1] Is not object"},
		{`{}`, 400, "Missing 'inputs' or 'instances' key"},
		{`{"instances":[[[1,2]]],"inputs":[[[1,2]]]}`, 400, "JSON Value: Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist"},
		{`{"instances":5}`, 400, "JSON Value: Excepting 'instances' to be an list/array"},
		{`{"instances":[]}`, 400, "JSON Value: [] No values in 'instances' array"},
		{`{"signature_name":5,"instances":[[[1,2]]]}`, 400, "'signature_name' key must be a string value."},
		{`{"signature_name":"other","instances":[[[1,2]]]}`, 400, `Serving signature name: "other" not found in signature def`},
		{`{"instances":[{"series":[[1,2]]},{"other":[[1,2]]}]}`, 400, "Failed to process element: 1 of 'instances' list. Error: JSON object: does not have named input: other"},
		{`{"instances":[{"series":[[1,2]]},{}]}`, 400, "Failed to process element: 1 of 'instances' list. Error: Missing named input: series in 'inputs' object."},
		{`{"instances":[{"series":[[1,2]]},[[1,2]]]}`, 400, "Expecting object but got list at item 1 of input list"},
		{`{"instances":[{"series":[[1,2]]},{"series":[[1,2],[1,2]]}]}`, 400, "Failed to process element: 1 of 'instances' list. Error: Expecting shape [1,2] but got: [2,2]"},
		{`{"instances":[{"series":[[1,2],[1]]}]}`, 400, "Failed to process element: 0 of 'instances' list. Error: row 1: Expecting tensor size: 2 but got: 1"},
		{`{"inputs":{"series":[[[1,2]]],"lengths":[1]}}`, 400, "JSON object: does not have named input: lengths"},
		{`{"signature_name":"lengths","inputs":[[[1,2]]]}`, 400, "Missing named input: lengths in 'inputs' object."},
		{`{"signature_name":"lengths","inputs":{"series":[[[1,2]]],"lengths":[2]}}`, 400, "lengths: 2 is no number of steps from 0 to 1"},
		{`{"signature_name":"lengths","inputs":{"series":[[[1,2]]],"lengths":[NaN]}}`, 400, "lengths: NaN is no number of steps from 0 to 1"},
		{`{"signature_name":"lengths","inputs":{"series":[[[1,2]]],"lengths":[1,1]}}`, 400, "lengths: 2 numbers of steps for 1 series"},
		{`{"signature_name":"lengths","instances":[{"series":[[1,2]]},{"series":[[1,2]],"lengths":1}]}`, 400, "lengths: 1 numbers of steps for 2 series"},
		{`{"signature_name":"lengths","session":"a","instances":[{"series":[[1,2]],"lengths":1}]}`, 400, "a session takes no lengths: all steps count"},
		{`{"inputs":{"other":[[[1,2]]]}}`, 400, "JSON object: does not have named input: other"},
		{`{"instances":[[[1,2],[3,4]],[[1,2]]]}`, 400, "series 1: Expecting tensor size: 2 but got: 1"},
		{`{"instances":[[[1,2],[3,4]],[[1,2],[3]]]}`, 400, "series 1, row 1: Expecting tensor size: 2 but got: 1"},
		{`{"instances":[[[1,2],3]]}`, 400, "series 0, row 1: a number where a list is wanted"},
		{`{"instances":[[1,[2]]]}`, 400, "series 0, row 1: a list where a number is wanted"},
		{`{"instances":[[[[1,2]]]]}`, 400, "series 0, row 0, feature 0: a list where a number is wanted"},
		{`{"instances":[[[1,2,3]]]}`, 400, "series: wanted a tensor of the shape [batch,steps,2], got [1,1,3]"},
		{`{"instances":[[1,2]]}`, 400, "series: wanted a tensor of the shape [batch,steps,2], got [1,2]"},
		{`{"instances":[[]]}`, 400, "series: there is no value in a tensor of the shape [1,0]"},
		{`{"instances":[[[1,2],[3,4]],[[1,2],[Infinity,2]]]}`, 400, `series 1, row 1, feature "x": +Inf is not a finite number of 32 bits`},
		{`{"instances":[[[1,2],[3,-1e39]]]}`, 400, `series 0, row 1, feature "y": -1e+39 is not a finite number of 32 bits`},
		{`{"instances":[[[1,NaN]]]}`, 400, `series 0, row 0, feature "y": the value is missing, and the model was trained to fill none`},
		{`{"instances":[[[null,1]]]}`, 400, `series 0, row 0, feature "x": the value is missing, and the model was trained to fill none`},
		{`{"inputs":[` + nested(modeltest.Rows(1, 600), 2) + `,` + nested(modeltest.Rows(1, 600), 2) + `]}`, 400, "1200 rows are more than the 1000 that one request may have"},
	} {
		text, err := json.Marshal(map[string]string{"error": test.err})
		if err != nil {
			t.Fatal(err)
		}
		s.want("POST", "/v1/models/m:predict", test.body, test.status, strings.NewReplacer(`\u003c`, "<").Replace(string(text)))
	}
}

func TestPathsThatThereAreNot(t *testing.T) {
	s := serving(t, DefaultOptions())
	const body = `{"instances":[[[1,2]]]}`
	for _, test := range []struct {
		method, path string
		status       int
		err          string
	}{
		{"POST", "/v1/models/other:predict", 404, "Servable not found for request: Latest(other)"},
		{"POST", "/v1/models/m/versions/9:predict", 404, "Servable not found for request: Specific(m, 9)"},
		{"POST", "/v1/models/m/versions/x:predict", 400, "Failed to convert version: x to numeric."},
		{"POST", "/v1/models/m/versions/99999999999999999999:predict", 400, "Failed to convert version: 99999999999999999999 to numeric."},
		{"POST", "/v1/models/m/labels/canary:predict", 400, "Unrecognized servable version label: canary"},
		{"POST", "/v1/models/m:classify", 400, "Expected a signature with the method_name tensorflow/serving/classify. Was: tensorflow/serving/predict, for which there is :predict"},
		{"POST", "/v1/models/m", 400, "Malformed request: POST /v1/models/m"},
		{"POST", "/v1/modls/m:predict", 400, "Malformed request: POST /v1/modls/m:predict"},
		{"GET", "/v1/models/m:predict", 400, "Malformed request: GET /v1/models/m:predict"},
		{"GET", "/v1/models/other", 404, "Could not find any versions of model other"},
		{"GET", "/v1/models/m/versions/9", 404, "Could not find version 9 of model m"},
		{"GET", "/v1/models/other/metadata", 404, "Servable not found for request: Latest(other)"},
	} {
		s.want(test.method, test.path, body, test.status, fmt.Sprintf(`{"error":"%s"}`, test.err))
	}
}

func TestStatusAndMetadata(t *testing.T) {
	s := serving(t, DefaultOptions())
	const status = `{"model_version_status":[{"version":"1","state":"AVAILABLE","status":{"error_code":"OK","error_message":""}}]}`
	for _, path := range []string{"/v1/models/m", "/v1/models/m/versions/1", "/v1/models/m/labels/stable"} {
		s.want("GET", path, "", 200, status)
	}
	_, text, _ := s.ask("GET", "/v1/models/n/metadata", "")
	var got struct {
		Spec     map[string]string `json:"model_spec"`
		Metadata struct {
			Signature struct {
				Def map[string]struct {
					Inputs, Outputs map[string]tensorInfo
					Method          string `json:"method_name"`
				} `json:"signature_def"`
			} `json:"signature_def"`
			Rnnbin json.RawMessage
		}
	}
	decode(t, text, &got)
	def := got.Metadata.Signature.Def["serving_default"]
	if fmt.Sprint(got.Spec) != "map[name:n signature_name: version:1]" || def.Method != "tensorflow/serving/predict" ||
		fmt.Sprint(def.Inputs) != "map[series:{DT_FLOAT {[{-1 } {-1 } {1 }] false} series:0}]" ||
		fmt.Sprint(def.Outputs) != "map[labels:{DT_STRING {[{-1 } {-1 }] false} labels:0} probabilities:{DT_FLOAT {[{-1 } {-1 } {3 }] false} probabilities:0}]" {
		t.Error(text)
	}
	if of := got.Metadata.Signature.Def["lengths"]; fmt.Sprint(of.Inputs["lengths"]) != "{DT_INT32 {[{-1 }] false} lengths:0}" || len(of.Inputs) != 2 || len(of.Outputs) != 2 {
		t.Error(text)
	}
	_, text, _ = s.ask("GET", "/v1/models", "")
	var list struct {
		Models []struct {
			Name, Version string
			Classes       []string
			Wait          int
		}
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil || len(list.Models) != 2 || list.Models[1].Name != "n" || list.Models[1].Version != "1" || len(list.Models[1].Classes) != 3 {
		t.Errorf("%v: %s", err, text)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		s.want("GET", path, "", 200, "ok")
	}
	if err := s.registry.Close(ctx); err != nil {
		t.Fatal(err)
	}
	s.want("GET", "/healthz", "", 200, "ok")
	s.want("GET", "/readyz", "", 503, `{"error":"the server is shutting down"}`)
	s.want("POST", "/v1/models/m:predict", `{"instances":[[[1,2]]]}`, 503, `{"error":"the server is shutting down"}`)
}

// A number is written as TensorFlow Serving writes it, and reads back the same.
func TestNumbersReadBack(t *testing.T) {
	for v, want := range map[float32]string{0: "0.0", 1: "1.0", -2: "-2.0", 0.2: "0.2", 1e-5: "1e-05", 3.4028235e38: "3.4028235e+38", 1.0 / 3: "0.33333334"} {
		if got := string(appendFloat(nil, v)); got != want {
			t.Errorf("%v is %s, want %s", v, got, want)
		}
	}
	for _, text := range []string{"-0", "0.25", "1e3", "-1.5E-7", "123456789"} {
		p := &parser{text: []byte(text)}
		var want float64
		decode(t, text, &want)
		if v, err := p.number(); err != nil || math.Float64bits(v) != math.Float64bits(want) || p.at != len(text) {
			t.Errorf("%s is read as %v, %v", text, v, err)
		}
	}
}

// Whatever the body, it is read as encoding/json would, or refused.
func FuzzPredictRequest(f *testing.F) {
	for _, seed := range []string{`{"instances":[[[1,2],[3,4.5e-3]]]}`, `{"inputs":{"series":[[[1,2]]]},"signature_name":"a\"b"}`, `{"instances":[{"series":[[null,NaN]]}],"session":"s","end":true,"x":[{}]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := parsePredict(body)
		if err != nil {
			return
		}
		n := 1
		for _, size := range r.input.shape {
			n *= size
		}
		if (r.rows || r.columns) && n != len(r.input.values) {
			t.Fatalf("%d values in the shape %v", len(r.input.values), r.input.shape)
		}
		var known struct {
			Instances, Inputs any
			Signature         string `json:"signature_name"`
		}
		if err := json.Unmarshal(body, &known); err != nil && !strings.ContainsAny(string(body), "NI") {
			t.Fatalf("%v, but it was read", err)
		}
	})
}
