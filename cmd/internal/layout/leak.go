package layout

import "github.com/rnnbin/rnnbin/cmd/internal/series"

// fewValues is how many values a feature has at most that may be the label in another form, such as
// its number or an indicator of a class. Measurements have more.
const fewValues = 20

// SayLabel returns the features, by name, of few values, each in rows of one label only, which is that
// of the row a horizon later: whoever knows them needs no network.
func SayLabel(d *series.Data, parts []series.Range, horizon int) (names []string) {
	for k, name := range d.Features {
		if saysLabel(d, parts, k, horizon) {
			names = append(names, name)
		}
	}
	return names
}

// saysLabel reports whether feature k does.
func saysLabel(d *series.Data, parts []series.Range, k, horizon int) bool {
	type value struct {
		label int16
		again bool // it is not of one row only
	}
	values, labels := map[float32]value{}, map[int16]bool{}
	for _, p := range parts {
		for i := p.Start; i+horizon < p.End; i++ {
			x, label := d.X[i*len(d.Features)+k], d.Labels[i+horizon]
			if label == series.Unlabelled || x != x {
				continue
			}
			v, again := values[x]
			if again && v.label != label || len(values) > fewValues {
				return false
			}
			if !v.again {
				values[x], labels[label] = value{label, again}, true
			}
		}
	}
	for _, v := range values {
		if !v.again {
			return false
		}
	}
	return len(labels) > 1
}
