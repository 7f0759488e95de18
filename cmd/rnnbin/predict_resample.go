package main

import (
	"context"
	"io"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph/label"
)

// resample answers the rows of a file by a model that resamples: each gets the answer to the interval that its time is in. The file
// is read twice, and its rows are in memory.
func (l *labelling) resample(ctx context.Context, t target, reader *series.Reader) error {
	answers, rows, err := l.answerIntervals(ctx, reader)
	if err != nil {
		return err
	}
	return l.writeAll(t, reader, func(c *series.Chunk) (label.Answers, error) {
		a := pick(answers, len(l.model.Classes), c, rows)
		return a, l.seen(c, a)
	})
}

// writeAll writes the rows of a reader with answers that are known. What comes before a fault is written.
func (l *labelling) writeAll(t target, reader *series.Reader, answers func(*series.Chunk) (label.Answers, error)) error {
	for c := new(series.Chunk); ; {
		err := reader.Next(c)
		if err == io.EOF && !t.more {
			return l.writer.Close()
		}
		if err == io.EOF {
			return nil
		}
		var a label.Answers
		if err == nil {
			a, err = answers(c)
		}
		if err == nil {
			err = l.writer.Write(c, a.Probability, a.Class)
		}
		if err != nil {
			return err
		}
	}
}

// answerIntervals answers all intervals of a file.
func (l *labelling) answerIntervals(ctx context.Context, reader *series.Reader) (label.Answers, *series.Resampled, error) {
	again, err := reader.Again()
	if err != nil {
		return label.Answers{}, nil, err
	}
	defer again.Close()
	rows, err := series.ReadResampled(ctx, again)
	if err != nil {
		return label.Answers{}, nil, err
	}
	all := make([]label.Series, len(rows.Values))
	for i, x := range rows.Values {
		all[i].Values = x
	}
	answers, err := l.labels.Label(ctx, all...)
	return answers, rows, err
}

// pick are the answers to the rows of a chunk, of classes.
func pick(answers label.Answers, classes int, c *series.Chunk, rows *series.Resampled) (a label.Answers) {
	for i, s := range c.Series {
		row := rows.Row(s, c.Time[i])
		a.Class, a.Score, a.Padded = append(a.Class, answers.Class[row]), append(a.Score, answers.Score[row]), append(a.Padded, answers.Padded[row])
		a.Probability = append(a.Probability, answers.Probability[row*classes:(row+1)*classes]...)
	}
	return a
}
