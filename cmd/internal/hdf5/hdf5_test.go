package hdf5

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Files that h5py wrote, described beside them.
const testdata = "../keras/testdata"

func open(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(testdata, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func read(t testing.TB, name string) *File {
	t.Helper()
	f, err := Read(open(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestArraysAreRead(t *testing.T) {
	f := read(t, "kinds.h5")
	want := []float32{0, 0.25, 0.5, 0.75, 1, 1.25}
	for _, c := range []struct {
		name   string
		shape  []int
		values []float32
	}{
		{"float32", []int{2, 3}, want},
		{"float64", []int{2, 3}, want},
		{"scalar", nil, []float32{0.5}},
		{"empty", []int{0, 3}, []float32{}},
	} {
		d := f.Dataset(c.name)
		if d == nil {
			t.Fatalf("%s is missing, there are %v", c.name, f.datasets)
		}
		got, err := d.Float32s()
		if err != nil || !slices.Equal(got, c.values) || !slices.Equal(d.Shape, c.shape) {
			t.Errorf("%s: %v %v, %v", c.name, d.Shape, got, err)
		}
	}
	for i := range 40 {
		got, err := f.Dataset(fmt.Sprintf("many/%d", i)).Float32s()
		if err != nil || !slices.Equal(got, []float32{float32(i)}) {
			t.Errorf("many/%d: %v, %v", i, got, err)
		}
	}
	if n := len(f.Groups()); n != 1 {
		t.Errorf("%d groups: %q", n, f.Groups())
	}
	if f.Dataset("link") != nil || f.Dataset("nosuch") != nil {
		t.Error("arrays that are none")
	}
}

func TestOtherArraysAreNamed(t *testing.T) {
	f := read(t, "kinds.h5")
	for name, want := range map[string]string{
		"float16":    "floats of 2 bytes",
		"int64":      "not floats",
		"big_endian": "only little-endian",
		"chunked":    "in chunks or compressed",
		"compressed": "in chunks or compressed",
		"unwritten":  "never written",
	} {
		if _, err := f.Dataset(name).Float32s(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

func TestOtherFilesAreNamed(t *testing.T) {
	whole := open(t, "simple_rnn.weights.h5")
	small := slices.Clone(whole)
	small[13] = 4
	within := slices.Clone(whole)
	within[24] = 1
	for want, data := range map[string][]byte{
		"not an HDF5 file":        []byte("PK\x03\x04 and so on"),
		"superblock of version":   open(t, "latest.h5"),
		"addresses of 4":          small,
		"within a file":           within,
		"damaged or cut short":    whole[:len(whole)/2],
		"is damaged or cut short": whole[:20],
	} {
		if _, err := Read(data); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestDamagedBytes has each byte damaged in turn.
func TestDamagedBytes(t *testing.T) {
	data := open(t, "simple_rnn.weights.h5")
	for i, b := range data {
		data[i] = ^b
		readAll(t, data)
		data[i] = b
	}
}

// FuzzRead has files damaged in other ways.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"kinds.h5", "latest.h5", "simple_rnn.weights.h5"} {
		f.Add(open(f, name))
	}
	f.Fuzz(readAll)
}

// readAll reads what may be a file: it is refused, or its arrays are as large as they
// say or have a fault.
func readAll(t *testing.T, data []byte) {
	file, err := Read(data)
	if err != nil {
		return
	}
	for name, d := range file.datasets {
		n := 1
		for _, size := range d.Shape {
			n *= size
		}
		if values, err := d.Float32s(); err == nil && len(values) != n {
			t.Errorf("%s: %d values of %v", name, len(values), d.Shape)
		}
	}
}
