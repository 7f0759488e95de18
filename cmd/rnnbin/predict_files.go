package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/rnnbin/rnnbin/cmd/internal/answer"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
	"github.com/rnnbin/rnnbin/graph/label"
	"github.com/rnnbin/rnnbin/graph/model"
)

// labelling is the work of predict on one file after the other.
type labelling struct {
	*predictOptions
	model   *model.Model
	options series.Options // of all files
	out     io.Writer
	errOut  io.Writer
	labels  *label.Model   // whose networks are started for the first file
	writer  *series.Writer // of the one output, from the first file on
	found   *eventSink     // of all files, nil if nobody asks for events
	watch   *progress
	far     rangeWatch
	picture *answersPicture
	means   *means // of rows that are series; nil where they are steps
	early   int
	summary summary
}

// target is a file to label, and where its answers go.
type target struct {
	input, output string
	more          bool   // that of the next file go there, too
	series        string // what events call the file, "" for one alone
}

// targets lists the files, and finds what is wrong with them and with their outputs.
func (o *predictOptions) targets() ([]target, error) {
	if len(o.data) == 0 || o.data[0] == "" {
		return nil, usageError{errors.New("--data is needed: name a file, or - for standard input")}
	}
	if err := checkStdin([]string{"data"}, o.data); err != nil {
		return nil, err
	}
	inputs, err := series.Expand(o.data)
	if err != nil {
		return nil, err
	}
	if n := len(inputs); n > 1 && o.picture.path != "" {
		return nil, usagef("plot", "draws one file, and there are %d", n)
	} else if n > 1 && o.follow {
		return nil, usagef("follow", "takes one file, and there are %d", n)
	}
	all, err := o.outputs(inputs)
	if err != nil {
		return nil, err
	}
	if err := o.checkEvents(inputs, all); err != nil {
		return nil, err
	}
	if err := o.checkOutputs(all); err != nil {
		return nil, err
	}
	for i := range all {
		if len(all) > 1 {
			all[i].series = all[i].input
		}
	}
	return all, nil
}

// checkOutputs refuses to replace files.
func (o *predictOptions) checkOutputs(all []target) error {
	flag := "out"
	if o.outDir != "" {
		flag = "out-dir"
	}
	for _, t := range all {
		if err := checkOut(flag, t.output, o.force); err != nil {
			return err
		}
	}
	return checkOut("events-out", cmp.Or(o.events.path, table.Stdin), o.force)
}

// checkEvents refuses events in the place of rows, those of a file that is read or of answers.
func (o *predictOptions) checkEvents(inputs []string, all []target) error {
	if o.events.path == "" || o.events.toStdout() {
		return nil
	}
	if input := sameFile(o.events.path, inputs); input != "" {
		return usagef("events-out", "names %s, a file to label", input)
	}
	for _, t := range all {
		if filepath.Clean(t.output) == filepath.Clean(o.events.path) {
			return usagef("events-out", "names the file of the answers to %s", t.input)
		}
	}
	return nil
}

// outputs lists the files with where their answers go.
func (o *predictOptions) outputs(inputs []string) ([]target, error) {
	if o.outDir != "" {
		return o.inFolder(inputs)
	}
	if o.output == "" {
		return nil, usageError{errors.New("--out is empty")}
	}
	if o.picture.path != "" && filepath.Clean(o.picture.path) == filepath.Clean(o.output) {
		return nil, usagef("plot", "and --out name the same file")
	}
	var all []target
	for i, input := range inputs {
		all = append(all, target{input: input, output: o.output, more: i < len(inputs)-1})
	}
	return all, nil
}

// inFolder lists the files with an output each in the folder of --out-dir.
func (o *predictOptions) inFolder(inputs []string) ([]target, error) {
	if o.changed("out") {
		return nil, usagef("out-dir", "cannot be used with --out")
	}
	format, err := parseFormat("format", o.format)
	if err != nil {
		return nil, err
	}
	var all []target
	from := map[string]string{}
	for _, input := range inputs {
		if input == table.Stdin {
			return nil, usagef("out-dir", "needs files with names, and - is standard input")
		}
		as := format
		if named, _ := table.FormatOf(input); as == "" && named.Output() != named {
			as = named.Output()
		}
		output := filepath.Join(o.outDir, table.Rename(filepath.Base(input), as))
		if other, taken := from[output]; taken {
			return nil, usagef("out-dir", "would have the answers to both %s and %s in %s", other, input, output)
		}
		from[output] = input
		all = append(all, target{input: input, output: output})
	}
	for _, t := range all {
		if input := sameFile(t.output, inputs); input != "" {
			return nil, hinted{usagef("out-dir", "would have %s replaced by the answers to %s", input, t.input), "name another folder, or another --format"}
		}
	}
	return all, nil
}

// sameFile is the first of others that is the file of the given name, "" if none is.
func sameFile(name string, others []string) string {
	is, err := os.Stat(name)
	if err != nil {
		return ""
	}
	for _, other := range others {
		if info, err := os.Stat(other); err == nil && os.SameFile(is, info) {
			return other
		}
	}
	return ""
}

// checkColumns finds files whose rows cannot be in one output before any is read. What is no
// regular file is looked at when its turn comes.
func (l *labelling) checkColumns(ctx context.Context, targets []target) error {
	var first *series.Reader
	for _, t := range targets {
		if info, err := os.Stat(t.input); err == nil && !info.Mode().IsRegular() || t.input == table.Stdin {
			continue
		}
		r, err := series.Open(ctx, t.input, l.options)
		if err != nil {
			return err
		}
		r.Close()
		if first == nil {
			first = r
		}
		if err := table.SameColumns(first.Reader, r.Reader); err != nil {
			return err
		}
	}
	return nil
}

// label labels the rows of a file.
func (l *labelling) label(ctx context.Context, t target) error {
	reader, err := series.Open(ctx, t.input, l.options)
	if err != nil {
		return err
	}
	defer reader.Close()
	if err := l.findEvents(t, reader); err != nil {
		return err
	}
	written, err := l.whole(reader)
	if err != nil {
		return err
	}
	if written != reader {
		defer written.Close()
	}
	if err := l.open(t, written); err != nil {
		return err
	}
	if !t.more {
		defer l.writer.Discard()
	}
	if err := l.start(); err != nil {
		return err
	}
	l.summary.begin(t)
	pipe := answer.Pipe{
		Model:    l.labels,
		Reader:   reader,
		Follow:   l.follow,
		Writer:   l.writer,
		More:     t.more,
		Surveyed: l.watch.addMeasured,
		Seen:     l.seen,
	}
	run := pipe.Run
	switch {
	case l.options.Resample != "":
		run = func(ctx context.Context) error { return l.resample(ctx, t, reader) }
	case written != reader:
		run = func(ctx context.Context) error { return l.wide(ctx, t, &pipe, written) }
	}
	err = run(ctx)
	l.watch.end()
	printWarnings(l.errOut, reader.Warnings())
	l.early += pipe.Early()
	if l.follow && ctx.Err() != nil { // who follows has no other way to end
		return errors.Join(err, l.writer.Close())
	}
	return err
}

// seen takes note of answers to rows.
func (l *labelling) seen(c *series.Chunk, a label.Answers) error {
	l.watch.add(c.InputRows())
	l.far.add(c.X)
	l.picture.addChunk(c, a)
	if l.means == nil {
		l.summary.add(c, a, l.model.Classes)
	}
	l.means.add(c, a)
	return l.found.add(c, a)
}

// open begins the output, or goes on with that of the files before.
func (l *labelling) open(t target, reader *series.Reader) (err error) {
	if l.writer != nil && l.outDir == "" {
		return l.writer.Continue(reader)
	}
	if l.outDir != "" {
		if err := os.MkdirAll(l.outDir, 0o777); err != nil {
			return fmt.Errorf("--out-dir: %w", err)
		}
	}
	l.writer, err = l.create(t.output, l.out, reader, series.Answers{Classes: l.model.Classes, Probabilities: l.probabilities})
	return err
}

// findEvents begins the output of events, or goes on with that of the files before.
func (l *labelling) findEvents(t target, reader *series.Reader) error {
	if err := l.events.checkStdout(l.out, reader); err != nil {
		return err
	}
	if l.found == nil {
		rules, err := l.events.rules(l.model.Classes, l.model.Threshold)
		if err != nil {
			return err
		}
		if l.found, err = l.events.create(l.out, rules, l.opened.Dir, l.follow); err != nil {
			return err
		}
	}
	return l.found.begin(reader, t.input, t.series)
}

// start starts the networks, once.
func (l *labelling) start() (err error) {
	if l.labels != nil {
		return nil
	}
	if l.follow && l.machine.Threads == 0 {
		l.machine.Threads = 1 // for a row at a time
	}
	l.labels, err = l.predictOptions.start()
	l.opened.Close() // a new model may take its place from here on
	return err
}

// close ends what has been begun.
func (l *labelling) close() {
	l.writer.Discard()
	l.found.discard()
	if l.labels != nil {
		l.labels.Close()
	}
}

// failed is the error of a file, behind those that are labelled already, if these are kept.
func (l *labelling) failed(err error, done, all int) error {
	if l.outDir == "" || all == 1 {
		return err
	}
	return fmt.Errorf("%w (%d of %d files are labelled)", err, done, all)
}
