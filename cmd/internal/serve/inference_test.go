package serve

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
	"github.com/rnnbin/rnnbin/cmd/internal/engine/modeltest"
)

type inferAnswer struct {
	Name    string `json:"model_name"`
	Version string `json:"model_version"`
	ID      string `json:"id"`
	Outputs []struct {
		Name       string
		Datatype   string
		Shape      []int
		Data       json.RawMessage
		Parameters struct {
			Size int `json:"binary_data_size"`
		}
	}
}

// Tensors come and go as JSON, flat or nested, and as bytes.
func TestInfer(t *testing.T) {
	s := serving(t, DefaultOptions())
	x := modeltest.Rows(1, 6)
	want := s.label("m", x[:6], x[6:])
	flat, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	var wide, narrow []byte
	for _, v := range x {
		wide = binary.LittleEndian.AppendUint64(wide, math.Float64bits(float64(v)))
		narrow = binary.LittleEndian.AppendUint32(narrow, math.Float32bits(v))
	}
	for _, test := range []struct {
		input string
		tail  []byte
	}{
		{`"datatype":"FP32","data":` + string(flat), nil},
		{`"datatype":"FP64","data":[` + nested(x[:6], 2) + `,` + nested(x[6:], 2) + `]`, nil},
		{fmt.Sprintf(`"datatype":"FP32","parameters":{"binary_data_size":%d}`, len(narrow)), narrow},
		{fmt.Sprintf(`"datatype":"FP64","parameters":{"binary_data_size":%d}`, len(wide)), wide},
	} {
		for _, outputs := range []string{"", `,"outputs":[{"name":"labels","parameters":{"binary_data":true}},{"name":"probabilities"}]`, `,"parameters":{"binary_data_output":true}`} {
			body := `{"id":"a1","inputs":[{"name":"series","shape":[2,3,2],` + test.input + `}]` + outputs + `}`
			status, text, header := s.ask("POST", "/v2/models/m/versions/1/infer", body+string(test.tail), jsonSizeHeader, strconv.Itoa(len(body)))
			size := len(text)
			if n := header.Get(jsonSizeHeader); n != "" {
				if size, err = strconv.Atoi(n); err != nil {
					t.Fatal(err)
				}
			}
			var got inferAnswer
			if err := json.Unmarshal([]byte(text[:size]), &got); err != nil || status != 200 {
				t.Fatalf("%d %s: %v", status, text, err)
			}
			if got.Name != "m" || got.Version != "1" || got.ID != "a1" || len(got.Outputs) != 2 {
				t.Fatal(text)
			}
			tail := []byte(text[size:])
			for _, o := range got.Outputs {
				var probabilities []float32
				var labels []string
				switch n := o.Parameters.Size; {
				case o.Name == "labels" && n > 0:
					for of := tail[:n]; len(of) > 0; {
						length := binary.LittleEndian.Uint32(of)
						labels, of = append(labels, string(of[4:4+length])), of[4+length:]
					}
					tail = tail[n:]
				case o.Name == "labels":
					decode(t, string(o.Data), &labels)
				case n > 0:
					values, err := engine.Decode("FP32", tail[:n])
					if err != nil {
						t.Fatal(err)
					}
					probabilities, tail = modeltest.Narrow(values), tail[n:]
				default:
					decode(t, string(o.Data), &probabilities)
				}
				if o.Name == "labels" && (o.Datatype != "BYTES" || fmt.Sprint(o.Shape) != "[2 3]" || len(labels) != 6 || labels[5] != []string{"no", "yes"}[want.Class[5]]) ||
					o.Name == "probabilities" && (o.Datatype != "FP32" || fmt.Sprint(o.Shape) != "[2 3 2]" || !slices.Equal(probabilities, want.Probability)) {
					t.Errorf("%s: %s", body, text)
				}
			}
			if len(tail) > 0 {
				t.Errorf("%d bytes more", len(tail))
			}
		}
	}
}

// Outputs are as the request says, unless they say otherwise themselves, and what is null is not said.
func TestInferOutputs(t *testing.T) {
	s := serving(t, DefaultOptions())
	const inputs = `"inputs":[{"name":"series","shape":[1,1,2],"datatype":"FP32","data":[1,2],"parameters":null}]`
	for outputs, want := range map[string][]bool{
		`,"parameters":{"binary_data_output":true},"outputs":[{"name":"labels"},{"name":"probabilities","parameters":{"binary_data":false}}]`: {true, false},
		`,"outputs":[{"name":"labels","parameters":null},{"name":"probabilities"}],"parameters":{"binary_data_output":true}`:                  {true, true},
		`,"outputs":[{"name":"labels","parameters":{"binary_data":true}},{"name":"probabilities"}]`:                                           {true, false},
		`,"id":null,"outputs":null,"parameters":null`:                                                                                         {false, false},
	} {
		status, text, header := s.ask("POST", "/v2/models/m/infer", "{"+inputs+outputs+"}")
		if n, err := strconv.Atoi(header.Get(jsonSizeHeader)); err == nil {
			text = text[:n]
		}
		var got inferAnswer
		if err := json.Unmarshal([]byte(text), &got); err != nil || status != 200 || len(got.Outputs) != 2 {
			t.Fatalf("%s: %d %s", outputs, status, text)
		}
		for i, binary := range want {
			if o := got.Outputs[i]; (o.Parameters.Size > 0) != binary || (o.Data == nil) != binary {
				t.Errorf("%s: %s", outputs, text)
			}
		}
	}
}

// A body without JSON is the bytes of one series.
func TestInferRaw(t *testing.T) {
	s := serving(t, DefaultOptions())
	x := modeltest.Rows(1, 5)
	want := s.label("m", x)
	status, text, header := s.ask("POST", "/v2/models/m/infer", string(engine.AppendFloats(nil, x)), jsonSizeHeader, "0")
	n, err := strconv.Atoi(header.Get(jsonSizeHeader))
	if err != nil || status != 200 || !strings.Contains(text, `"shape":[1,5,2]`) {
		t.Fatal(status, text)
	}
	if got := text[n:][:len(want.Probability)*4]; got != string(engine.AppendFloats(nil, want.Probability)) {
		t.Errorf("%q", got)
	}
	for body, want := range map[string]string{
		"abcde": "series: 5 bytes are no numbers of 4", "abcdabcdabcd": "series: 3 values are not rows of 2 features",
		"": "series: there is no value in a tensor of the shape [1,0,2]",
	} {
		if status, text, _ := s.ask("POST", "/v2/models/m/infer", body, jsonSizeHeader, "0"); status != 400 || text != `{"error":"`+want+`"}` {
			t.Errorf("%q: %d %s", body, status, text)
		}
	}
}

func TestInferenceOfTheServer(t *testing.T) {
	s := serving(t, Options{Version: "1.2", MaxBody: 1 << 20, Timeout: DefaultOptions().Timeout})
	s.want("GET", "/v2", "", 200, `{"extensions":["binary_tensor_data","sequence","sequence(string_id)"],"name":"rnnbin","version":"1.2"}`)
	s.want("GET", "/v2/health/live", "", 200, `{"live":true}`)
	s.want("GET", "/v2/health/ready", "", 200, `{"ready":true}`)
	s.want("GET", "/v2/models/n", "", 200, `{"inputs":[{"name":"series","datatype":"FP32","shape":[-1,-1,1]}],"name":"n","outputs":[{"name":"probabilities","datatype":"FP32","shape":[-1,-1,3]},{"name":"labels","datatype":"BYTES","shape":[-1,-1]}],"platform":"rnnbin","versions":["1"]}`)
	const index = `[{"name":"m","version":"1","state":"READY","reason":""},{"name":"n","version":"1","state":"READY","reason":""}]`
	s.want("POST", "/v2/repository/index", "", 200, index)
	s.want("POST", "/v2/repository/index", `{"ready":true}`, 200, index)
	s.want("POST", "/v2/repository/index", "ready", 400, `{"error":"JSON Parse error: invalid character 'r' looking for beginning of value"}`)
	s.want("GET", "/v2/models/n/versions/1/ready", "", 200, `{"name":"n","ready":true}`)
	s.want("GET", "/v2/models/n/versions/2/ready", "", 404, `{"error":"Servable not found for request: Specific(n, 2)"}`)
	s.want("GET", "/v2/models/other", "", 404, `{"error":"Servable not found for request: Latest(other)"}`)
	s.want("GET", "/v2/else", "", 404, `{"error":"Malformed request: GET /v2/else"}`)
	s.want("POST", "/v2/models/n", "", 405, `{"error":"Malformed request: POST /v2/models/n"}`)
	for path, allowed := range map[string]string{"": "GET, HEAD", "/ready": "GET, HEAD", "/infer": "POST"} {
		if status, _, header := s.ask("PUT", "/v2/models/n"+path, ""); status != 405 || header.Get("Allow") != allowed {
			t.Errorf("%s: %d, allowed %q", path, status, header.Get("Allow"))
		}
	}
	for _, path := range []string{"/v2", "/v2/health/live", "/v2/models/n", "/v2/models/n/ready", "/v1/models", "/v1/models/n", "/v1/models/n/metadata", "/readyz"} {
		if status, text, _ := s.ask("HEAD", path, ""); status != 200 || text != "" {
			t.Errorf("HEAD %s: %d %q", path, status, text)
		}
	}
}

func TestBadInferRequests(t *testing.T) {
	s := serving(t, DefaultOptions())
	for _, test := range []struct{ body, err string }{
		{``, "JSON Parse error: the text ends where '{' is missing at offset: 0"},
		{`{}`, "the input series is missing"},
		{`{"inputs":[]}`, "the input series is missing"},
		{`{"inputs":[{"name":"x","shape":[1,1,2],"datatype":"FP32","data":[1,2]}]}`, "unexpected inference input 'x': there are series and, where steps of a series do not count, lengths"},
		{`{"inputs":[{"name":"series","shape":[1,1,2],"datatype":"BYTES","data":[1,2]}]}`, `inference input 'series': datatype "BYTES" is none of FP32, FP64, INT32 and INT64`},
		{`{"inputs":[{"name":"series","shape":[1,2,2],"datatype":"FP32","data":[1,2]}]}`, "inference input 'series': 2 values for the shape [1,2,2]"},
		{`{"inputs":[{"name":"series","shape":[2147483648,2147483648,2],"datatype":"FP32","data":[1,2]}]}`, "inference input 'series': the shape [2147483648,2147483648,2] is impossible"},
		{`{"inputs":[{"name":"series","shape":[-1,2],"datatype":"FP32","data":[1,2]}]}`, "inference input 'series': the shape [-1,2] is impossible"},
		{`{"inputs":[{"name":"series","shape":"big","datatype":"FP32","data":[1,2]}]}`, `shape of the input: cannot be "big"`},
		{`{"inputs":[{"name":"series","shape":[1,1,3],"datatype":"FP32","data":[1,2,3]}]}`, "series: wanted a tensor of the shape [batch,steps,2], got [1,1,3]"},
		{`{"inputs":[{"name":"series","shape":[1000,0,2],"datatype":"FP32","data":[]}]}`, "series: there is no value in a tensor of the shape [1000,0,2]"},
		{`{"inputs":[{"name":"series","shape":[1,1,2],"datatype":"FP32","parameters":{"binary_data_size":8}}]}`, "binary_data_size of the input is 8, and 0 bytes follow the JSON"},
		{`{"inputs":[{"name":"series","shape":[1,1,2],"datatype":"FP32","data":[1,2]}],"outputs":[{"name":"other"}]}`, "unexpected inference output 'other': there are probabilities and labels"},
		{`{"inputs":[{"name":"series","shape":[1,1,2],"datatype":"FP32","data":[1,"2"]}]}`, `series 1: JSON Value: "2" Is not a number`},
		{`{"parameters":{"sequence_end":true},"inputs":[{"name":"series","shape":[1,1,2],"datatype":"FP32","data":[1,2]}]}`, `sequence_start and sequence_end need a sequence_id other than 0 and ""`},
		{`{"parameters":{"sequence_id":1.5},"inputs":[{"name":"series","shape":[1,1,2],"datatype":"FP32","data":[1,2]}]}`, "parameter sequence_id is neither a string nor a whole number"},
		{`{"parameters":{"sequence_id":7},"inputs":[{"name":"series","shape":[2,1,2],"datatype":"FP32","data":[1,2,3,4]}]}`, "a session is one series, and there are 2"},
		{`{"inputs":[{"name":"series","shape":[1,1,2],"datatype":"FP32","data":[1,1e50]}]}`, `series 0, row 0, feature "y": 1e+50 is not a finite number of 32 bits`},
	} {
		text, err := json.Marshal(map[string]string{"error": test.err})
		if err != nil {
			t.Fatal(err)
		}
		s.want("POST", "/v2/models/m/infer", test.body, 400, string(text))
	}
	if status, text, _ := s.ask("POST", "/v2/models/m/infer", "{}", jsonSizeHeader, "3"); status != 400 || !strings.Contains(text, "Inference-Header-Content-Length: 3, but the body has 2 bytes") {
		t.Errorf("%d %s", status, text)
	}
	// What sizes do not account for may be values of another input.
	for input, want := range map[string]string{
		`"parameters":{"binary_data_size":8}`:              "2 bytes follow the JSON that no input's binary_data_size counts",
		`"data":[1,2]`:                                     "10 bytes follow the JSON that no input's binary_data_size counts",
		`"data":[1,2],"parameters":{"binary_data_size":8}`: "inference input 'series' has data besides binary_data_size",
	} {
		body := `{"inputs":[{"name":"series","shape":[1,1,2],"datatype":"FP32",` + input + `}]}`
		status, text, _ := s.ask("POST", "/v2/models/m/infer", body+strings.Repeat("a", 10), jsonSizeHeader, strconv.Itoa(len(body)))
		if status != 400 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", input, status, text)
		}
	}
}

// Requests of a sequence follow one another as those of a session do, until another begins or it ends.
func TestInferSequences(t *testing.T) {
	s := serving(t, DefaultOptions())
	x := modeltest.Rows(6, 6)
	want := s.label("m", x)
	for _, id := range []string{"42", `"a b"`} {
		for range 2 { // the second time from the start again
			for i := range 3 {
				data, err := json.Marshal(x[4*i : 4*i+4])
				if err != nil {
					t.Fatal(err)
				}
				_, text, _ := s.ask("POST", "/v2/models/m/infer", fmt.Sprintf(`{"parameters":{"sequence_id":%s,"sequence_start":%t},"inputs":[{"name":"series","shape":[1,2,2],"datatype":"FP32","data":%s}]}`, id, i == 0, data))
				var got struct {
					Parameters struct{ First int }
					Outputs    []struct{ Data []any }
				}
				if err := json.Unmarshal([]byte(text), &got); err != nil || len(got.Outputs) != 2 || len(got.Outputs[0].Data) != 4 {
					t.Fatal(text)
				}
				for k, p := range got.Outputs[0].Data {
					if w := want.Probability[4*i+k]; math.Abs(p.(float64)-float64(w)) > 1e-6 || got.Parameters.First != 2*i {
						t.Errorf("sequence %s, request %d: %s, wanted %v", id, i, text, w)
					}
				}
			}
		}
	}
	s.want("DELETE", "/v1/models/m/sessions/42", "", 204, "")
	s.ask("POST", "/v2/models/m/infer", `{"parameters":{"sequence_id":"a b","sequence_end":true},"inputs":[{"name":"series","shape":[1,1,2],"datatype":"FP32","data":[1,2]}]}`)
	s.want("DELETE", "/v1/models/m/sessions/a%20b", "", 404, `{"error":"model m has no session \"a b\""}`)
}

// Whatever the body, it is read or refused.
func FuzzInferRequest(f *testing.F) {
	f.Add([]byte(`{"inputs":[{"name":"series","shape":[1,1,2],"datatype":"FP32","data":[1,2]}],"outputs":[{"name":"labels"}]}`), "")
	f.Add([]byte(`{"inputs":[{"name":"series","shape":[1,1,1],"datatype":"FP32","parameters":{"binary_data_size":4}}]}abcd`), "97")
	f.Fuzz(func(t *testing.T, body []byte, size string) {
		r, err := parseInfer(body, size)
		if err != nil {
			return
		}
		n := 1
		for _, size := range r.input.data.shape {
			n *= size
		}
		if !r.raw && n != len(r.input.data.values) {
			t.Fatalf("%d values in the shape %v", len(r.input.data.values), r.input.data.shape)
		}
	})
}
