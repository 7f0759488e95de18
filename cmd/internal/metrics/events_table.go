package metrics

import (
	"strconv"
)

// tables are a line for each metric, and for more classes than the background and one other
// a line for each of those.
func (e *Events) tables() [][][]string {
	if e == nil {
		return nil
	}
	tables := [][][]string{e.rows()}
	if len(e.Overlap.Classes) > 1 {
		tables = append(tables, e.classRows())
	}
	return tables
}

// rows has a column for each way in which events are paired.
func (e *Events) rows() [][]string {
	ways, head := []*EventScores{&e.Overlap}, []string{"events, by", "overlap"}
	if e.Onset != nil {
		ways = append(ways, e.Onset)
		head = append(head, "onset within "+strconv.FormatFloat(float64(*e.Tolerance), 'g', -1, 64))
	}
	unit := ""
	if e.Unit != "time" {
		unit = ", " + e.Unit
	}
	rows := [][]string{head, {"labelled"}, {"found"}, {"right"}, {"sensitivity"}, {"precision"}, {"event F1"},
		{"onset error" + unit}, {"onset error, absolute"}, {"offset error" + unit}, {"offset error, absolute"}}
	alarms := "false alarms in 1000 rows"
	if e.Unit == "seconds" {
		alarms = "false alarms an hour"
	}
	rows = append(rows, []string{alarms})
	for _, s := range ways {
		rate := s.PerRows
		if e.Unit == "seconds" {
			rate = s.PerHour
		}
		column := append([]string{strconv.Itoa(s.Labelled), strconv.Itoa(s.Found), strconv.Itoa(s.Right)},
			show(s.Sensitivity, s.Precision, s.F1, s.OnsetError.Mean, s.OnsetError.MeanAbsolute,
				s.OffsetError.Mean, s.OffsetError.MeanAbsolute, rate)...)
		for i, cell := range column {
			rows[i+1] = append(rows[i+1], cell)
		}
	}
	return rows
}

// classRows has a line for each class, by overlap.
func (e *Events) classRows() [][]string {
	rows := [][]string{{"events", "labelled", "found", "right", "sensitivity", "precision", "F1"}}
	for _, c := range e.Overlap.Classes {
		rows = append(rows, append([]string{short(c.Name), strconv.Itoa(c.Labelled), strconv.Itoa(c.Found), strconv.Itoa(c.Right)},
			show(c.Sensitivity, c.Precision, c.F1)...))
	}
	return rows
}
