package table

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// EDF, the European Data Format, is a header and records of the same length, in each of which the signals' numbers
// follow each other, see https://www.edfplus.info/specs. BDF has numbers of 24 bits in place of 16. In EDF+ and BDF+
// one of the signals is annotations, the first of which is the time of the record.

const bdfMagic = "\xffBIOSEMI"

// isEDF reports whether a file begins as EDF and BDF do.
func isEDF(head []byte) bool {
	return bytes.HasPrefix(head, []byte(bdfMagic)) || bytes.HasPrefix(head, []byte("0       ")) && len(head) > 175 && head[170] == '.' && head[173] == '.'
}

// edf is a file of EDF.
type edf struct {
	io.Reader
	plus      bool // some signals are annotations
	broken    bool // records do not follow each other without a pause
	records   int  // -1 where that is not known
	seconds   float64
	width     int // bytes of a number
	signals   []*edfSignal
	record    []byte
	done      int
	beginning float64 // of the first record
}

type edfSignal struct {
	signal
	notes    bool    // it is annotations
	from, to float64 // least and greatest number
	at       int     // in a record
}

// newEDF reads the header.
func newEDF(r io.Reader) (*edf, error) {
	head := make([]byte, 256)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, cutOff(err, false)
	}
	if !isEDF(head) {
		return nil, errors.New("the file does not begin as EDF and BDF do")
	}
	f := &edf{Reader: r, width: 2}
	if head[0] == bdfMagic[0] {
		f.width = 3
	}
	kind := string(head[192:197])
	f.plus, f.broken = kind[3:] == "+C" || kind[3:] == "+D", kind[3:] == "+D"
	var n int
	var faults [3]error
	f.records, faults[0] = edfInt(head[236:244])
	f.seconds, faults[1] = edfFloat(head[244:252])
	n, faults[2] = edfInt(head[252:256])
	if err := errors.Join(faults[:]...); err != nil || f.records < -1 || f.seconds < 0 || n < 1 {
		return nil, fmt.Errorf("the header is damaged: %s records of %s seconds and %s signals", Excerpt(head[236:244]), Excerpt(head[244:252]), Excerpt(head[252:256]))
	}
	return f, f.readSignals(n)
}

func edfInt(text []byte) (int, error) { return strconv.Atoi(edfText(text)) }

func edfText(text []byte) string { return strings.Trim(string(text), " \x00") }

func edfFloat(text []byte) (float64, error) {
	x, err := strconv.ParseFloat(edfText(text), 64)
	if err == nil && (x != x || math.IsInf(x, 0)) {
		err = strconv.ErrRange
	}
	return x, err
}

// readSignals reads what the header says of n signals, field by field.
func (f *edf) readSignals(n int) error {
	head := make([]byte, 256*n)
	if _, err := io.ReadFull(f, head); err != nil {
		return cutOff(err, false)
	}
	field := func(i, at, width int) []byte { return head[at*n+i*width:][:width] }
	size := 0
	for i := range n {
		s := &edfSignal{at: size}
		s.name, s.unit = latin1(edfText(field(i, 0, 16))), latin1(edfText(field(i, 96, 8)))
		s.notes = f.plus && (s.name == "EDF Annotations" || s.name == "BDF Annotations")
		var least float64
		var faults [5]error
		least, faults[0] = edfFloat(field(i, 104, 8))
		s.span, faults[1] = edfFloat(field(i, 112, 8))
		s.from, faults[2] = edfFloat(field(i, 120, 8))
		s.to, faults[3] = edfFloat(field(i, 128, 8))
		s.rate, faults[4] = edfInt(field(i, 216, 8))
		if err := errors.Join(faults[:]...); err != nil || s.rate < 0 || s.rate > maxBlock || !s.notes && s.to == s.from {
			return fmt.Errorf("the header is damaged: signal %d, %q, goes from %s to %s, as numbers from %s to %s, %s in a record", i+1, s.name,
				Excerpt(field(i, 104, 8)), Excerpt(field(i, 112, 8)), Excerpt(field(i, 120, 8)), Excerpt(field(i, 128, 8)), Excerpt(field(i, 216, 8)))
		}
		s.zero, s.least, s.span, s.steps = s.from, least, s.span-least, s.to-s.from
		if size += s.rate * f.width; size > 4*maxBlock {
			return fmt.Errorf("the header is damaged: a record has more than %d bytes", 4*maxBlock)
		}
		f.signals = append(f.signals, s)
	}
	f.record = make([]byte, size)
	return nil
}

// latin1 is text that is not UTF-8 as that.
func latin1(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	runes := make([]rune, 0, len(text))
	for i := range len(text) {
		runes = append(runes, rune(text[i]))
	}
	return string(runes)
}

// next reads a record, and when it begins: the time of EDF+, or the records before it. Behind the last one it returns io.EOF.
func (f *edf) next() (begins float64, err error) {
	if f.done == f.records {
		return 0, io.EOF
	}
	if _, err := io.ReadFull(f, f.record); err != nil {
		return 0, cutOff(err, f.records < 0)
	}
	f.done++
	begins = float64(f.done-1) * f.seconds
	for _, s := range f.signals {
		if s.notes {
			all, err := parseTALs(f.bytes(s))
			if err == nil && len(all) > 0 {
				begins = all[0].Onset
			}
			return begins, err
		}
	}
	return begins, nil
}

func (f *edf) bytes(s *edfSignal) []byte { return f.record[s.at:][:s.rate*f.width] }

// numbers adds the numbers of a signal in the record.
func (f *edf) numbers(s *edfSignal) {
	for b := range slices.Chunk(f.bytes(s), f.width) {
		if f.width == 2 {
			s.add(int32(int16(binary.LittleEndian.Uint16(b))))
		} else {
			s.add(int24(b))
		}
	}
}

// openEDF reads the header.
func (d *arrowDecoder) openEDF(s *source) error {
	f, err := newEDF(s.body)
	if err != nil {
		return err
	}
	r := &recording{second: 1 / f.seconds, blocks: max(f.records, 0)}
	var signals []*edfSignal
	for _, signal := range f.signals {
		switch {
		case signal.notes:
		case signal.rate == 0:
			d.notes = append(d.notes, Warning{Column: signal.name, Text: "left out, as the file has no values of it"})
		default:
			signals, r.signals = append(signals, signal), append(r.signals, &signal.signal)
		}
	}
	switch {
	case len(signals) == 0:
		return errors.New("the file has annotations and no signals: it is a list of events, not a series")
	case f.seconds == 0:
		return errors.New("the header is damaged: records last 0 seconds")
	}
	if size := 256*int64(1+len(f.signals)) + int64(f.records)*int64(len(f.record)); f.records >= 0 && s.plain && s.size < size {
		return fmt.Errorf("the file is cut off: it has %d bytes, and with %d records, as the header says, %d", s.size, f.records, size)
	}
	f.broken = f.broken && f.plus
	r.more = func(most int) (n, first int, after float64, err error) {
		first = f.done
		for n < most && (n == 0 || !f.broken) {
			begins, err := f.next()
			if err == io.EOF && n > 0 {
				break
			}
			if err != nil {
				return 0, 0, 0, err
			}
			if f.done == 1 {
				f.beginning = begins
			}
			if after = f.beginning; f.broken {
				first, after = 0, begins
			}
			for _, s := range signals {
				f.numbers(s)
			}
			n++
		}
		return n, first, after, nil
	}
	return d.begin(r)
}
