package serve

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"

	"github.com/rnnbin/rnnbin/cmd/internal/answer"
	"github.com/rnnbin/rnnbin/cmd/internal/engine"
	"github.com/rnnbin/rnnbin/cmd/internal/events"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
	"github.com/rnnbin/rnnbin/graph/label"
)

// labelFile answers rows, in any format that predict reads, with the same rows and their labels, or
// with events. The answer begins when all is well.
func (q *request) labelFile() error {
	h, err := q.acquire()
	if err != nil {
		return err
	}
	defer h.Release()
	f := labelling{request: q, handle: h}
	if err := f.parse(q.URL.Query()); err != nil {
		return toClient(err)
	}
	in, err := f.spool()
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := table.Scratch()
	if err != nil {
		return err
	}
	defer out.Close()
	if err := f.run(in, out); err != nil {
		return f.named(err)
	}
	return f.send(out)
}

// labelling is a file that is being labelled.
type labelling struct {
	*request
	handle *engine.Handle

	format        table.Format // of the answer; "" for that of the rows
	probabilities bool
	events        bool // in place of the rows
	rules         answer.EventRules
	rows          int
}

// parse reads the parameters of the address.
func (f *labelling) parse(v url.Values) (err error) {
	f.format = table.Format(v.Get("format"))
	if f.format != "" && !slices.Contains(table.Formats, f.format) {
		return fmt.Errorf("format must be one of %v, not %q", table.Formats, f.format)
	}
	if f.probabilities, err = isSet(v, "probabilities"); err == nil {
		f.events, err = isSet(v, "events")
	}
	if err == nil {
		f.rules, err = eventRules(v, f.handle.Info())
	}
	if f.events && f.format != "" && !slices.Contains(events.Formats, events.Format(f.format)) {
		return fmt.Errorf("format of events must be csv, tsv or jsonl, not %s", f.format)
	}
	return err
}

// isSet reports whether a parameter is, as 1 or true.
func isSet(v url.Values, name string) (bool, error) {
	if !v.Has(name) {
		return false, nil
	}
	set, err := strconv.ParseBool(v.Get(name))
	if err != nil {
		return false, fmt.Errorf("%s must be 1 or 0, not %q", name, v.Get(name))
	}
	return set, nil
}

// eventRules reads the rules for events, which are called as predict's flags.
func eventRules(v url.Values, i *engine.Info) (r answer.EventRules, err error) {
	at := i.Model.Threshold
	r.Rules = events.Rules{Classes: i.Classes, Threshold: at, Off: at}
	if text := v.Get("threshold-off"); text != "" {
		off, err := strconv.ParseFloat(text, 64)
		switch {
		case len(i.Classes) > 2:
			return r, fmt.Errorf("threshold-off cannot be used with this model: it predicts the most probable of its %d classes", len(i.Classes))
		case err != nil || !(off >= 0 && off <= at):
			return r, fmt.Errorf("threshold-off must be between 0 and the threshold %v, not %s", at, text)
		}
		r.Off = off
	}
	if r.MergeGap, err = series.ParseLength("merge-gap", v.Get("merge-gap")); err == nil {
		r.MinLength, err = series.ParseLength("min-length", v.Get("min-length"))
	}
	return r, err
}

// spool copies the body to a temporary file, which can be read as often as need be. It counts as those in memory do.
func (f *labelling) spool() (*os.File, error) {
	body, err := f.reader()
	if err != nil {
		return nil, err
	}
	file, err := table.Scratch()
	if err != nil {
		return nil, err
	}
	if _, err = io.Copy(file, f.held(body)); err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		file.Close()
		return nil, f.unreadable(err)
	}
	return file, nil
}

// run labels the rows, when it is their turn: not before they are here, nor until the answer is taken, as clients may be slow.
func (f *labelling) run(in, out *os.File) error {
	select {
	case f.files <- struct{}{}:
		defer func() { <-f.files }()
	case <-f.Context().Done():
		return context.Cause(f.Context())
	}
	m := f.handle.Info().Model
	o := answer.OptionsOf(m)
	if o.Resample != "" {
		return &table.Error{Err: fmt.Errorf("the model answers rows at intervals of %s, and files are not resampled here (predict does so)", o.Resample)}
	}
	o.Label, o.LabelOptional, o.Events, o.Twice = "", true, f.events, m.ScalesWhole()
	r, err := series.Open(f.Context(), fmt.Sprintf("/dev/fd/%d", in.Fd()), o)
	if err != nil {
		return err
	}
	defer r.Close()
	p := answer.Pipe{Model: f.handle.Model(), Reader: r, Seen: f.count}
	if f.events {
		return f.findEvents(&p, out)
	}
	if f.format == "" {
		f.format = r.Format().Output()
	}
	p.Writer, err = series.NewWriter(out, f.format, r, series.Answers{Classes: m.Classes, Probabilities: f.probabilities})
	if err != nil {
		return err
	}
	defer p.Writer.Discard()
	return p.Run(f.Context())
}

// count counts rows, and refuses too many.
func (f *labelling) count(c *series.Chunk, _ label.Answers) error {
	f.handle.Saw(c.X)
	f.rows += c.InputRows()
	return f.handle.CheckRows(f.rows)
}

// findEvents writes the events alone.
func (f *labelling) findEvents(p *answer.Pipe, out *os.File) error {
	if f.format == "" {
		f.format = table.CSV
	}
	b := bufio.NewWriter(out)
	w, err := events.NewWriter(b, events.Format(f.format), f.handle.Name())
	if err != nil {
		return err
	}
	found := answer.Events{Rules: f.rules, Found: w.Write}
	if err := found.Begin(p.Reader, ""); err != nil {
		return err
	}
	p.Seen = func(c *series.Chunk, a label.Answers) error {
		if err := f.count(c, a); err != nil {
			return err
		}
		return found.Add(c, a)
	}
	for _, step := range []func() error{func() error { return p.Run(f.Context()) }, found.End, w.Close, b.Flush} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// named makes a fault in the data the client's, and calls the file what it is to it.
func (f *labelling) named(err error) error {
	var fault *table.Error
	var rule *answer.RuleError
	switch {
	case errors.As(err, &fault):
		fault.File = "body"
	case !errors.As(err, &rule):
		return err
	}
	return toClient(err)
}

// settings are what errors tell to do who can set how files are read, and the names of settings.
var settings = regexp.MustCompile(` \([^()]*\bOptions\.[^()]*\)|\bOptions\.`)

// toClient is an error of a request without what no client can set.
func toClient(err error) error {
	return engine.Errorf(engine.Invalid, "%s", settings.ReplaceAllString(err.Error(), ""))
}

// contentTypes are those of the formats.
var contentTypes = map[table.Format]string{
	table.CSV: "text/csv; charset=utf-8", table.TSV: "text/tab-separated-values; charset=utf-8", table.JSONL: "application/jsonl",
	table.Parquet: "application/vnd.apache.parquet", table.Arrow: "application/vnd.apache.arrow.file", table.ArrowStream: "application/vnd.apache.arrow.stream",
}

// send answers with a file.
func (f *labelling) send(out *os.File) error {
	size, err := out.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = out.Seek(0, io.SeekStart)
	}
	if err != nil {
		return err
	}
	f.out.Header().Set("Content-Type", contentTypes[f.format])
	f.out.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	f.out.WriteHeader(http.StatusOK)
	_, _ = io.Copy(f.out, out) // a client that has gone
	return nil
}
