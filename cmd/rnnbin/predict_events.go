package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/pflag"

	"github.com/rnnbin/rnnbin/cmd/internal/answer"
	"github.com/rnnbin/rnnbin/cmd/internal/events"
	"github.com/rnnbin/rnnbin/cmd/internal/outfile"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
	"github.com/rnnbin/rnnbin/graph/label"
)

// eventOutput are the flags of predict's events.
type eventOutput struct {
	eventFlags
	path   string
	format string
}

func (o *eventOutput) addFlags(f *pflag.FlagSet) {
	addFlag(f, "events-out", &o.path, "write predicted events to `file`, one per line; - for standard output in place of the rows")
	addFlag(f, "events-format", &o.format, "`format` of the events: csv, tsv, jsonl or label-studio (default by the name, where\n.json is label-studio, else csv)", names(events.Formats)...)
	o.eventFlags.addFlags(f)
}

// toStdout reports whether events take the place of the rows.
func (o *eventOutput) toStdout() bool { return o.path == table.Stdin }

// validate checks the flags beside those of predict.
func (o *eventOutput) validate(p *predictOptions) error {
	if o.path == "" {
		if flag := o.given(); flag != "" {
			return usagef(flag, "is about events: --events-out names the file to write them to")
		}
		if o.format != "" {
			return usagef("events-format", "needs --events-out")
		}
		return nil
	}
	if o.toStdout() {
		for _, flag := range []string{"format", "probabilities"} {
			if o.changed(flag) && p.output == table.Stdin {
				return usagef(flag, "is about the rows, and --events-out - writes events in place of them: --out names a file for the rows")
			}
		}
		if o.changed("out") && p.output == table.Stdin {
			return usagef("events-out", "and --out both name standard output")
		}
	}
	if p.picture.path != "" && filepath.Clean(p.picture.path) == filepath.Clean(o.path) {
		return usagef("events-out", "and --plot name the same file")
	}
	if f, err := o.fileFormat(); err != nil {
		return err
	} else if p.follow && f == events.LabelStudio {
		return hinted{usagef("follow", "cannot write events for Label Studio, a file that is complete only at its end"), "--events-format sets another format"}
	}
	return nil
}

// checkStdout refuses events to standard output that is the file that r reads.
func (o *eventOutput) checkStdout(out io.Writer, r *series.Reader) error {
	if f, ok := out.(*os.File); ok && o.toStdout() && r.Reads(f) {
		return usageError{errors.New("standard output is the file that is read: --events-out FILE --force replaces it once all rows are labelled")}
	}
	return nil
}

// fileFormat is the format to write.
func (o *eventOutput) fileFormat() (events.Format, error) {
	f := events.Format(o.format)
	switch {
	case slices.Contains(events.Formats, f):
		return f, nil
	case f != "":
		return "", usagef("events-format", "must be one of %v, not %q", events.Formats, o.format)
	}
	if f = events.FormatOf(o.path); f == "" && !o.toStdout() && filepath.Ext(o.path) != "" {
		return "", usagef("events-out", "%s: the format of the name is not known: --events-format names it, one of %v", o.path, events.Formats)
	}
	if f == "" {
		f = events.CSV
	}
	return f, nil
}

// eventSink finds and writes the events in the rows of readers. A nil one does nothing.
type eventSink struct {
	finder  answer.Events
	format  events.Format
	writer  events.Writer
	buffer  *bufio.Writer
	pack    io.WriteCloser
	file    *outfile.File // nil for standard output
	follow  bool
	written int // events
}

// create begins the output of events, nil if nobody asks for them. The model is that which
// finds them; to follow is to hand over each as soon as it has ended.
func (o *eventOutput) create(out io.Writer, rules answer.EventRules, model string, follow bool) (*eventSink, error) {
	if o.path == "" {
		return nil, nil
	}
	format, err := o.fileFormat()
	if err != nil {
		return nil, err
	}
	s := &eventSink{format: format, follow: follow}
	s.finder = answer.Events{Rules: rules, Found: s.write}
	compression := table.Plain
	if !o.toStdout() {
		if s.file, err = outfile.Create(o.path); err != nil {
			return nil, usageError{fmt.Errorf("--events-out: %w", err)}
		}
		out = s.file
		_, compression = table.FormatOf(o.path)
	}
	if err := s.start(out, compression, model); err != nil {
		s.discard()
		return nil, err
	}
	return s, nil
}

func (s *eventSink) start(out io.Writer, c table.Compression, model string) (err error) {
	if s.pack, err = table.NewCompressor(out, c); err != nil {
		return err
	}
	s.buffer = bufio.NewWriter(s.pack)
	s.writer, err = events.NewWriter(s.buffer, s.format, model)
	return err
}

// begin goes on with the rows of a reader of the given file. Where no column names the series,
// events have the given name.
func (s *eventSink) begin(r *series.Reader, file, name string) error {
	if s == nil {
		return nil
	}
	if s.format == events.LabelStudio && r.HasSeries() {
		return usagef("events-out", "cannot be for Label Studio, which shows a file as one series, with a column of series; write a file for each, or --series \"\" if there is one series")
	}
	if err := s.finder.Begin(r, name); err != nil {
		return err
	}
	s.writer.Begin(file)
	return nil
}

// add goes on with the rows of a chunk.
func (s *eventSink) add(c *series.Chunk, a label.Answers) error {
	if s == nil {
		return nil
	}
	err := s.finder.Add(c, a)
	var rule *answer.RuleError
	if errors.As(err, &rule) {
		return usageError{err}
	}
	return err
}

func (s *eventSink) write(e events.Found) error {
	s.written++
	err := s.writer.Write(e)
	if err == nil && s.follow {
		err = s.buffer.Flush()
	}
	return s.wrap(err)
}

func (s *eventSink) wrap(err error) error {
	if err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	return nil
}

// end writes the events that the last rows end, and puts the file in its place. Behind a
// fault in the rows standard output gets what was found before it, and a file stays as it was. Who
// follows ends by a signal: the events that have ended by then are all there are.
func (s *eventSink) end(ctx context.Context, fault error) error {
	switch {
	case s == nil:
		return fault
	case s.follow && ctx.Err() != nil:
		return errors.Join(fault, s.close())
	case fault != nil && (s.file != nil || ctx.Err() != nil):
		return fault
	}
	err := s.finder.End()
	if err == nil {
		err = s.close()
	}
	if fault != nil {
		return fault
	}
	return err
}

// close completes the output.
func (s *eventSink) close() error {
	for _, step := range []func() error{s.writer.Close, s.buffer.Flush, s.pack.Close} {
		if err := step(); err != nil {
			return s.wrap(err)
		}
	}
	if s.file == nil {
		return nil
	}
	return s.file.Commit()
}

// discard removes an unfinished file.
func (s *eventSink) discard() {
	if s != nil && s.file != nil {
		s.file.Discard()
	}
}
