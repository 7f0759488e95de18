package table

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A record of WFDB, the format of PhysioNet, is a header, which is text, and files of signals that it names, see
// https://wfdb.io/spec.

// wfdbHeader is what a header says.
type wfdbHeader struct {
	frequency float64 // frames in a second
	frames    int     // 0 where the files tell
	signals   []*wfdbSignal
	segments  []wfdbSegment // in place of signals
}

// wfdbSegment is a part of a record: a record itself, or a pause, which is called ~.
type wfdbSegment struct {
	name   string
	frames int
	header *wfdbHeader // nil as long as it has not been read
}

type wfdbSignal struct {
	signal
	file     string
	format   *wfdbFormat
	offset   int64  // of the file's first number
	checksum string // of all numbers, "" if the header does not tell
	sum      uint16 // of the numbers read
}

// wfdbFormat is how numbers are written: group of them in so many bytes.
type wfdbFormat struct {
	group, bytes int
	none         int32 // stands for a missing value
	number       func(b []byte, i int) int32
}

var wfdbFormats = map[string]*wfdbFormat{
	"16":  {1, 2, math.MinInt16, func(b []byte, _ int) int32 { return int32(int16(binary.LittleEndian.Uint16(b))) }},
	"24":  {1, 3, -1 << 23, func(b []byte, _ int) int32 { return int24(b) }},
	"32":  {1, 4, math.MinInt32, func(b []byte, _ int) int32 { return int32(binary.LittleEndian.Uint32(b)) }},
	"61":  {1, 2, math.MinInt16, func(b []byte, _ int) int32 { return int32(int16(binary.BigEndian.Uint16(b))) }},
	"80":  {1, 1, math.MinInt8, func(b []byte, _ int) int32 { return int32(b[0]) - 1<<7 }},
	"160": {1, 2, math.MinInt16, func(b []byte, _ int) int32 { return int32(binary.LittleEndian.Uint16(b)) - 1<<15 }},
	"212": {2, 3, -1 << 11, func(b []byte, i int) int32 {
		if i == 0 {
			return signed(uint32(b[0])|uint32(b[1]&0x0f)<<8, 12)
		}
		return signed(uint32(b[2])|uint32(b[1]&0xf0)<<4, 12)
	}},
	"310": {3, 4, -1 << 9, func(b []byte, i int) int32 {
		if i < 2 {
			return signed(uint32(binary.LittleEndian.Uint16(b[2*i:]))>>1, 10)
		}
		return signed(uint32(b[1]>>3)|uint32(b[3]>>3)<<5, 10)
	}},
	"311": {3, 4, -1 << 9, func(b []byte, i int) int32 { return signed(binary.LittleEndian.Uint32(b)>>(10*i), 10) }},
}

// signed is the number in the lowest bits of x.
func signed(x uint32, bits int) int32 { return int32(x<<(32-bits)) >> (32 - bits) }

func int24(b []byte) int32 { return signed(uint32(b[0])|uint32(b[1])<<8|uint32(b[2])<<16, 24) }

// size is the bytes of n numbers.
func (f *wfdbFormat) size(n int64) int64 {
	return (n*int64(f.bytes) + int64(f.group) - 1) / int64(f.group)
}

// parseWFDB reads a header.
func parseWFDB(text []byte) (*wfdbHeader, error) {
	var lines []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return nil, errors.New("the header is empty")
	}
	fields := strings.Fields(lines[0])
	wrong := fmt.Errorf("%s is not the first line of a header of WFDB: RECORD SIGNALS FREQUENCY SAMPLES", Excerpt([]byte(lines[0])))
	h := &wfdbHeader{frequency: 250}
	n, err := 0, error(nil)
	if len(fields) < 2 {
		return nil, wrong
	}
	if n, err = strconv.Atoi(fields[1]); err != nil || n < 0 {
		return nil, wrong
	}
	if len(fields) > 2 {
		frequency, _, _ := strings.Cut(fields[2], "/")
		if h.frequency, err = strconv.ParseFloat(frequency, 64); err != nil || !(h.frequency > 0) || math.IsInf(h.frequency, 0) {
			return nil, wrong
		}
	}
	if len(fields) > 3 {
		if h.frames, err = strconv.Atoi(fields[3]); err != nil || h.frames < 0 {
			return nil, wrong
		}
	}
	if h.frames > math.MaxInt32 {
		return nil, fmt.Errorf("there are more than %d rows", math.MaxInt32)
	}
	if _, segments, is := strings.Cut(fields[0], "/"); is {
		if n, err := strconv.Atoi(segments); err != nil || n < 1 || len(lines) <= n {
			return nil, fmt.Errorf("the header has lines for %d segments, and its first line says %s", len(lines)-1, segments)
		}
		return h, h.parseSegments(lines[1:])
	}
	if len(lines) <= n {
		return nil, fmt.Errorf("the header has lines for %d signals, and its first line says %d", len(lines)-1, n)
	}
	for i, line := range lines[1 : n+1] {
		s, err := parseWFDBSignal(line, i)
		if err != nil {
			return nil, err
		}
		h.signals = append(h.signals, s)
	}
	return h, nil
}

// parseSegments reads lines of segments: the name of each, and its frames.
func (h *wfdbHeader) parseSegments(lines []string) error {
	all := 0
	for _, line := range lines {
		fields := strings.Fields(line)
		if len(fields) == 2 && filepath.IsLocal(fields[0]) {
			if n, err := strconv.Atoi(fields[1]); err == nil && n >= 0 && n <= math.MaxInt32-all {
				h.segments, all = append(h.segments, wfdbSegment{name: fields[0], frames: n}), all+n
				continue
			}
		}
		return fmt.Errorf("%s is not the line of a segment: NAME SAMPLES", Excerpt([]byte(line)))
	}
	if h.frames > 0 && h.frames != all {
		return fmt.Errorf("the segments have %d samples, and the first line says %d", all, h.frames)
	}
	h.frames = all
	return nil
}

var (
	wfdbFormatField = regexp.MustCompile(`^([0-9]+)(?:x([0-9]+))?(?::([0-9]+))?(?:\+([0-9]+))?$`)
	wfdbGainField   = regexp.MustCompile(`^([^(/]+)(?:\((-?[0-9]+)\))?(?:/(.+))?$`)
)

// parseWFDBSignal reads the line of signal i: file, format, gain, resolution, zero, first number, checksum, size of blocks
// and what it is, of which all but two may be left out.
func parseWFDBSignal(line string, i int) (*wfdbSignal, error) {
	wrong := fmt.Errorf("%s is not the line of a signal: FILE FORMAT GAIN RESOLUTION ZERO FIRST CHECKSUM BLOCK NAME", Excerpt([]byte(line)))
	fields := strings.Fields(line)
	field := func(i int, without string) string {
		if i < len(fields) {
			return fields[i]
		}
		return without
	}
	format, gain := wfdbFormatField.FindStringSubmatch(field(1, "")), wfdbGainField.FindStringSubmatch(field(2, "200"))
	if format == nil || gain == nil || !filepath.IsLocal(fields[0]) {
		return nil, wrong
	}
	s := &wfdbSignal{file: fields[0], format: wfdbFormats[format[1]], checksum: field(6, "")}
	switch {
	case s.format == nil && s.file != "~":
		return nil, fmt.Errorf("numbers of %s are written in format %s of WFDB, which is not read; wfdb.wrsamp of Python writes formats 16, 24, 32, 80 and 212, which are", s.file, format[1])
	case strings.Trim(format[3], "0") != "":
		return nil, fmt.Errorf("a signal of %s is %s samples behind the others, which is not read", s.file, format[3])
	}
	s.name, s.unit = fmt.Sprintf("signal %d", i+1), cmp.Or(gain[3], "mV")
	if len(fields) > 8 {
		s.name = strings.Join(fields[8:], " ")
	}
	var faults [4]error
	s.rate, faults[0] = strconv.Atoi(cmp.Or(format[2], "1"))
	s.offset, faults[1] = strconv.ParseInt(cmp.Or(format[4], "0"), 10, 64)
	s.steps, faults[2] = strconv.ParseFloat(gain[1], 64)
	s.zero, faults[3] = strconv.ParseFloat(cmp.Or(gain[2], field(4, "0")), 64)
	if errors.Join(faults[:]...) != nil || s.rate < 1 || s.rate > maxBlock || math.IsInf(s.steps, 0) || math.IsInf(s.zero, 0) || s.steps != s.steps || s.zero != s.zero {
		return nil, wrong
	}
	if s.span = 1; s.steps == 0 { // not known
		s.steps = 200
	}
	return s, nil
}

// wfdbFile is a file of signals, whose numbers alternate.
type wfdbFile struct {
	io.Reader
	name    string
	format  *wfdbFormat
	signals []*wfdbSignal
	close   func() error
	frame   int64 // numbers in a frame
	buf     []byte
}

// wfdbReader reads the segments of a record, one after the other.
type wfdbReader struct {
	source   *source
	columns  []*signal
	named    bool          // segments have some of the signals, by their names
	segments []wfdbSegment // to come
	current  []*wfdbSignal // all of the current one
	from     []*wfdbSignal // of it, for each column; nil where it has none
	files    []*wfdbFile   // likewise
	frames   int           // likewise
	at, past int           // frames read, of it and of those before
}

// openWFDB reads the header and opens the files beside it. A record without segments is one by itself; in one whose first segment is
// empty, that describes the signals of the others.
func (d *arrowDecoder) openWFDB(s *source) error {
	if s.name == stdinName {
		return errors.New("a header of WFDB names files beside it, so it cannot be standard input")
	}
	text, err := io.ReadAll(io.LimitReader(s.body, maxRecord))
	if err != nil {
		return err
	}
	h, err := parseWFDB(text)
	if err != nil {
		return err
	}
	w := &wfdbReader{source: s, segments: h.segments}
	if h.segments == nil {
		w.segments = []wfdbSegment{{frames: h.frames, header: h}}
	}
	first := slices.IndexFunc(w.segments, func(s wfdbSegment) bool { return s.name != "~" })
	if first < 0 {
		return errors.New("the record has no signals")
	}
	if err := w.readHeader(&w.segments[first], h.frequency); err != nil {
		return err
	}
	w.named = h.segments != nil && w.segments[first].frames == 0
	for _, signal := range w.segments[first].header.signals {
		if signal.file == "~" && !w.named {
			d.notes = append(d.notes, Warning{Column: signal.name, Text: "left out, as the record has no values of it"})
			continue
		}
		column := signal.signal
		w.columns = append(w.columns, &column)
	}
	if len(w.columns) == 0 {
		return errors.New("the record has no signals")
	}
	r := &recording{second: h.frequency, blocks: h.frames, signals: w.columns, more: w.more}
	if h.segments == nil {
		if err := w.next(); err != nil {
			return err
		}
		r.blocks = w.frames
	}
	return d.begin(r)
}

// readHeader reads the header of a segment.
func (w *wfdbReader) readHeader(s *wfdbSegment, frequency float64) error {
	if s.header != nil {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(w.source.name), s.name+".hea"))
	if err != nil {
		return err
	}
	if s.header, err = parseWFDB(text); err == nil {
		switch h := s.header; {
		case h.segments != nil:
			err = errors.New("a segment cannot have segments")
		case frequency > 0 && h.frequency != frequency:
			err = fmt.Errorf("it has %v samples a second, and the record %v", h.frequency, frequency)
		case h.frames != s.frames:
			err = fmt.Errorf("it has %d samples, and %d as the record says", h.frames, s.frames)
		}
	}
	if err != nil {
		return fmt.Errorf("%s.hea: %w", s.name, err)
	}
	return nil
}

// next goes on with the next segment.
func (w *wfdbReader) next() error {
	if err := checkSums(w.current); err != nil {
		return err
	}
	for _, f := range w.files {
		f.close()
	}
	if len(w.segments) == 0 {
		return io.EOF
	}
	s := &w.segments[0]
	w.segments, w.past = w.segments[1:], w.past+w.frames
	w.current, w.files, w.from = nil, nil, make([]*wfdbSignal, len(w.columns))
	if w.at, w.frames = 0, s.frames; s.name == "~" || w.named && s.frames == 0 {
		return nil
	}
	if err := w.readHeader(s, 0); err != nil {
		return err
	}
	w.current = s.header.signals
	for _, signal := range w.current {
		if signal.file == "~" {
			continue
		}
		if n := len(w.files); n > 0 && w.files[n-1].name == signal.file && w.files[n-1].format == signal.format {
			w.files[n-1].signals, w.files[n-1].frame = append(w.files[n-1].signals, signal), w.files[n-1].frame+int64(signal.rate)
		} else {
			w.files = append(w.files, &wfdbFile{name: signal.file, format: signal.format, signals: []*wfdbSignal{signal}, frame: int64(signal.rate)})
		}
	}
	for _, f := range w.files {
		frames, err := f.open(w.source, s.frames)
		if err != nil {
			return err
		}
		if s.frames == 0 && (w.frames == 0 || frames < w.frames) {
			w.frames = frames
		}
	}
	return w.match(s.name)
}

// match finds which signal of the segment is in which column.
func (w *wfdbReader) match(segment string) error {
	present := slices.DeleteFunc(slices.Clone(w.current), func(s *wfdbSignal) bool { return s.file == "~" })
	if !w.named && len(present) != len(w.columns) {
		return fmt.Errorf("segment %s has %d signals, and the first one %d", segment, len(present), len(w.columns))
	}
	for k, column := range w.columns {
		i := k
		if w.named {
			i = slices.IndexFunc(present, func(s *wfdbSignal) bool { return s.name == column.name })
		}
		if i < 0 {
			continue
		}
		if s := present[i]; s.name != column.name || s.unit != column.unit || s.rate != column.rate {
			return fmt.Errorf("segment %s has %q in %s, %d samples at a time, in the place of %q in %s, %d at a time", segment, s.name, s.unit, s.rate, column.name, column.unit, column.rate)
		}
		w.from[k] = present[i]
	}
	return nil
}

// more reads frames of one segment, see recording.
func (w *wfdbReader) more(most int) (n, first int, after float64, err error) {
	for w.at == w.frames {
		if err := w.next(); err != nil {
			return 0, 0, 0, err
		}
	}
	const groups = 6 // so that every format has whole ones
	n, first = min((most+groups-1)/groups*groups, w.frames-w.at), w.past+w.at
	for _, f := range w.files {
		if err := f.read(n); err != nil {
			return 0, 0, 0, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	for k, column := range w.columns {
		if s := w.from[k]; s != nil {
			column.values = append(column.values, s.values...)
			continue
		}
		for range n * column.rate {
			column.values = append(column.values, math.NaN())
		}
	}
	w.at += n
	return n, first, 0, nil
}

// open opens a file, and finds how many frames there are if the header does not tell.
func (f *wfdbFile) open(s *source, frames int) (int, error) {
	if f.frame > maxBlock {
		return 0, fmt.Errorf("%d numbers in a frame are too many", f.frame)
	}
	file, err := os.Open(filepath.Join(filepath.Dir(s.name), f.name))
	if err != nil {
		return 0, err
	}
	s.copies, f.close = append(s.copies, file), file.Close
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	offset := f.signals[0].offset
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		return 0, err
	}
	f.Reader = bufio.NewReaderSize(file, blockSize)
	size := max(info.Size()-offset, 0)
	if frames == 0 {
		return int(min(size*int64(f.format.group)/int64(f.format.bytes)/f.frame, math.MaxInt32+1)), nil
	}
	if need := f.format.size(f.frame * int64(min(frames, math.MaxInt32))); size < need {
		return 0, fmt.Errorf("%s has %d bytes of samples, and %d samples of %d, as the header says, are %d: it is cut off, or the header of another record", f.name, size, frames, f.frame, need)
	}
	return frames, nil
}

// read reads n frames.
func (f *wfdbFile) read(n int) error {
	numbers := int64(n) * f.frame
	groups := (int(numbers) + f.format.group - 1) / f.format.group
	f.buf = append(f.buf[:0], make([]byte, groups*f.format.bytes)...)
	if _, err := io.ReadFull(f, f.buf[:f.format.size(numbers)]); err != nil {
		return cutOff(err, false)
	}
	at := 0
	for _, s := range f.signals {
		s.values = s.values[:0]
	}
	for range n {
		for _, s := range f.signals {
			for range s.rate {
				number := f.format.number(f.buf[at/f.format.group*f.format.bytes:], at%f.format.group)
				s.sum += uint16(number)
				if s.add(number); number == f.format.none {
					s.values[len(s.values)-1] = math.NaN()
				}
				at++
			}
		}
	}
	return nil
}

// checkSums compares the sums of all numbers with those of the header.
func checkSums(signals []*wfdbSignal) error {
	for _, s := range signals {
		want, err := strconv.ParseInt(s.checksum, 10, 64)
		if err == nil && s.file != "~" && uint16(want) != s.sum {
			return fmt.Errorf("%s is damaged, or the header of another record: the samples of %q add up to %d, and the header says %d", s.file, s.name, int16(s.sum), int16(uint16(want)))
		}
	}
	return nil
}
