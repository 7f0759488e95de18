package label

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
	"github.com/rnnbin/rnnbin/graph/model"
)

// Task is what a model does, but for its networks.
type Task struct {
	Features  []string  // [R] names of the features of a row, in the order of its values
	Classes   []string  // [C] names of the labels
	Threshold float64   // of two classes: a row is of the second if that has at least this probability
	Fill      []float32 // [R] what stands in for a value that is NaN
	Shift     []float64 // [R] what [Model.Values] takes off measured values; nil: nothing
}

// Kind is networks of one shape, which answer together: see [graph.NewEnsemble].
type Kind struct {
	Networks Network
	Inputs   inputs.Inputs // what they get of a row
	Horizon  int           // they give at row i the label of row i+Horizon
}

// Model is a trained model, ready to label. Any number of goroutines may use it.
type Model struct {
	task     Task
	engines  []*engine // of the kinds
	progress func(rows int)
	started  ensembles
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
	return load(f, f.Kinds, f.Threshold, on)
}

// LoadRival is [Load] for the logistic regression that a folder may keep to compare its
// networks with; nil if it has none.
func LoadRival(f *model.Opened, on graph.Machine) (*Model, error) {
	if f.Rival == nil {
		return nil, nil
	}
	return load(f, []model.Kind{f.Rival.Kind}, f.Rival.Threshold, on)
}

func load(f *model.Opened, all []model.Kind, threshold float64, on graph.Machine) (*Model, error) {
	var started ensembles
	var kinds []Kind
	for _, k := range all {
		p, err := start(f, k, on)
		if err != nil {
			started.close()
			return nil, err
		}
		started, kinds = append(started, p), append(kinds, Kind{p, k.Inputs, k.Horizon})
	}
	m, err := New(Task{f.Columns.Features, f.Classes, threshold, f.Profile.Mean, f.Columns.Shift}, kinds...)
	if err != nil {
		started.close()
		return nil, err
	}
	m.started = started
	return m, nil
}

type ensembles []*graph.Predictor

func (all ensembles) close() error {
	var failed error
	for _, p := range all {
		failed = errors.Join(failed, p.Close())
	}
	return failed
}

// start starts the networks of a kind.
func start(f *model.Opened, k model.Kind, on graph.Machine) (*graph.Predictor, error) {
	members := len(k.Weights)
	if on.Threads == 0 {
		on.Threads = k.Network.SuggestThreads(windowsOf(k.Network, members)*members, runtime.GOMAXPROCS(0))
	}
	p, err := graph.NewEnsemble(k.Network, members, on)
	if err != nil {
		return nil, err
	}
	for i, member := range p.Members() {
		if err := member.Restore(f.Checkpoint(k.Weights[i])); err != nil {
			p.Close()
			return nil, err
		}
	}
	return p, nil
}

// New is a model of networks that are there already, such as one in training, of one kind or
// several, which answer together as [graph.Loss.Mean] has it. They stay the caller's to close.
func New(t Task, kinds ...Kind) (*Model, error) {
	if len(kinds) == 0 {
		return nil, &graph.ShapeError{Name: "kinds", Want: "one or more", Got: "0"}
	}
	if len(t.Fill) != len(t.Features) {
		return nil, &graph.ShapeError{Name: "Fill", Want: fmt.Sprintf("%d values", len(t.Features)), Got: fmt.Sprint(len(t.Fill))}
	}
	if n := len(t.Shift); t.Shift != nil && n != len(t.Features) {
		return nil, &graph.ShapeError{Name: "Shift", Want: fmt.Sprintf("%d values", len(t.Features)), Got: fmt.Sprint(n)}
	}
	m := &Model{task: t.clone()}
	for _, k := range kinds {
		if err := k.check(t); err != nil {
			return nil, err
		}
		if loss := k.Networks.Network().Loss; loss == graph.MSE && len(kinds) > 1 {
			return nil, &graph.ShapeError{Name: "kinds", Want: fmt.Sprintf("one where networks are trained with the loss %s, as the mean of odds is not for them", loss), Got: fmt.Sprint(len(kinds))}
		}
		m.engines = append(m.engines, newEngine(k, len(t.Features)))
	}
	return m, nil
}

// check reports networks that do not fit a task.
func (k Kind) check(t Task) error {
	if err := k.Inputs.Validate(len(t.Features)); err != nil {
		return fmt.Errorf("inputs: %w", err)
	}
	c := k.Networks.Network()
	if n := k.Inputs.Columns(len(t.Features)); n != c.Features {
		return &graph.ShapeError{Name: "Features", Want: fmt.Sprintf("names for %d inputs", c.Features), Got: fmt.Sprint(n)}
	}
	if len(t.Classes) != c.Classes {
		return &graph.ShapeError{Name: "Classes", Want: fmt.Sprintf("%d names", c.Classes), Got: fmt.Sprint(len(t.Classes))}
	}
	return nil
}

func (t Task) clone() Task {
	t.Features, t.Classes, t.Fill, t.Shift = slices.Clone(t.Features), slices.Clone(t.Classes), slices.Clone(t.Fill), slices.Clone(t.Shift)
	return t
}

// Close frees the networks that [Open] or [Load] has started.
func (m *Model) Close() error { return m.started.close() }

// Task is what the model does.
func (m *Model) Task() Task { return m.task.clone() }

// Kinds are the kinds of networks.
func (m *Model) Kinds() []Kind {
	kinds := make([]Kind, len(m.engines))
	for i, l := range m.engines {
		kinds[i] = Kind{l.network, l.inputs, l.Lead - l.Lag}
	}
	return kinds
}

// Values are rows [n,R] as they were measured, less the shift of the task, as float32: those that the model takes. NaN
// stays NaN.
func (m *Model) Values(rows []float64) []float32 {
	x, shift := make([]float32, len(rows)), m.task.Shift
	for i, v := range rows {
		if shift != nil {
			v -= shift[i%len(shift)]
		}
		x[i] = float32(v)
	}
	return x
}

// ScalesWhole reports whether features are scaled by all rows of their series, so that
// [Model.Streams] needs the moments of these.
func (m *Model) ScalesWhole() bool {
	return slices.ContainsFunc(m.engines, func(l *engine) bool { return l.inputs.SeriesScale == inputs.Whole })
}

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
	// Values are all rows of the series, [n,R], row after row, as they were measured, less the
	// shift of a task that has one, see [Model.Values]. NaN is a value that is missing.
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

// known is what a kind answers to n rows.
type known struct {
	probability []float32 // [n,C]
	padded      []bool    // [n]
}

// of are the answers that the kinds come to together. It may take the first one's memory.
func (m *Model) of(kinds []known) Answers {
	probability, padded := kinds[0].probability, kinds[0].padded
	C := len(m.task.Classes)
	if len(kinds) > 1 {
		all := make([][]float32, len(kinds))
		for i, k := range kinds {
			all[i] = k.probability
			for i, p := range k.padded {
				padded[i] = padded[i] || p
			}
		}
		probability = graph.OneHotXent.Mean(C, all...)
	}
	n := len(padded)
	a := Answers{make([]int16, n), make([]float32, n), probability, padded}
	for i := range n {
		row := a.Probability[i*C : (i+1)*C]
		a.Class[i] = Decide(row, m.task.Threshold)
		a.Score[i] = row[a.Class[i]]
	}
	return a
}

// Decide is the class that a row's probabilities [C] give: of two classes 1 if its
// probability is at least the threshold, of more the first of the largest probability.
func Decide(probability []float32, threshold float64) int16 {
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
	all, err := m.parts(all)
	if err != nil {
		return Answers{}, err
	}
	kinds := make([]known, len(m.engines))
	p := progress{kinds: len(m.engines), tell: m.progress}
	for i, l := range m.engines {
		if kinds[i], err = m.label(ctx, l, all, &p); err != nil {
			return Answers{}, err
		}
	}
	return m.of(kinds), nil
}

// parts checks series and makes explicit which of their rows are asked for.
func (m *Model) parts(all []Series) ([]Series, error) {
	R := len(m.task.Features)
	all = slices.Clone(all)
	for i := range all {
		s := &all[i]
		n := len(s.Values) / R
		if len(s.Values)%R != 0 {
			return nil, &graph.ShapeError{Name: fmt.Sprintf("Series[%d].Values", i), Want: fmt.Sprintf("rows of %d features", R), Got: fmt.Sprintf("%d values", len(s.Values))}
		}
		if at := infinite(s.Values); at >= 0 {
			return nil, &RowError{i, at / R, infiniteError(s.Values, R, at)}
		}
		if s.From == 0 && s.To == 0 {
			s.To = n
		}
		if s.From < 0 || s.From > s.To || s.To > n {
			return nil, &graph.ShapeError{Name: fmt.Sprintf("Series[%d]", i), Want: fmt.Sprintf("a part of %d rows", n), Got: fmt.Sprintf("rows %d to %d", s.From, s.To)}
		}
	}
	return all, nil
}

// progress makes rows that each kind has labelled such that the model has.
type progress struct {
	kinds, labelled, told int
	tell                  func(rows int)
}

func (p *progress) add(rows int) {
	p.labelled += rows
	if p.tell != nil {
		p.tell(p.labelled/p.kinds - p.told)
		p.told = p.labelled / p.kinds
	}
}

// labelling is one call of Label, for one kind.
type labelling struct {
	all      []Series
	parts    []part // what is run of each series
	s        *strand
	progress *progress

	of, row int // the series and the row in its part of the next answer
	known
}

// part is the rows start to end-1 of a series, of which from to to-1 are asked for.
type part struct{ start, from, to, end int }

// label has the networks of a kind label series.
func (m *Model) label(ctx context.Context, kind *engine, all []Series, p *progress) (known, error) {
	l := &labelling{all: all, progress: p}
	l.s = newStrand(m, kind, l.moments)
	rows := 0
	for _, s := range all {
		p := part{from: s.From, to: s.To}
		p.start, p.end = kind.needed(len(s.Values)/kind.raw, s.From, s.To)
		l.parts = append(l.parts, p)
		rows += s.To - s.From
	}
	l.probability, l.padded = make([]float32, 0, rows*kind.classes), make([]bool, 0, rows)
	for i := range all {
		if err := l.push(ctx, i); err != nil {
			return known{}, l.inSeries(err)
		}
	}
	if err := l.s.flush(ctx); err != nil {
		return known{}, l.inSeries(err)
	}
	l.take()
	return l.known, nil
}

// moments are those that the rows of a part are scaled by: of all rows of the series or, with
// a running scale, of those before the part.
func (l *labelling) moments(series int32) (*inputs.Moments, error) {
	R := l.s.l.raw
	x := l.all[series].Values
	switch l.s.l.inputs.SeriesScale {
	case inputs.None:
		return nil, nil
	case inputs.Running:
		x = x[:l.parts[series].start*R]
	}
	moments := inputs.NewMoments(R)
	for rows := range slices.Chunk(x, chunk*R) {
		moments.Add(inputs.Fill(rows, l.s.m.task.Fill))
	}
	return moments, nil
}

// push runs the part of a series.
func (l *labelling) push(ctx context.Context, i int) error {
	R, p := l.s.l.raw, l.parts[i]
	for rows := range slices.Chunk(l.all[i].Values[p.start*R:p.end*R], chunk*R) {
		if err := l.s.push(ctx, int32(i), inputs.Fill(rows, l.s.m.task.Fill)); err != nil {
			return err
		}
		l.take()
	}
	return l.s.finish(ctx, int32(i))
}

// take keeps the answers that were asked for.
func (l *labelling) take() {
	got := l.s.queue.take(l.s.queue.ready)
	l.progress.add(len(got.padded))
	C := l.s.l.classes
	for len(got.padded) > 0 {
		p := l.parts[l.of]
		n := min(p.end-p.start-l.row, len(got.padded))
		from := min(max(p.from-p.start-l.row, 0), n)
		to := min(max(p.to-p.start-l.row, from), n)
		l.probability, l.padded = append(l.probability, got.probability[from*C:to*C]...), append(l.padded, got.padded[from:to]...)
		got.probability, got.padded = got.probability[n*C:], got.padded[n:]
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
