package fit

import (
	"context"
	"encoding/binary"
	"hash/maphash"
	"math"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// many is how many rows in a row are to be the same for them to be copies: a few coincide where
// values are coarse.
const many = 16

// copies finds rows that are the same as others.
type copies struct {
	seed  maphash.Seed
	known map[uint64]int32 // hashes of stretches of many rows, with the number of the part that they are of
	names []string         // of the parts' series
}

func newCopies() *copies { return &copies{maphash.MakeSeed(), map[uint64]int32{}, nil} }

// add makes the rows of the parts known.
func (c *copies) add(d *series.Data, parts []series.Range) {
	for _, p := range parts {
		c.stretches(d, p, func(hash uint64, _ int) {
			if _, known := c.known[hash]; !known {
				c.known[hash] = int32(len(c.names))
			}
		})
		c.names = append(c.names, p.Name)
	}
}

// count returns how many rows of the parts are copies of known ones, and the names of the first
// series with such rows: theirs, and that of the known ones.
func (c *copies) count(d *series.Data, parts []series.Range) (n int, names []string) {
	end := 0 // of the copies so far
	for _, p := range parts {
		c.stretches(d, p, func(hash uint64, row int) {
			of, known := c.known[hash]
			if !known {
				return
			}
			if n == 0 {
				if names = []string{c.names[of]}; names[0] != p.Name {
					names = append(names, p.Name)
				}
			}
			n += row + many - max(row, end)
			end = row + many
		})
	}
	return n, names
}

// stretches calls f with each stretch of many rows of a part and its first row, but for rows that are all alike.
func (c *copies) stretches(d *series.Data, p series.Range, f func(hash uint64, row int)) {
	const prime = 1_000_003 // makes sums depend on the order of what is added
	rows := c.hashes(d, p)
	for i := 0; i+many <= len(rows); i++ {
		sum, alike := uint64(0), true
		for _, h := range rows[i : i+many] {
			sum = sum*prime + h
			alike = alike && h == rows[i]
		}
		if !alike {
			f(sum, p.Start+i)
		}
	}
}

// hashes are those of the rows of a part.
func (c *copies) hashes(d *series.Data, p series.Range) []uint64 {
	all, F := make([]uint64, p.Len()), len(d.Features)
	row := make([]byte, 4*F)
	for i := range all {
		for k, v := range d.X[(p.Start+i)*F : (p.Start+i+1)*F] {
			binary.LittleEndian.PutUint32(row[4*k:], math.Float32bits(v))
		}
		all[i] = maphash.Bytes(c.seed, row)
	}
	return all
}

// seenBefore looks for test and validation rows that are training rows.
func (r *run) seenBefore(ctx context.Context) error {
	if r.test == nil && r.validation == nil {
		return nil
	}
	c := newCopies()
	c.add(r.rows.Data, r.all.Train)
	look := func(rows *rows, parts []series.Range, kind Notice) error {
		if n, _ := c.count(rows.Data, parts); n > 0 {
			return r.tell(ctx, Noticed{Kind: kind, Number: n})
		}
		return nil
	}
	if r.validation != nil {
		if err := look(r.validation, r.validation.Series, ValidationSeen); err != nil {
			return err
		}
	}
	if r.test != nil {
		return look(r.test, r.tested, SeenBefore)
	}
	return nil
}

// copied looks for rows that a fold holds back and that another one has, too, or for SplitForward
// one before. A few of them change no score.
func (r *run) copied(ctx context.Context) error {
	const oneIn = 100
	c := newCopies()
	if r.split == layout.SplitForward && len(r.folds) > 0 {
		c.add(r.rows.Data, r.folds[0].Train)
	}
	total, rows, first := 0, 0, []string(nil)
	for _, f := range r.folds {
		n, names := c.count(r.rows.Data, f.Held)
		if total == 0 {
			first = names
		}
		total, rows = total+n, rows+layout.Rows(f.Held)
		c.add(r.rows.Data, f.Held)
	}
	if total == 0 || total*oneIn < rows {
		return nil
	}
	return r.tell(ctx, Noticed{Kind: Copied, Number: total, Class: table.List(first)})
}
