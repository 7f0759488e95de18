package table

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const recordings = "testdata/recordings"

// TestRecordings compares small recordings with what wfdb and pyedflib read in them, see make.py there.
func TestRecordings(t *testing.T) {
	var all []string
	for _, pattern := range []string{"*.hea", "*.edf", "*.bdf"} {
		found, err := filepath.Glob(filepath.Join(recordings, pattern))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	all = slices.DeleteFunc(all, func(path string) bool { return strings.HasSuffix(path, "_layout.hea") }) // which have no values
	if len(all) != 15 {
		t.Fatalf("%d recordings", len(all))
	}
	for _, path := range all {
		t.Run(filepath.Base(path), func(t *testing.T) {
			want, slack := strings.TrimSuffix(path, ".hea")+".csv", 0.
			if path+".csv" == want { // EDF, whose values pyedflib computes in another order
				want, slack = strings.ReplaceAll(path, ".", "_")+".csv", 1e-12
			}
			f, err := os.Open(want)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			rows, err := csv.NewReader(f).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			r, got := readRecording(t, path)
			if !slices.Equal(r.Columns(), rows[0]) || !slices.Equal(r.Units(), rows[1]) {
				t.Errorf("columns %q in %q, not %q", r.Columns(), r.Units(), rows[:2])
			}
			rows = rows[2:]
			for k, column := range got {
				if len(column) != len(rows) {
					t.Fatalf("%d rows, not %d", len(column), len(rows))
				}
				for i, x := range column {
					want, err := strconv.ParseFloat(rows[i][k], 64)
					if missing := rows[i][k] == ""; missing != (x != x) || !missing && !(err == nil && math.Abs(x-want) <= slack*math.Max(1, math.Abs(want))) {
						t.Errorf("row %d of column %d is %v, not %s", i, k, x, rows[i][k])
					}
				}
			}
		})
	}
}

// readRecording reads all columns.
func readRecording(t *testing.T, path string) (*Reader, [][]float64) {
	t.Helper()
	r, err := Open(t.Context(), path, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	all, err := allColumns(r)
	if err != nil {
		t.Fatal(err)
	}
	return r, all
}

func allColumns(r *Reader) ([][]float64, error) {
	all := make([][]float64, len(r.Columns()))
	for b := new(Batch); ; {
		err := r.Next(b, 7)
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		for k := range all {
			for i := range b.Len() {
				all[k] = append(all[k], b.Columns[k].Float(i))
			}
		}
	}
}

func TestSlowerSignalsAreTold(t *testing.T) {
	for path, want := range map[string]string{
		"frames.hea": `frames.hea: column "slow": has 100 values a second, and rows are 200, so each is repeated`,
		"plus.edf":   `plus.edf: column "EEG Fpz-Cz": has 5 values a second, and rows are 10, so each is repeated`,
	} {
		r, _ := readRecording(t, filepath.Join(recordings, path))
		if got := r.Warnings(); len(got) != 1 || !strings.HasSuffix(got[0].String(), want) {
			t.Errorf("%s: %v", path, got)
		}
	}
}

// TestAnnotations compares annotations with those that wfdb and pyedflib read.
func TestAnnotations(t *testing.T) {
	for path, want := range map[string]string{"wfdb16.atr": "wfdb16.json", "wfdb24.atr": "wfdb24.json", "plus.edf": "plus_edf.json", "plus.bdf": "plus_bdf.json"} {
		all, end, are, err := ReadAnnotations(t.Context(), filepath.Join(recordings, path))
		if err != nil || !are {
			t.Fatal(path, are, err)
		}
		text, err := os.ReadFile(filepath.Join(recordings, want))
		if err != nil {
			t.Fatal(err)
		}
		var theirs [][3]any
		if err := json.Unmarshal(text, &theirs); err != nil || len(theirs) != len(all) {
			t.Fatalf("%s: %v %v, not %s", path, err, all, text)
		}
		for i, a := range all {
			switch want := theirs[i]; {
			case a.Onset != want[0]:
				t.Errorf("%s: annotation %d is at %v, not %v", path, i, a.Onset, want[0])
			case filepath.Ext(path) != ".atr": // -1 is no duration
				if a.Text != want[2] || a.Duration != math.Max(want[1].(float64), 0) || a.Kind != Remark {
					t.Errorf("%s: %+v, not %v", path, a, want)
				}
			case a.Kind == Rhythm && "("+a.Text != want[2], a.Kind != Rhythm && a.Text != want[1], (a.Kind == Rhythm) != (want[1] == "+"), (a.Kind == Beat) != (want[1] == "N" || want[1] == "V"):
				t.Errorf("%s: %+v, not %v", path, a, want)
			}
		}
		if filepath.Ext(path) == ".atr" && end != 13./250 {
			t.Errorf("%s: the record ends at %v", path, end)
		}
	}
}

// TestBrokenEDF reads records that do not follow each other: times are those of the records.
func TestBrokenEDF(t *testing.T) {
	data := readFile(t, "plus.edf")
	data = bytes.Replace(data, []byte("EDF+C"), []byte("EDF+D"), 1)
	data = bytes.Replace(data, []byte("+1\x14\x14"), []byte("+7\x14\x14"), 1)
	_, got := readRecording(t, writeFile(t, "broken.edf", data))
	if time := got[0]; len(time) != 20 || time[9] != .9 || time[10] != 7 || time[19] != 7.9 {
		t.Errorf("times %v", time)
	}
}

// TestSignalsOfOneName has signals that are called alike, or like the time.
func TestSignalsOfOneName(t *testing.T) {
	for name, want := range map[string]string{"EEG Fpz-Cz": "EEG Fpz-Cz (2)", "time": "time (2)", "": "(2)"} {
		data := readFile(t, "plus.edf")
		copy(data[256+16:], fmt.Sprintf("%-16s", name))
		r, _ := readRecording(t, writeFile(t, "x.edf", data))
		if got := r.Columns(); !slices.Equal(got, []string{"time", "EEG Fpz-Cz", want}) {
			t.Errorf("%q", got)
		}
	}
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(recordings, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func writeFile(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestBadRecords has headers that are wrong of files that are right, and the other way round.
func TestBadRecords(t *testing.T) {
	const line = "x 1 250 4\n"
	good := []byte{1, 0, 2, 0, 3, 0, 4, 0}
	for _, test := range []struct {
		header string
		data   []byte
		want   string
	}{
		{line + "x.dat 16 200 16 0 1 10 0 A\n", good, ""},
		{line + "x.dat 16\n", good, ""},
		{line + "x.dat 16 200 16 0 1 11 0 A\n", good, `x.dat is damaged, or the header of another record: the samples of "A" add up to 10, and the header says 11`},
		{line + "x.dat 16 200 16 0 1 10 0 A\n", good[:7], "x.dat has 7 bytes of samples, and 4 samples of 1, as the header says, are 8: it is cut off, or the header of another record"},
		{line + "y.dat 16\n", good, "y.dat: no such file or directory"},
		{line + "../x.dat 16\n", good, "is not the line of a signal"},
		{line + "x.dat 16x0\n", good, "is not the line of a signal"},
		{line + "x.dat 16 0..5\n", good, "is not the line of a signal"},
		{line + "x.dat 508\n", good, "are written in format 508 of WFDB, which is not read"},
		{line + "x.dat 16:3\n", good, "is 3 samples behind the others, which is not read"},
		{"x 2 250 4\nx.dat 16\n", good, "the header has lines for 1 signals, and its first line says 2"},
		{"x/2 1 250 4\ny 2\n", good, "the header has lines for 1 segments, and its first line says 2"},
		{"x/1 1 250 4\n../x 4\n", good, "is not the line of a segment"},
		{"x/1 1 250 5\nx 4\n", good, "the segments have 4 samples, and the first line says 5"},
		{"x/1 1 250 4\ny 4\n", good, "y.hea: no such file or directory"},
		{"x/1 1 250 4\nx 4\n", good, "x.hea: a segment cannot have segments"},
		{"x/1 1 250 4\n~ 4\n", good, "the record has no signals"},
		{"x/1 1 250 4\npart 4\n", good, ""},
		{"x/2 1 250 8\npart 4\nother 4\n", good, `segment other has "B" in mV, 1 samples at a time, in the place of "A" in mV, 1 at a time`},
		{"x/1 1 100 4\npart 4\n", good, "part.hea: it has 250 samples a second, and the record 100"},
		{"x/1 1 250 3\npart 3\n", good, "part.hea: it has 4 samples, and 3 as the record says"},
		{"x 0 250\n", good, "the record has no signals"},
		{"x 1 0 4\nx.dat 16\n", good, "is not the first line of a header of WFDB"},
		{"x 1 250 -4\nx.dat 16\n", good, "is not the first line of a header of WFDB"},
		{"x 1 250 99999999999\nx.dat 16\n", good, "there are more than 2147483647 rows"},
		{"# nothing\n", good, "the header is empty"},
		{"x 1 250 1000\nx.dat 16x16777216\n", good, "it is cut off"},
	} {
		path := writeFile(t, "x.hea", []byte(test.header))
		for name, data := range map[string][]byte{"x.dat": test.data, "part.hea": []byte(line + "x.dat 16 200 16 0 1 10 0 A\n"), "other.hea": []byte(line + "x.dat 16 200 16 0 1 10 0 B\n")} {
			if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), data, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		checkBad(t, path, test.want)
	}
}

func checkBad(t *testing.T, path, want string) {
	t.Helper()
	r, err := Open(t.Context(), path, nil, Options{})
	if err == nil {
		_, err = allColumns(r)
		r.Close()
	}
	if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
		t.Errorf("%v, and not %q", err, want)
	}
	var fault *Error
	if err != nil && !(errors.As(err, &fault) && fault.File == path) {
		t.Errorf("%v does not name the file", err)
	}
}

func TestBadEDF(t *testing.T) {
	plus := readFile(t, "plus.edf")
	at := func(offset int, text string) []byte {
		data := bytes.Clone(plus)
		copy(data[offset:], text)
		return data
	}
	signals := 3
	for _, test := range []struct {
		data []byte
		want string
	}{
		{plus, ""},
		{plus[:len(plus)-1], fmt.Sprintf("the file is cut off: it has %d bytes, and with 2 records, as the header says, %d", len(plus)-1, len(plus))},
		{plus[:600], "the data is cut off"},
		{plus[:100], "edf"},
		{at(236, "3       "), "the file is cut off"},
		{at(236, "-1      "), ""},
		{at(236, "-2      "), "the header is damaged"},
		{at(236, "many    "), "the header is damaged"},
		{at(244, "0       "), "records last 0 seconds"},
		{at(244, "NaN     "), "the header is damaged"},
		{at(252, "0   "), "the header is damaged"},
		{at(252, "9999"), "the data is cut off"},
		{at(256+120*signals, "32767   "), "the header is damaged: signal 1"},
		{at(256+216*signals, "99999999"), "the header is damaged: signal 1"},
		{at(256+216*signals, "-5      "), "the header is damaged: signal 1"},
		{at(len(plus)-114, "+1x\x14\x14"), "is no annotation of EDF+"},
	} {
		checkBad(t, writeFile(t, "x.edf", test.data), test.want)
	}
	r, err := Open(t.Context(), Stdin, bytes.NewReader(plus[:len(plus)-1]), Options{})
	if err == nil {
		_, err = allColumns(r)
	}
	if err == nil || !strings.Contains(err.Error(), "the data is cut off") {
		t.Errorf("from a pipe: %v", err)
	}
}

func TestBadAnnotations(t *testing.T) {
	atr := readFile(t, "wfdb16.atr")
	for _, test := range []struct {
		name, header string
		data         []byte
		want         string
	}{
		{"x.atr", "x 1 250 13\nx.dat 16\n", atr, ""},
		{"x.atr", "x 1 250 13\nx.dat 16\n", atr[:len(atr)-2], "the annotations are cut off, or this is no file of annotations"},
		{"x.atr", "x 1 250 13\nx.dat 16\n", []byte("time,label\n"), "the annotations are cut off, or this is no file of annotations"},
		{"x.atr", "x 1\n", atr, "x.hea: the header has lines for 0 signals"},
		{"x.atr", "", atr, "x.hea is not beside it, which tells how many samples are in a second"},
	} {
		path := writeFile(t, test.name, test.data)
		if test.header != "" {
			if err := os.WriteFile(filepath.Join(filepath.Dir(path), "x.hea"), []byte(test.header), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, are, err := ReadAnnotations(t.Context(), path); !are || (test.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v %v, and not %q", are, err, test.want)
		}
	}
}

func FuzzWFDB(f *testing.F) {
	f.Add([]byte("x 1 250 4\nx.dat 16 200(3)/mV 16 0 1 10 0 A\n"), []byte("12345678"), readFile(f, "wfdb16.atr"))
	f.Add([]byte("x 2 250\nx.dat 212x2 200 16 0 1 10 0 A\nx.dat 212+1 200\n"), []byte("12345678"), readFile(f, "wfdb24.atr"))
	f.Add([]byte("x 1 250/2(3)\nx.dat 311\n"), []byte("12345678"), []byte{})
	f.Add([]byte("x/3 1 250 4\ny 0\n~ 1\ny 3\n"), []byte("12345678"), []byte{})
	f.Fuzz(func(t *testing.T, header, data, annotations []byte) {
		path := writeFile(t, "x.hea", header)
		beside := strings.TrimSuffix(path, ".hea")
		if err := errors.Join(os.WriteFile(beside+".dat", data, 0o666), os.WriteFile(beside+".atr", annotations, 0o666)); err != nil {
			t.Fatal(err)
		}
		fuzzRecording(t, path)
		all, _, _, err := ReadAnnotations(t.Context(), beside+".atr")
		for _, a := range all {
			if !(a.Onset >= 0) || err != nil {
				t.Errorf("%v %v", a, err)
			}
		}
	})
}

func FuzzEDF(f *testing.F) {
	for _, name := range []string{"plus.edf", "plus.bdf"} {
		data := readFile(f, name)
		f.Add(data)
		f.Add(bytes.Replace(data, []byte("+C"), []byte("+D"), 1))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		path := writeFile(t, "x.edf", data)
		fuzzRecording(t, path)
		_, _, _, _ = ReadAnnotations(t.Context(), path)
	})
}

// fuzzRecording reads what may be damaged, as long as that takes no time.
func fuzzRecording(t *testing.T, path string) {
	r, err := Open(t.Context(), path, nil, Options{})
	if err != nil {
		return
	}
	defer r.Close()
	for b, rows := new(Batch), 0; rows < 1<<16; rows += b.Len() {
		if err := r.Next(b, 8192); err != nil {
			if err != io.EOF && strings.Contains(err.Error(), "runtime error") {
				t.Error(err)
			}
			return
		}
	}
}
