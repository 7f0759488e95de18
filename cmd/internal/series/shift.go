package series

import (
	"fmt"
	"slices"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// loss counts what 32-bit floats lose of a feature.
type loss struct{ steps, lost int }

// add counts a value behind the last one of its series, NaN before the first.
func (l *loss) add(last *float64, x float64) {
	if x != *last && *last == *last {
		l.steps++
		if float32(x) == float32(*last) {
			l.lost++
		}
	}
	*last = x
}

// shift is what to take off a feature, x [N] as far as 32-bit floats have it, so that these tell values apart that
// follow each other: its median, where they often do not, and where it is far from 0. Else it is 0.
func (l *loss) shift(x []float32) float64 {
	if 10*l.lost <= l.steps {
		return 0
	}
	const far = 8 // times the distance from 0 that values usually have
	middle := medianOf(x)
	for i, v := range x {
		x[i] = max(v-middle, middle-v)
	}
	if max(middle, -middle) < far*medianOf(x) {
		return 0
	}
	return float64(middle)
}

// medianOf is the lower median of the numbers in x, which it sorts.
func medianOf(x []float32) float32 {
	x = slices.DeleteFunc(x, func(v float32) bool { return v != v })
	slices.Sort(x)
	return x[(len(x)-1)/2]
}

// shifts are those of all features, nil where none is needed.
func (l *loader) shifts() []float64 {
	d := l.data
	all := make([]float64, len(d.Features))
	for k := range l.losses {
		if l.losses[k].lost > 0 {
			var column []float32
			for i := k; i < len(d.X); i += len(all) {
				column = append(column, d.X[i])
			}
			all[k] = l.losses[k].shift(column)
		}
	}
	if !shifted(all) {
		return nil
	}
	return all
}

// shifted reports whether anything is taken off.
func shifted(shift []float64) bool {
	return slices.ContainsFunc(shift, func(s float64) bool { return s != 0 })
}

// Shifts is Shift, nil if it is 0.
func (d *Data) Shifts() []float64 {
	if shifted(d.Shift) {
		return d.Shift
	}
	return nil
}

// warnOfStrays notes numbers that may stand for missing values, of features as they stand in the file.
func (d *Data) warnOfStrays(o Options) {
	F := len(d.Features)
	for k, name := range d.Features {
		var low, high extreme
		between := 0
		for i := k; i < len(d.X) && d.Shift[k] == 0; i += F {
			switch x := float64(d.X[i]); {
			case x != x || x == 0 && o.Missing == MissingZero:
			case low.others > 0 && high.others > 0 && x > low.next && x < high.next: // of most, in a short way
				between++
			default:
				low.add(x, x < low.value)
				high.add(x, x > high.value)
			}
		}
		low.others, high.others = low.others+between, high.others+between
		for _, note := range strayNotes(&low, &high) {
			d.Warnings = append(d.Warnings, table.Warning{Column: name, Text: note})
		}
	}
}

// warnOfShifts notes what has been taken off.
func (d *Data) warnOfShifts() {
	for k, s := range d.Shift {
		if s != 0 {
			d.Warnings = append(d.Warnings, table.Warning{Column: d.Features[k],
				Text: fmt.Sprintf("32-bit floats do not tell its values apart, so %s is taken off them before, here and where the model is used", TimeText(s, false))})
		}
	}
}
