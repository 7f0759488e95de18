package layout

import (
	"slices"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

func TestCountAndRows(t *testing.T) {
	parts := []series.Range{{Start: 1, End: 4}, {Start: 5, End: 8}}
	if got := Count(labelsOf("0120-2-0"), parts, 4); !slices.Equal(got, []int{2, 1, 2, 0}) {
		t.Errorf("classes have %v rows", got)
	}
	if got := Rows(parts); got != 6 {
		t.Errorf("%d rows, want 6", got)
	}
}

// in is a range of series a.
func in(start, end int) series.Range { return series.Range{Name: "a", Start: start, End: end} }

func TestSubtract(t *testing.T) {
	parts := []series.Range{in(0, 10), in(20, 30), {Name: "b", Start: 30, End: 40}}
	tests := []struct {
		name string
		cuts []series.Range
		want [][2]int
	}{
		{"nothing", nil, [][2]int{{0, 10}, {20, 30}, {30, 40}}},
		{"between parts", []series.Range{in(12, 18)}, [][2]int{{0, 10}, {20, 30}, {30, 40}}},
		{"within one", []series.Range{in(3, 5), in(7, 8)}, [][2]int{{0, 3}, {5, 7}, {8, 10}, {20, 30}, {30, 40}}},
		{"over an end", []series.Range{in(-5, 2), in(9, 21)}, [][2]int{{2, 9}, {21, 30}, {30, 40}}},
		{"overlapping", []series.Range{in(1, 6), in(4, 8)}, [][2]int{{0, 1}, {8, 10}, {20, 30}, {30, 40}}},
		{"to the end, beyond the series", []series.Range{in(25, 35)}, [][2]int{{0, 10}, {20, 25}, {30, 40}}},
		{"all", []series.Range{in(-1, 99), {Name: "b", Start: 30, End: 40}}, nil},
	}
	for _, test := range tests {
		if got := spans(subtract(parts, test.cuts)); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestUnion(t *testing.T) {
	b := series.Range{Name: "b", Start: 30, End: 40}
	got := union([]series.Range{in(5, 10), b}, []series.Range{in(0, 5), in(11, 20), in(20, 30)})
	if want := []series.Range{in(0, 10), in(11, 30), b}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
