package layout

import (
	"slices"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

func TestSayLabel(t *testing.T) {
	d := labelled(labelsOf("0112-2001"), 3)
	d.Features = []string{"itself", "one class", "measured", "rare", "either"}
	columns := [][]float32{
		{5, 6, 6, 7, 5, 7, 5, 5, 6},
		{0, 1, 1, 0, 0, 0, 0, 0, 1}, // 0 is in rows of two labels
		{.1, .2, .3, .4, .5, .6, .7, .8, .9},
		{5, 6, 6, 7, 5, 7, 5, 5, 8},
		{1, 1, 0, 1, 0, 0, 1, 0, 1},
	}
	for i := range d.Labels {
		for _, column := range columns {
			d.X = append(d.X, column[i])
		}
	}
	if got := SayLabel(d, lay(9), 0); !slices.Equal(got, []string{"itself"}) {
		t.Errorf("%q", got)
	}
	if got := SayLabel(d, []series.Range{in(0, 3), in(6, 9)}, 0); !slices.Equal(got, []string{"itself", "one class"}) {
		t.Errorf("%q without the third class", got)
	}
	ahead := labelled(labelsOf("0112-2001"), 3) // a feature that is the label of two rows later
	ahead.Features, ahead.X = []string{"ahead", "itself"}, []float32{1, 0, 2, 1, 9, 1, 2, 2, 0, 9, 0, 2, 1, 0, 9, 0, 9, 1}
	if got := SayLabel(ahead, lay(9), 2); !slices.Equal(got, []string{"ahead"}) {
		t.Errorf("%q with a horizon of 2", got)
	}
}
