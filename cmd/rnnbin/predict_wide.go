package main

import (
	"context"
	"errors"
	"strconv"

	"github.com/rnnbin/rnnbin/cmd/internal/answer"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
	"github.com/rnnbin/rnnbin/graph/label"
)

// means are the probabilities of series that are a row each: the means of those of their steps.
type means struct {
	classes  int
	numbered map[int32]*stepSum
	named    map[string]*stepSum
}

// stepSum is the sum of the probabilities of steps.
type stepSum struct {
	sum   []float64 // [C]
	steps int
}

func (m *means) add(c *series.Chunk, a label.Answers) {
	if m == nil {
		return
	}
	for _, b := range c.Begun {
		s := &stepSum{sum: make([]float64, m.classes)}
		m.numbered[b.Series], m.named[b.Key] = s, s
	}
	for i, number := range c.Series {
		s := m.numbered[number]
		for k := range s.sum {
			s.sum[k] += float64(a.Probability[i*m.classes+k])
		}
		s.steps++
	}
}

// whole is a reader of the rows that get answers: those of a file as it is, where they are series. Files of the archives in their own
// format have none that can be written, so that the steps get them.
func (l *labelling) whole(reader *series.Reader) (*series.Reader, error) {
	if l.means = nil; l.options.Layout != series.WideLayout {
		return reader, nil
	}
	rows, err := reader.Whole()
	if errors.Is(err, table.ErrWide) {
		return reader, nil
	}
	l.means = &means{len(l.model.Classes), map[int32]*stepSum{}, map[string]*stepSum{}}
	return rows, err
}

// wide answers the rows of a file, which are series, behind their steps.
func (l *labelling) wide(ctx context.Context, t target, pipe *answer.Pipe, rows *series.Reader) error {
	pipe.Writer = nil
	if err := pipe.Run(ctx); err != nil {
		return err
	}
	var names []string
	n := 0
	return l.writeAll(t, rows, func(c *series.Chunk) (a label.Answers, err error) {
		for _, b := range c.Begun {
			names = append(names, b.Key)
		}
		answered := c.Input[:0]
		for i, row := range c.Input {
			n++
			name := strconv.Itoa(n)
			if rows.HasSeries() {
				name = names[c.Series[i]]
			}
			s := l.means.named[name]
			if s == nil || s.steps == 0 {
				continue
			}
			answered = append(answered, row)
			for _, sum := range s.sum {
				a.Probability = append(a.Probability, float32(sum/float64(s.steps)))
			}
			a.Class = append(a.Class, label.Decide(a.Probability[len(a.Probability)-l.means.classes:], l.model.Threshold))
		}
		c.Input = answered
		l.summary.add(c, a, l.model.Classes)
		return a, nil
	})
}
