package table

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Annotation is a remark on a recording.
type Annotation struct {
	Onset    float64 // in seconds, as the times of its rows
	Duration float64 // 0 where it has none
	Text     string
	Kind     AnnotationKind
}

// AnnotationKind is what an annotation is about.
type AnnotationKind uint8

const (
	Remark AnnotationKind = iota
	Beat                  // WFDB: a heartbeat; the text is its symbol
	Rhythm                // WFDB: a change of rhythm; the text is its name
)

// ReadAnnotations reads those of a recording: of EDF+ and BDF+, or a file of WFDB, which is called as the header beside it, with
// the time of the record's end. It reports false for any other file.
func ReadAnnotations(ctx context.Context, path string) (all []Annotation, end float64, are bool, err error) {
	if path == Stdin {
		return nil, 0, false, nil
	}
	if header, is := headerOf(path); is {
		all, end, err = readWFDBAnnotations(path, header)
		return all, end, true, inFile(path, err)
	}
	s, err := openSource(ctx, path, nil, Options{})
	if err != nil {
		return nil, 0, false, nil // as others will find out
	}
	defer s.Close()
	if s.format != EDF {
		return nil, 0, false, nil
	}
	all, err = readEDFAnnotations(s.body)
	return all, math.Inf(1), true, inFile(path, err)
}

// headerOf is the header of the record that a file of annotations belongs to.
func headerOf(path string) (header string, is bool) {
	ext := filepath.Ext(path)
	header = strings.TrimSuffix(path, ext) + ".hea"
	format, packed := FormatOf(path)
	if format != "" || packed != Plain || ext == "" || ext == ".json" || ext == ".txt" || ext == ".dat" {
		return "", false
	}
	_, err := os.Stat(header)
	return header, err == nil || ext == ".atr"
}

// HasSignals reports whether a file is a recording that has more than annotations.
func HasSignals(ctx context.Context, path string) bool {
	s, err := openSource(ctx, path, nil, Options{})
	if err != nil {
		return false
	}
	defer s.Close()
	f, err := newEDF(s.body)
	return err == nil && slices.ContainsFunc(f.signals, func(s *edfSignal) bool { return !s.notes })
}

func readEDFAnnotations(r io.Reader) (all []Annotation, err error) {
	f, err := newEDF(r)
	if err != nil {
		return nil, err
	}
	if !f.plus {
		return nil, errors.New("this is EDF without annotations, which EDF+ has")
	}
	for {
		if _, err := f.next(); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		for _, s := range f.signals {
			if !s.notes {
				continue
			}
			some, err := parseTALs(f.bytes(s))
			if err != nil {
				return nil, err
			}
			for _, a := range some {
				if a.Text != "" {
					all = append(all, a)
				}
			}
		}
	}
}

// parseTALs reads lists of annotations, each with a time: +Onset, perhaps 21 and Duration, 20, texts that end in 20, and 0.
func parseTALs(b []byte) (all []Annotation, err error) {
	for tal := range bytes.SplitSeq(b, []byte{0}) {
		if len(tal) == 0 {
			continue
		}
		time, texts, found := bytes.Cut(tal, []byte{20})
		onset, duration, lasts := bytes.Cut(time, []byte{21})
		a := Annotation{}
		if a.Onset, err = edfFloat(onset); err == nil && lasts {
			a.Duration, err = edfFloat(duration)
		}
		if err != nil || !found || !bytes.HasSuffix(texts, []byte{20}) && len(texts) > 0 || a.Duration < 0 {
			return nil, fmt.Errorf("%s is no annotation of EDF+", Excerpt(tal))
		}
		for text := range bytes.SplitSeq(bytes.TrimSuffix(texts, []byte{20}), []byte{20}) {
			a.Text = strings.TrimSpace(latin1(string(text)))
			all = append(all, a)
		}
	}
	return all, nil
}

// Codes of WFDB that are no annotations, or not only.
const (
	wfdbRhythm = 28
	wfdbSkip   = 59
	wfdbNumber = 60
	wfdbSub    = 61
	wfdbChange = 62
	wfdbText   = 63
)

// wfdbSymbols are those of the codes from 0 on, blank where there is none, and wfdbBeats those of heartbeats.
const (
	wfdbSymbols = ` NLRaVFJASEj/Q~ | sT*D"=pB^t+u?![]en@xf()r`
	wfdbBeats   = `NLRaVFJASEj/QB?enfr`
)

// wfdbResolution precedes, in a remark at the beginning, the number of units of time in a second.
const wfdbResolution = "## time resolution: "

func readWFDBAnnotations(path, header string) (all []Annotation, end float64, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, 0, err
	}
	if len(data) > maxRecord {
		return nil, 0, errors.New("the file is too large for annotations")
	}
	raw, err := parseWFDBAnnotations(data)
	if err != nil {
		return nil, 0, err
	}
	frequency, end := 0., math.Inf(1)
	if text, err := os.ReadFile(header); err == nil {
		h, err := parseWFDB(text)
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", filepath.Base(header), err)
		}
		if frequency = h.frequency; h.frames > 0 {
			end = float64(h.frames) / frequency
		}
	}
	for _, a := range raw {
		if text, is := strings.CutPrefix(a.Text, wfdbResolution); is && a.Onset == 0 && a.Kind == Remark {
			if frequency, err = strconv.ParseFloat(strings.TrimSpace(text), 64); err != nil || !(frequency > 0) {
				return nil, 0, fmt.Errorf("%q is no number of units of time in a second", text)
			}
		}
	}
	if frequency == 0 {
		return nil, 0, fmt.Errorf("%s is not beside it, which tells how many samples are in a second", filepath.Base(header))
	}
	for _, a := range raw {
		if a.Kind == Remark && strings.HasPrefix(a.Text, "## ") {
			continue
		}
		a.Onset /= frequency
		all = append(all, a)
	}
	return all, end, nil
}

// parseWFDBAnnotations reads annotations, whose times are numbers of samples. Each is 16 bits, a code and, in ten bits, the
// samples since the one before.
func parseWFDBAnnotations(data []byte) (all []Annotation, err error) {
	cut := errors.New("the annotations are cut off, or this is no file of annotations")
	time, at := int64(0), 0
	for at+2 <= len(data) {
		word := binary.LittleEndian.Uint16(data[at:])
		code, count := int(word>>10), int(word&0x3ff)
		at += 2
		switch {
		case word == 0:
			return all, nil
		case code == wfdbSkip:
			if at+4 > len(data) {
				return nil, cut
			}
			time += int64(int32(uint32(binary.LittleEndian.Uint16(data[at:]))<<16 | uint32(binary.LittleEndian.Uint16(data[at+2:]))))
			at += 4
		case code == wfdbText:
			if at+count > len(data) || len(all) == 0 {
				return nil, cut
			}
			all[len(all)-1].addText(string(bytes.TrimRight(data[at:at+count], "\x00")))
			at += count + count%2
		case code == wfdbNumber, code == wfdbSub, code == wfdbChange:
		case code >= len(wfdbSymbols)+8: // of which the last eight are the user's own
			return nil, cut
		default:
			time += int64(count)
			if code == 0 { // no annotation, but for its time
				continue
			}
			if time < 0 {
				return nil, cut
			}
			all = append(all, newWFDBAnnotation(time, code))
		}
	}
	return nil, cut
}

func newWFDBAnnotation(time int64, code int) Annotation {
	a := Annotation{Onset: float64(time), Text: strconv.Itoa(code)}
	if code < len(wfdbSymbols) && wfdbSymbols[code] != ' ' {
		a.Text = wfdbSymbols[code : code+1]
	}
	switch {
	case code == wfdbRhythm:
		a.Kind = Rhythm
	case strings.Contains(wfdbBeats, a.Text):
		a.Kind = Beat
	}
	return a
}

// addText is what a text behind an annotation adds to it.
func (a *Annotation) addText(text string) {
	switch {
	case a.Kind == Rhythm:
		a.Text = strings.TrimPrefix(text, "(")
	case a.Kind == Remark && text != "":
		a.Text = text
	}
}
