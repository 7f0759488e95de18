package table

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Names of columns of the steps of series that were a row each.
const (
	SeriesColumn = "series" // the number of the row that was the series, from 1 in the first file
	StepColumn   = "step"   // from 0
	valueColumn  = "value"
	labelColumn  = "label"
)

// ErrWide is the error for a file of the UEA and UCR archives in their own format that is not read as wide.
var ErrWide = errors.New("each row of this file is a series (Options.Layout wide)")

// wideRow is a series: [features][steps] of values, and its other columns.
type wideRow struct {
	values [][]float64
	others []string
}

// wideRows are the rows of a file in which each is a series.
type wideRows interface {
	// columns names the features, and the other columns.
	columns() (features, others []string)
	// next is the next series, and behind the last one io.EOF.
	next() (wideRow, error)
}

// wideReader makes a row of each step of the series, as batches of Arrow.
type wideReader struct {
	rows    wideRows
	builder *array.RecordBuilder
	others  int // the first column of them
	series  int
}

// openWide opens rows that are series. The columns to keep are no steps of them.
func (d *arrowDecoder) openWide(s *source, o Options) error {
	rows, err := newWideRows(s, o)
	if err != nil {
		return err
	}
	features, others := rows.columns()
	field := func(name string, t arrow.DataType) arrow.Field {
		return arrow.Field{Name: name, Type: t, Nullable: true}
	}
	var fields []arrow.Field
	if !slices.Contains(others, SeriesColumn) {
		fields = append(fields, field(SeriesColumn, arrow.PrimitiveTypes.Int64))
	}
	fields = append(fields, field(StepColumn, arrow.PrimitiveTypes.Int64))
	for _, name := range features {
		fields = append(fields, field(name, arrow.PrimitiveTypes.Float64))
	}
	w := &wideReader{rows: rows, others: len(fields), series: o.From}
	for _, name := range others {
		fields = append(fields, field(name, arrow.BinaryTypes.String))
	}
	d.describe(arrow.NewSchema(fields, nil))
	w.builder, d.batches = array.NewRecordBuilder(memory.NewGoAllocator(), d.schema), w
	return nil
}

// Read reads some series, at least one step.
func (w *wideReader) Read() (arrow.RecordBatch, error) {
	const steps = 8192
	n := 0
	for n < steps {
		row, err := w.rows.next()
		if err == io.EOF && n > 0 {
			break
		}
		if err != nil {
			return nil, err
		}
		w.series++
		n += w.add(row)
	}
	return w.builder.NewRecordBatch(), nil
}

// add adds the steps of a series, up to the last one of which something is known.
func (w *wideReader) add(row wideRow) (steps int) {
	for _, values := range row.values {
		for i, x := range values {
			if x == x {
				steps = max(steps, i+1)
			}
		}
	}
	features := w.others - len(row.values)
	for i := range steps {
		if features == 2 {
			w.builder.Field(0).(*array.Int64Builder).Append(int64(w.series))
		}
		w.builder.Field(features - 1).(*array.Int64Builder).Append(int64(i))
		for k, values := range row.values {
			to := w.builder.Field(features + k).(*array.Float64Builder)
			if i < len(values) && values[i] == values[i] {
				to.Append(values[i])
			} else {
				to.AppendNull()
			}
		}
		for k, text := range row.others {
			if to := w.builder.Field(w.others + k).(*array.StringBuilder); text == "" {
				to.AppendNull()
			} else {
				to.Append(text)
			}
		}
	}
	return steps
}

func newWideRows(s *source, o Options) (wideRows, error) {
	if s.text != nil {
		body := bufio.NewReaderSize(s.body, blockSize)
		if s.body = body; isTS(body) {
			return newTSRows(body)
		}
	}
	d, err := newDecoder(s, s.wide, o)
	if err != nil {
		return nil, err
	}
	return newWideTable(d, o.Keep)
}

// wideTable is a table in which each row is a series.
type wideTable struct {
	decoder
	batch    Batch
	at       int
	features []string
	steps    [][]int // [features][steps] columns
	names    []string
	rest     []int // columns
}

var numbered = regexp.MustCompile(`^(.*?)[._ ]*([0-9]+)$`)

func newWideTable(d decoder, keep []string) (*wideTable, error) {
	w := &wideTable{decoder: d}
	names := d.about().names
	label := -1
	if d.about().text() && d.about().header == nil && !slices.ContainsFunc(keep, func(name string) bool { return slices.Contains(names, name) }) {
		label = 0 // as in the UCR archive
	}
	families, order := map[string][]int{}, []string(nil)
	for i, name := range names {
		m := numbered.FindStringSubmatch(name)
		if m == nil || i == label || slices.Contains(keep, name) {
			continue
		}
		if families[m[1]] == nil {
			order = append(order, m[1])
		}
		families[m[1]] = append(families[m[1]], i)
	}
	longest := 0
	for _, columns := range families {
		longest = max(longest, len(columns))
	}
	if longest < 2 {
		return nil, fmt.Errorf("no columns look like the steps of a series in each row, as t0, t1, t2 and so on do (Options.Layout); columns: %s", List(names))
	}
	for _, name := range order {
		if len(families[name]) == longest {
			w.features, w.steps = append(w.features, name), append(w.steps, families[name])
		}
	}
	if len(w.features) == 1 {
		w.features[0] = valueColumn
	}
	all := slices.Concat(w.steps...)
	for i, name := range names {
		switch {
		case slices.Contains(all, i) || name == "":
		case i == label:
			w.names, w.rest = append(w.names, labelColumn), append(w.rest, i)
		default:
			w.names, w.rest = append(w.names, name), append(w.rest, i)
		}
	}
	return w, nil
}

// LooksWide reports whether columns are called like the steps of a series in each row.
func LooksWide(names []string) bool {
	const least, others = 20, 3
	w, err := newWideTable(&textDecoder{layout: layout{names: names, comma: ',', header: []byte{}}}, nil)
	if err != nil || len(w.steps) > 1 || len(w.steps[0]) < least || len(w.rest) > others {
		return false
	}
	return stepsName.MatchString(names[w.steps[0][0]]) && !slices.ContainsFunc(w.names, timeLike.MatchString)
}

// LooksArchived reports whether a file is called as the UCR archive calls those whose rows are series, under no names.
func LooksArchived(file string) bool { return archived.MatchString(file) }

// onlyNumbers reports whether a line of text holds nothing else.
func onlyNumbers(line []byte) bool {
	fields := bytes.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(",;|\t ", r) })
	return len(fields) > 0 && !slices.ContainsFunc(fields, func(f []byte) bool { return !looksNumeric(f) && !IsMissing(f) })
}

var (
	archived  = regexp.MustCompile(`_(TRAIN|TEST)\.(tsv|txt|csv)$`)
	stepsName = regexp.MustCompile(`^(?i:t|time|step|att|ts|val|value)?[._ ]*[0-9]+$`)
	timeLike  = regexp.MustCompile(`(?i)time|date|sample|index`)
)

func (w *wideTable) columns() (features, others []string) { return w.features, w.names }

func (w *wideTable) next() (row wideRow, err error) {
	if w.at == w.batch.Len() {
		const rows = 64
		w.batch.reset(w.about())
		err := w.read(&w.batch, rows)
		w.batch.finish()
		if w.at = 0; w.batch.Len() == 0 {
			return row, err
		}
	}
	i := w.at
	w.at++
	for _, steps := range w.steps {
		var values []float64
		for _, k := range steps {
			c, x := &w.batch.Columns[k], 0.
			if c.Type != Text {
				x = c.Float(i)
			} else if x, err = wideValue(c.Text(i)); err != nil {
				return row, &Error{Line: w.batch.Lines[i], Column: w.about().names[k], Err: err}
			}
			values = append(values, x)
		}
		row.values = append(row.values, values)
	}
	for _, k := range w.rest {
		row.others = append(row.others, string(bytes.TrimSpace(w.batch.Columns[k].AppendText(nil, i))))
	}
	return row, nil
}

func wideValue(text []byte) (float64, error) {
	if text == nil || IsMissing(text) || string(bytes.TrimSpace(text)) == "?" {
		return math.NaN(), nil
	}
	x, err := ParseNumber(text, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is not a number", Excerpt(bytes.TrimSpace(text)))
	}
	return x, nil
}

// tsRows is a file of the UEA and UCR archives in their own format: lines that begin with @ and, behind @data, one of each series,
// whose dimensions and label have colons between them.
type tsRows struct {
	r          *bufio.Reader
	line       int
	dimensions int // 0: not known
	labelled   bool
	first      *wideRow
}

var tsBegin = regexp.MustCompile(`(?i)^\s*(#[^\n]*\n\s*)*@(problemName|timeStamps|univariate|classLabel|missing)\b`)

func isTS(r *bufio.Reader) bool {
	r.Peek(1)
	head, _ := r.Peek(r.Buffered())
	return tsBegin.Match(head)
}

func newTSRows(r *bufio.Reader) (*tsRows, error) {
	t := &tsRows{r: r, labelled: true}
	for {
		text, err := t.text()
		if err != nil {
			return nil, errors.New("the file ends before @data")
		}
		field := strings.Fields(strings.ToLower(text))
		switch {
		case len(field) == 0:
		case field[0] == "@data":
			row, err := t.next()
			if err != nil {
				return nil, err
			}
			t.first, t.dimensions = &row, len(row.values)
			return t, nil
		case field[0] == "@timestamps" && len(field) > 1 && field[1] == "true":
			return nil, &Error{Line: t.line, Err: errors.New("values with times are not read")}
		case field[0] == "@classlabel", field[0] == "@targetlabel":
			t.labelled = len(field) > 1 && field[1] == "true"
		}
	}
}

// text is the next line that is no comment.
func (t *tsRows) text() (string, error) {
	for {
		text, err := t.r.ReadString('\n')
		if len(text) > 4*maxRecord || err != nil && text == "" {
			return "", err
		}
		t.line++
		if text = strings.TrimSpace(text); text != "" && text[0] != '#' {
			return text, nil
		}
	}
}

func (t *tsRows) columns() (features, others []string) {
	features = []string{valueColumn}
	if t.dimensions > 1 {
		features = nil
		for i := range t.dimensions {
			features = append(features, fmt.Sprintf("dim_%d", i))
		}
	}
	if t.labelled {
		others = []string{labelColumn}
	}
	return features, others
}

func (t *tsRows) next() (row wideRow, err error) {
	if t.first != nil {
		row, t.first = *t.first, nil
		return row, nil
	}
	text, err := t.text()
	if err != nil {
		return row, err
	}
	parts := strings.Split(text, ":")
	if t.labelled {
		last := len(parts) - 1
		row.others, parts = []string{strings.TrimSpace(parts[last])}, parts[:last]
	}
	if len(parts) == 0 || t.dimensions > 0 && len(parts) != t.dimensions {
		return row, &Error{Line: t.line, Err: fmt.Errorf("the series has %d dimensions, and others have %d", len(parts), t.dimensions)}
	}
	for _, part := range parts {
		var values []float64
		for value := range strings.SplitSeq(part, ",") {
			x, err := wideValue([]byte(value))
			if err != nil {
				return row, &Error{Line: t.line, Err: err}
			}
			values = append(values, x)
		}
		row.values = append(row.values, values)
	}
	return row, nil
}
