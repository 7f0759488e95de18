package label

import (
	"context"
	"fmt"
	"runtime"
	"slices"

	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
	"github.com/rnnbin/rnnbin/graph/model"
)

// Task is what a model does, but for its networks.
type Task struct {
	Features    []string      // [R] names of the features of a row, in the order of its values
	Classes     []string      // [C] names of the labels
	Threshold   float64       // of two classes: a row is of the second if that has at least this probability
	Horizon     int           // a network gives at row i the label of row i+Horizon
	SeriesScale inputs.Within // how features are scaled within their series too
	Fill        []float32     // [R] what stands in for a value that is NaN
}

// Model is a trained model, ready to label. Any number of goroutines may use it.
type Model struct {
	task     Task
	engine   *engine
	progress func(rows int)
	close    func() error
}

// Open reads the model in a folder, as `rnnbin train` makes it, and starts its networks with
// as many threads as make them faster. What is wrong with the folder is a *[model.Error] that
// names the file, and the field in it. Close the model after use.
func Open(folder string) (*Model, error) {
	f, err := model.Open(folder)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Load(f, graph.Machine{})
}

// Load starts the networks of a model folder on a machine of one's own choice, Threads 0
// being as many as make them faster. The folder may be closed afterwards.
func Load(f *model.Opened, on graph.Machine) (*Model, error) {
	return load(f, f.Network, f.Weights, taskOf(f.Model), on)
}

// LoadRival is [Load] for the logistic regression that a folder may keep to compare its
// networks with; nil if it has none.
func LoadRival(f *model.Opened, on graph.Machine) (*Model, error) {
	if f.Rival == nil {
		return nil, nil
	}
	t := taskOf(f.Model)
	t.Threshold = f.Rival.Threshold
	return load(f, f.Rival.Network, []model.Weights{f.Rival.Weights}, t, on)
}

func taskOf(m *model.Model) Task {
	return Task{m.Columns.Features, m.Classes, m.Threshold, m.Horizon, m.SeriesScale, m.Profile.Mean}
}

func load(f *model.Opened, n graph.Network, weights []model.Weights, t Task, on graph.Machine) (*Model, error) {
	if on.Threads == 0 {
		on.Threads = n.SuggestThreads(windowsOf(n, len(weights))*len(weights), runtime.GOMAXPROCS(0))
	}
	p, err := graph.NewEnsemble(n, len(weights), on)
	if err != nil {
		return nil, err
	}
	for i, member := range p.Members() {
		if err := member.Restore(f.Checkpoint(weights[i])); err != nil {
			p.Close()
			return nil, err
		}
	}
	m, err := New(p, t)
	if err != nil {
		p.Close()
		return nil, err
	}
	m.close = p.Close
	return m, nil
}

// New is a model of networks that are there already, such as one in training. They stay the
// caller's to close.
func New(n Network, t Task) (*Model, error) {
	c := n.Network()
	if columns := t.SeriesScale.Columns(len(t.Features)); columns != c.Features {
		return nil, &graph.ShapeError{Name: "Features", Want: fmt.Sprintf("names for %d inputs", c.Features), Got: fmt.Sprint(columns)}
	}
	if len(t.Classes) != c.Classes {
		return nil, &graph.ShapeError{Name: "Classes", Want: fmt.Sprintf("%d names", c.Classes), Got: fmt.Sprint(len(t.Classes))}
	}
	if len(t.Fill) != len(t.Features) {
		return nil, &graph.ShapeError{Name: "Fill", Want: fmt.Sprintf("%d values", len(t.Features)), Got: fmt.Sprint(len(t.Fill))}
	}
	t = t.clone()
	return &Model{task: t, engine: newEngine(n, t)}, nil
}

func (t Task) clone() Task {
	t.Features, t.Classes, t.Fill = slices.Clone(t.Features), slices.Clone(t.Classes), slices.Clone(t.Fill)
	return t
}

// Close frees the networks that [Open] or [Load] has started.
func (m *Model) Close() error {
	if m.close == nil {
		return nil
	}
	return m.close()
}

// Task is what the model does.
func (m *Model) Task() Task { return m.task.clone() }

// Class is the name of a class by its number, as [Answers] has it.
func (m *Model) Class(number int16) string { return m.task.Classes[number] }

// WithThreshold is the model with another threshold. It shares the networks: close either.
func (m *Model) WithThreshold(threshold float64) *Model {
	other := *m
	other.task.Threshold = threshold
	return &other
}

// WithProgress is the model with a function that [Model.Label] calls now and then with the
// number of rows that it has labelled since. It shares the networks: close either.
func (m *Model) WithProgress(labelled func(rows int)) *Model {
	other := *m
	other.progress = labelled
	return &other
}

// Series is a series, or rows of one.
type Series struct {
	// Values are all rows of the series, [n,R], row after row, as they were measured. NaN
	// is a value that is missing.
	Values []float32

	// From and To are the rows to label, From to To-1, in the light of the others; 0 and 0
	// for all.
	From, To int
}

// Answers are those to N rows.
type Answers struct {
	Class       []int16   // [N] number of the class
	Score       []float32 // [N] the probability of that class
	Probability []float32 // [N,C] of each class
	Padded      []bool    // [N] the answer rests on repeated rows, see the package comment on horizons
}

// Len is the number of rows, N.
func (a Answers) Len() int { return len(a.Class) }

// of are the answers that probabilities [n,C] give.
func (m *Model) of(probability []float32, padded []bool) Answers {
	n := len(padded)
	a := Answers{make([]int16, n), make([]float32, n), probability, padded}
	for i := range n {
		row := m.engine.row(probability, i)
		a.Class[i] = decide(row, m.task.Threshold)
		a.Score[i] = row[a.Class[i]]
	}
	return a
}

// decide is the class that a row's probabilities [C] give: of two classes 1 if its
// probability is at least the threshold, of more the first of the largest probability.
func decide(probability []float32, threshold float64) int16 {
	if len(probability) == 2 {
		if float64(probability[1]) >= threshold {
			return 1
		}
		return 0
	}
	class := 0
	for k, p := range probability {
		if p > probability[class] {
			class = k
		}
	}
	return int16(class)
}

// chunk is how many rows Label hands over at a time.
const chunk = 8192

// Label labels series, and returns the answers to the rows of one after those of the other.
// Memory does not grow with their lengths, but for the answers. A row that has no finite
// answer is a *[RowError]. When ctx ends, its error is returned soon after.
func (m *Model) Label(ctx context.Context, all ...Series) (Answers, error) {
	l, err := m.newLabelling(all)
	if err != nil {
		return Answers{}, err
	}
	for i := range all {
		if err := l.push(ctx, i); err != nil {
			return Answers{}, l.inSeries(err)
		}
	}
	if err := l.s.Flush(ctx); err != nil {
		return Answers{}, l.inSeries(err)
	}
	l.take()
	return m.of(l.probability, l.padded), nil
}

// labelling is one call of Label.
type labelling struct {
	m     *Model
	all   []Series
	parts []part // what is run of each series
	s     *Streams

	of, row     int // the series and the row in its part of the next answer
	probability []float32
	padded      []bool
}

// part is the rows start to end-1 of a series, of which from to to-1 are asked for.
type part struct{ start, from, to, end int }

func (m *Model) newLabelling(all []Series) (*labelling, error) {
	l := &labelling{m: m, all: all, s: m.Streams(nil)}
	rows, R := 0, m.engine.raw
	for i, s := range all {
		n := len(s.Values) / R
		if len(s.Values)%R != 0 {
			return nil, &graph.ShapeError{Name: fmt.Sprintf("Series[%d].Values", i), Want: fmt.Sprintf("rows of %d features", R), Got: fmt.Sprintf("%d values", len(s.Values))}
		}
		if at := infinite(s.Values); at >= 0 {
			return nil, &RowError{i, at / R, l.s.infinity(s.Values, at)}
		}
		if s.From == 0 && s.To == 0 {
			s.To = n
		}
		if s.From < 0 || s.From > s.To || s.To > n {
			return nil, &graph.ShapeError{Name: fmt.Sprintf("Series[%d]", i), Want: fmt.Sprintf("a part of %d rows", n), Got: fmt.Sprintf("rows %d to %d", s.From, s.To)}
		}
		p := part{from: s.From, to: s.To}
		p.start, p.end = m.engine.needed(n, s.From, s.To)
		l.parts = append(l.parts, p)
		rows += s.To - s.From
	}
	l.probability, l.padded = make([]float32, 0, rows*m.engine.classes), make([]bool, 0, rows)
	l.s.moments = l.moments
	return l, nil
}

// moments are those that the rows of a part are scaled by: of all rows of the series or, with
// a running scale, of those before the part.
func (l *labelling) moments(series int32) (*inputs.Moments, error) {
	R := l.m.engine.raw
	x := l.all[series].Values
	if l.m.task.SeriesScale == inputs.Running {
		x = x[:l.parts[series].start*R]
	}
	moments := inputs.NewMoments(R)
	for rows := range slices.Chunk(x, chunk*R) {
		moments.Add(inputs.Fill(rows, l.m.task.Fill))
	}
	return moments, nil
}

// push runs the part of a series.
func (l *labelling) push(ctx context.Context, i int) error {
	R, p := l.m.engine.raw, l.parts[i]
	for rows := range slices.Chunk(l.all[i].Values[p.start*R:p.end*R], chunk*R) {
		if err := l.s.pushSeries(ctx, int32(i), rows); err != nil {
			return err
		}
		l.take()
	}
	return l.s.End(ctx, int32(i))
}

// take keeps the answers that were asked for.
func (l *labelling) take() {
	probability, padded := l.s.queue.take(l.s.Ready())
	if l.m.progress != nil {
		l.m.progress(len(padded))
	}
	C := l.m.engine.classes
	for len(padded) > 0 {
		p := l.parts[l.of]
		n := min(p.end-p.start-l.row, len(padded))
		from := min(max(p.from-p.start-l.row, 0), n)
		to := min(max(p.to-p.start-l.row, from), n)
		l.probability, l.padded = append(l.probability, probability[from*C:to*C]...), append(l.padded, padded[from:to]...)
		probability, padded = probability[n*C:], padded[n:]
		if l.row += n; l.row == p.end-p.start {
			l.of, l.row = l.of+1, 0
		}
	}
}

// inSeries makes the row of a RowError, which counts those that were run, one of a series.
func (l *labelling) inSeries(err error) error {
	at, ok := err.(*RowError)
	if !ok {
		return err
	}
	row := at.Row
	for i, p := range l.parts {
		if row < p.end-p.start {
			return &RowError{i, p.start + row, at.Err}
		}
		row -= p.end - p.start
	}
	return err
}
