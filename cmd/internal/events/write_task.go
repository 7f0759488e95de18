package events

import (
	"encoding/json"
	"fmt"
	"io"
)

// Label Studio shows a file as one series, which is a task; the events are its predictions. A
// project that takes them has <TimeSeriesLabels name="label" toName="ts"> for a <TimeSeries
// name="ts" value="$csv">, and an address for each file that it can read may be put in place
// of the file's name. Times of timestamps are text, as the time column has them.
type (
	taskObject struct {
		Data        map[string]string `json:"data"`
		Predictions []prediction      `json:"predictions"`
	}
	prediction struct {
		Model  string      `json:"model_version"`
		Score  json.Number `json:"score"` // mean of the regions', 0 without one
		Result []region    `json:"result"`
	}
	region struct {
		ID    string      `json:"id"`
		From  string      `json:"from_name"`
		To    string      `json:"to_name"`
		Type  string      `json:"type"`
		Score json.Number `json:"score"` // mean probability of the event
		Value regionValue `json:"value"`
	}
	regionValue struct {
		Start   json.RawMessage `json:"start"`
		End     json.RawMessage `json:"end"`
		Instant bool            `json:"instant"`
		Labels  []string        `json:"timeserieslabels"`
	}
)

// taskWriter writes the list of the tasks when it is closed.
type taskWriter struct {
	w     io.Writer
	model string
	tasks []taskObject
	score float64 // sum of the last one's regions
}

func (t *taskWriter) Begin(file string) {
	t.score = 0
	t.tasks = append(t.tasks, taskObject{map[string]string{"csv": file}, []prediction{{Model: t.model, Score: "0", Result: []region{}}}})
}

func (t *taskWriter) Write(e Found) error {
	p := &t.tasks[len(t.tasks)-1].Predictions[0]
	n := len(p.Result) + 1
	p.Result = append(p.Result, region{
		ID: fmt.Sprintf("event-%d", n), From: "label", To: "ts", Type: "timeserieslabels",
		Score: json.Number(shortest(e.MeanProbability)),
		Value: regionValue{
			Start: json.RawMessage(jsonTime(e.Start, e.StartText)), End: json.RawMessage(jsonTime(e.End, e.EndText)),
			Instant: e.Start == e.End, Labels: []string{e.Label},
		},
	})
	t.score += e.MeanProbability
	p.Score = json.Number(shortest(t.score / float64(n)))
	return nil
}

func (t *taskWriter) Close() error {
	e := json.NewEncoder(t.w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(t.tasks)
}
