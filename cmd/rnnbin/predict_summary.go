package main

import (
	"io"

	"github.com/rnnbin/rnnbin/cmd/internal/observe"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
	"github.com/rnnbin/rnnbin/graph/label"
)

// summary is what predict prints with --json.
type summary struct {
	Model     string         `json:"model"`               // its folder
	Threshold *float64       `json:"threshold,omitempty"` // nil for more than two classes
	Rows      int            `json:"rows"`
	Skipped   int            `json:"skipped"` // rows that could not be read
	Classes   map[string]int `json:"classes"` // rows that are labelled as each
	Files     []fileSummary  `json:"files"`
	Events    *eventSummary  `json:"events,omitempty"`
	Far       []farColumn    `json:"far_from_training,omitempty"`
}

// fileSummary is what became of a file.
type fileSummary struct {
	File    string         `json:"file"`
	Out     string         `json:"out,omitempty"` // the file with its answers, if there is one
	Rows    int            `json:"rows"`
	Classes map[string]int `json:"classes"`
}

type eventSummary struct {
	Out    string `json:"out"`
	Events int    `json:"events"`
}

// begin starts the counts of a file, whose rows come next.
func (s *summary) begin(t target) {
	f := fileSummary{File: t.input, Classes: map[string]int{}}
	if t.output != table.Stdin {
		f.Out = t.output
	}
	s.Files = append(s.Files, f)
}

// add counts the rows of a chunk, with answers that are numbers of classes.
func (s *summary) add(c *series.Chunk, a label.Answers, classes []string) {
	f := &s.Files[len(s.Files)-1]
	f.Rows += c.InputRows()
	s.Rows += c.InputRows()
	for _, class := range a.Class {
		f.Classes[classes[class]]++
		s.Classes[classes[class]]++
	}
}

// print prints the summary of what has been labelled, if it is asked for.
func (l *labelling) print(skipped int) error {
	if !l.json {
		return nil
	}
	s := &l.summary
	s.Model, s.Skipped, s.Far = l.opened.Dir, skipped, l.far.found()
	if len(l.model.Classes) == 2 {
		s.Threshold = &l.model.Threshold
	}
	if l.found != nil {
		s.Events = &eventSummary{l.events.path, l.found.written}
	}
	return observe.WriteJSON(l.out, "prediction", s)
}

// checkJSON refuses a summary among rows or events.
func (o *predictOptions) checkJSON(out io.Writer) error {
	if o.json && o.linesOut(out) != nil {
		return hinted{usagef("json", "cannot be used while rows or events go to standard output"), "--out FILE or --out-dir FOLDER writes them to a file"}
	}
	return nil
}
