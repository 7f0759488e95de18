package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/model"
	"github.com/rnnbin/rnnbin/cmd/internal/tflib"
	"github.com/rnnbin/rnnbin/graph"
)

// runs is where models go that are given no folder.
const runs = "runs"

// folder is where the model goes, if anywhere.
type folder struct {
	writer *model.Writer
	latest bool // runs/latest is to point to it
}

// createFolder begins the folder before training, so that one that cannot be
// written is known at once.
func (o *trainOptions) createFolder() (folder, error) {
	switch {
	case o.out != "":
		w, err := model.Create(o.out, o.force)
		if err != nil {
			return folder{}, usageError{fmt.Errorf("--out: %w", err)}
		}
		return folder{writer: w}, nil
	case o.own():
		w, err := model.CreateRun(runs)
		return folder{w, true}, err
	}
	return folder{}, nil
}

func (f folder) discard() {
	if f.writer != nil {
		f.writer.Discard()
	}
}

// savedMetrics is the content of metrics.json: the judgement of the weights that
// are kept, as `rnnbin evaluate --json` has it.
type savedMetrics struct {
	*metrics.Report
	WalkForward *foldSummary `json:"walk_forward,omitempty"`
}

// commit writes all files and puts the folder in its place. Without results
// there is neither history nor validation.
func (f folder) commit(s *graph.Session, m *model.Model, o *trainOptions, results []*foldResult, errOut io.Writer) error {
	if f.writer == nil {
		return nil
	}
	err := tflib.Quietly(func() error { return s.Save(f.writer.Path(model.WeightsPrefix)) })
	if err != nil {
		return fmt.Errorf("write the weights: %w", err)
	}
	settings, err := o.effective()
	if err != nil {
		return err
	}
	if err := f.write(model.ConfigFile, settings); err != nil {
		return err
	}
	if err := f.writeResults(o, results); err != nil {
		return err
	}
	if err := f.writer.Commit(m); err != nil {
		return err
	}
	fmt.Fprintf(errOut, "rnnbin: the model is in %s\n", f.writer.Dir())
	if f.latest {
		return model.SetLatest(f.writer.Dir())
	}
	return nil
}

// writeResults writes the history of the epochs and the judgement of the weights
// that are kept.
func (f folder) writeResults(o *trainOptions, results []*foldResult) error {
	if len(results) == 0 {
		return nil
	}
	var history bytes.Buffer
	encoder := json.NewEncoder(&history)
	for _, r := range results {
		for _, l := range r.history {
			if err := encoder.Encode(l); err != nil {
				return err
			}
		}
	}
	if err := f.write(model.HistoryFile, history.Bytes()); err != nil {
		return err
	}
	last := results[len(results)-1]
	if last.report() == nil {
		return nil
	}
	saved := savedMetrics{Report: last.report()}
	if o.walkForward > 0 {
		summary := summarise(results)
		saved.WalkForward = &summary
	}
	text, err := json.MarshalIndent(saved, "", "  ")
	if err != nil {
		return err
	}
	return f.write(model.MetricsFile, append(text, '\n'))
}

func (f folder) write(name string, content []byte) error {
	return os.WriteFile(f.writer.Path(name), content, 0o666)
}
