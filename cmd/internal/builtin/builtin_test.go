package builtin

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

func read(t *testing.T, text []byte, o series.Options) (*series.Data, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.csv")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return series.Read(t.Context(), []string{path}, o)
}

func TestBuiltin(t *testing.T) {
	for _, b := range builtins {
		var text bytes.Buffer
		if err := Write(&text, b.name, 0); err != nil {
			t.Fatal(err)
		}
		o := series.DefaultOptions()
		if b.name == "sine-question" {
			o.Positive = "2"
		}
		if b.columns[0] == "series" {
			o.Series = "series"
		}
		d, err := read(t, text.Bytes(), o)
		if err != nil {
			t.Fatal(err)
		}
		if d.Len() != b.rows {
			t.Errorf("%s has %d rows, want %d", b.name, d.Len(), b.rows)
		}
		if d.TimeColumn != "sample" || d.Features[0] != "x" {
			t.Errorf("%s has the time %q and features %q", b.name, d.TimeColumn, d.Features)
		}
		if b.name == "sine" {
			checkSine(t, d)
		}
		if b.name == "activities" {
			checkActivities(t, d)
		}
		if count := d.Count(); b.name == "sine-question" && !slices.Equal(count, []int{1, 999}) {
			t.Errorf("%s has %v zeros and twos, want one 0", b.name, count)
		}
	}
	if lines := List(); len(lines) != len(builtins) || !strings.HasPrefix(lines[0], "sine ") {
		t.Errorf("the list is %q", lines)
	}
	if err := Write(&bytes.Buffer{}, "cosine", 0); err == nil {
		t.Error("no error for an unknown name")
	}
}

// Another seed is another noise, under the same labels.
func TestBuiltinSeeds(t *testing.T) {
	of := func(seed int64) *series.Data {
		var text bytes.Buffer
		if err := Write(&text, "bursts", seed); err != nil {
			t.Fatal(err)
		}
		d, err := read(t, text.Bytes(), series.DefaultOptions())
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	zero, one := of(0), of(1)
	if !slices.Equal(zero.Labels, one.Labels) || !slices.Equal(one.X, of(1).X) {
		t.Error("labels differ, or a seed has two series")
	}
	for i, x := range zero.X {
		if x == one.X[i] {
			t.Fatalf("value %d is the same", i)
		}
	}
}

// checkActivities looks for five classes, all of them done by everybody.
func checkActivities(t *testing.T, d *series.Data) {
	if got := strings.Join(d.Classes, " "); got != "walking lying running stairs standing" || len(d.Series) != 8 || len(d.Features) != 3 {
		t.Errorf("classes %s, %d series, features %v", got, len(d.Series), d.Features)
	}
	for _, s := range d.Series {
		for class, name := range d.Classes {
			if n := slices.Index(d.Labels[s.Start:s.End], int16(class)); n < 0 {
				t.Errorf("%s has no row of %s", s.Name, name)
			}
		}
		if n := slices.Index(d.Labels[s.Start:s.End], series.Unlabelled); n != 0 {
			t.Errorf("%s begins with a label", s.Name)
		}
	}
}

// checkSine compares with the labels that the original program computed: 500
// ones, and changes at 1, 251, 501 and 751. The features are its 32-bit floats.
func checkSine(t *testing.T, d *series.Data) {
	labels := d.Labels
	for i, x := range d.X {
		if x != float32(sine(i)) {
			t.Fatalf("row %d of the sine is %v, want %v", i, x, float32(sine(i)))
		}
	}
	var changes []int
	for i := 1; i < len(labels); i++ {
		if labels[i] != labels[i-1] {
			changes = append(changes, i)
		}
	}
	if want := []int{1, 251, 501, 751}; !slices.Equal(changes, want) {
		t.Errorf("the sine's labels change at %v, want %v", changes, want)
	}
	if count := d.Count(); !slices.Equal(count, []int{500, 500}) {
		t.Errorf("the sine has %v zeros and ones, want 500 of each", count)
	}
}
