package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/rnnbin/rnnbin/graph/model"
)

// What reports hold that cannot be is an error that names the file and the field.
func TestReportsOf(t *testing.T) {
	for text, want := range map[string]string{
		``: "",
		`{"rungs":[{"name":"GRU 16","chosen":true}],"positions":{"runs":[{"end":5,"class":0},{"end":9,"class":1}],"beyond":1}}`: "",
		`{"positions":{"runs":[{"end":5,"class":0},{"end":5,"class":1}],"beyond":1}}`:                                           "positions: a run to row 5 comes after one to row 5",
		`{"positions":{"runs":[{"end":5,"class":2}],"beyond":1}}`:                                                               "positions: class 2 of 2",
		`{"positions":{"runs":[{"end":5,"class":1}],"beyond":-1}}`:                                                              "positions: class -1 of 2",
		`{"judged":{"split":"series"}}`:                                                                                         "judged: there is no report",
		`{"jugded":{}}`:                                                                                                         `json: unknown field "jugded"`,
		`[]`:                                                                                                                    "json: cannot unmarshal array",
	} {
		_, err := reportsOf("m", &model.Model{Classes: []string{"0", "1"}, Reports: json.RawMessage(text)})
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case want != "" && (err == nil || !strings.HasPrefix(err.Error(), "m/model.json: damaged: reports: "+want)):
			t.Errorf("%s: error %v, want %s", text, err, want)
		}
	}
}
