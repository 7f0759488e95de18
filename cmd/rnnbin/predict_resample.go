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
	for c := new(series.Chunk); ; {
		if err = reader.Next(c); err != nil {
			break
		}
		a := pick(answers, len(l.model.Classes), c, rows)
		if err := l.seen(c, a); err != nil {
			return err
		}
		if err := l.writer.Write(c, a.Probability, a.Class); err != nil {
			return err
		}
	}
	if err != io.EOF || t.more {
		return nilIfEOF(err)
	}
	return l.writer.Close()
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

func nilIfEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}
