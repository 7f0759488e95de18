package cluster

import (
	"reflect"
	"testing"
)

func TestParseTFConfig(t *testing.T) {
	const all = `"cluster": {"chief": ["c:1"], "worker": ["a:2", "b:3"]}, "task": `
	for text, want := range map[string]Task{
		`{` + all + `{"type": "chief", "index": 0}}`:                                             {Chief: true, Workers: []string{"a:2", "b:3"}},
		`{` + all + `{"type": "worker", "index": 1}}`:                                            {Listen: ":3"},
		`{` + all + `{"type": "evaluator", "index": 0}}`:                                         {},
		`{"cluster": {"worker": ["a:2", "b:3"]}, "task": {"type": "worker", "index": 0}}`:        {Chief: true, Workers: []string{"b:3"}},
		`{"cluster": {"worker": ["a:2", "b:3"]}, "task": {"type": "worker", "index": 1}}`:        {Listen: ":3"},
		`{"cluster": {"chief": ["c:1"], "ps": []}, "task": {"type": "chief"}, "environment": 1}`: {Chief: true},
	} {
		if got, err := ParseTFConfig(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "[]", `{` + all + `{"type": "worker", "index": 2}}`, `{` + all + `{"type": "ps", "index": 0}}`, `{` + all + `{"type": "worker", "index": -1}}`, `{}`,
		`{"cluster": {"chief": ["c:1"], "ps": ["d:1"]}, "task": {"type": "chief", "index": 0}}`,
		`{"cluster": {"chief": ["c:1"], "worker": ["d"]}, "task": {"type": "worker", "index": 0}}`,
	} {
		if got, err := ParseTFConfig(text); err == nil {
			t.Errorf("%s: %+v", text, got)
		}
	}
}
