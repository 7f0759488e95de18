package series

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// lookColumns are columns as files have them: what stands in row i.
var lookColumns = map[string]func(r *rand.Rand, i int) string{
	"x":           func(r *rand.Rand, _ int) string { return fmt.Sprintf("%.3f", r.NormFloat64()) },
	"holey":       func(r *rand.Rand, i int) string { return []string{"", "NA", "1.5"}[r.IntN(3)] },
	"infinite":    func(r *rand.Rand, i int) string { return []string{"1", "2.5", "inf", "1e60"}[r.IntN(4)] },
	"question":    func(_ *rand.Rand, i int) string { return []string{"1", "?"}[i%20/19] },
	"time":        func(_ *rand.Rand, i int) string { return fmt.Sprint(i % 60) },
	"sample":      func(_ *rand.Rand, i int) string { return fmt.Sprint(i) },
	"date":        func(_ *rand.Rand, i int) string { return fmt.Sprintf("2024-01-%02d", 1+i%30) },
	"when":        func(_ *rand.Rand, i int) string { return fmt.Sprintf("2024-01-01 10:%02d:00", i%60) },
	"late":        func(_ *rand.Rand, i int) string { return []string{"2024-01-01", "soon"}[i/100] },
	"subject":     func(_ *rand.Rand, i int) string { return fmt.Sprint(i / 60) },
	"device_id":   func(_ *rand.Rand, i int) string { return []string{"a", "b"}[i%2] },
	"rig":         func(_ *rand.Rand, i int) string { return fmt.Sprint(i / 30) },
	"label":       func(r *rand.Rand, _ int) string { return []string{"0", "1", ""}[r.IntN(3)] },
	"state":       func(r *rand.Rand, _ int) string { return []string{"on", "off", "none"}[r.IntN(3)] },
	"class":       func(r *rand.Rand, _ int) string { return []string{"1", "2", "3"}[r.IntN(3)] },
	"changepoint": func(r *rand.Rand, _ int) string { return fmt.Sprint(r.IntN(2)) },
	"probability": func(r *rand.Rand, _ int) string { return fmt.Sprint(r.Float32()) },
	"predicted_label": func(r *rand.Rand, _ int) string {
		return fmt.Sprint(r.IntN(2))
	},
	"": func(_ *rand.Rand, i int) string { return fmt.Sprint(i) },
}

// What Look makes of any mixture of columns can be read.
func TestLookMixtures(t *testing.T) {
	names := []string{"x", "holey", "infinite", "question", "time", "sample", "date", "when", "late", "subject", "device_id", "rig", "label", "state", "class", "changepoint", "probability", "predicted_label", ""}
	guessed := map[string]int{}
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 0))
		r.Shuffle(len(names), func(i, k int) { names[i], names[k] = names[k], names[i] })
		chosen := names[:2+r.IntN(8)]
		var file bytes.Buffer
		fmt.Fprintln(&file, strings.Join(chosen, ";"))
		for i := range 180 {
			for k, name := range chosen {
				if k > 0 {
					file.WriteByte(';')
				}
				file.WriteString(lookColumns[name](r, i))
			}
			file.WriteByte('\n')
		}
		checkLook(t, file.Bytes(), Options{LabelOptional: true, Missing: MissingError})
		if s, err := look(context.Background(), []string{table.Stdin}, &file, Options{}); err != nil {
			t.Error(err)
		} else if len(s.Guess.Features) > 0 {
			guessed["label "+s.Guess.Label]++
			guessed["series "+s.Guess.Series]++
			guessed["time "+s.Guess.Time]++
		}
		if t.Failed() {
			t.Fatalf("seed %d, columns %q", seed, chosen)
		}
	}
	for _, want := range []string{"label label", "label state", "label class", "label ", "series subject", "series device_id", "series rig", "series ", "time sample", "time date", "time when", "time time", "time "} {
		if guessed[want] == 0 {
			t.Errorf("never guessed: %s; %v", want, guessed)
		}
	}
	for _, never := range []string{"label predicted_label", "label subject", "time late", "series label"} {
		if guessed[never] > 0 {
			t.Errorf("guessed: %s", never)
		}
	}
}

// Where times are timestamps by their type, the gap that is suggested is a duration.
func TestLookGapsOfTypedTimes(t *testing.T) {
	var rows []string
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 300 {
		rows = append(rows, fmt.Sprintf(`{"when":%q,"x":%d,"label":%d}`, start.Add(time.Duration(i%200)*time.Second).Format(time.RFC3339), i%7, i/10%2))
	}
	path := writeTable(t, []arrow.Field{field("when", arrow.FixedWidthTypes.Timestamp_ms), field("x", arrow.PrimitiveTypes.Float64), field("label", arrow.PrimitiveTypes.Int8)},
		"["+strings.Join(rows, ",")+"]")
	s, err := Look(t.Context(), []string{path}, Options{})
	if err != nil || s.Guess.Time != "when" || s.Guess.MaxGap != "10s" || s.Gaps.Step != "1s" {
		t.Fatalf("%+v, %v", s, err)
	}
	o := Options{Label: "label", Time: "when", MaxGap: s.Guess.MaxGap, Missing: MissingError}
	if d, err := Read(t.Context(), []string{path}, o); err != nil || len(d.Series) != 2 {
		t.Errorf("%v, %v", d, err)
	}
}

// Files may have their columns in another order, and others beside them, as those that train have.
func TestLookAtColumnsInOtherOrder(t *testing.T) {
	first := writeFile(t, "a.csv", lines("time,a,label", 60, func(i int) string { return fmt.Sprintf("%d,%d.5,%d", i, i%7, i/8%2) }))
	other := writeFile(t, "b.csv", lines("label;b;a;time", 60, func(i int) string { return fmt.Sprintf("%d;x;%d,5;%d", i/8%2, i%7, i) }))
	s, err := Look(t.Context(), []string{first, other}, Options{})
	if err != nil || s.Rows != 120 || s.Guess.Time != "time" || s.Columns[1].Type != Numbers || *s.Columns[1].High != 6.5 || len(s.Columns[2].Values) != 2 {
		t.Errorf("%+v, %v", s, err)
	}
	lacking := writeFile(t, "c.csv", lines("label,time", 60, func(i int) string { return fmt.Sprintf("%d,%d", i/8%2, i) }))
	if _, err := Look(t.Context(), []string{first, lacking}, Options{}); err == nil || !strings.Contains(err.Error(), "it has other columns than") {
		t.Errorf("without a column: %v", err)
	}
}
