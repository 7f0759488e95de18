package fit

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/tflib"
	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
)

// Means are what runs the jobs and what keeps their results. The zero value runs them side by
// side in this process, keeps nothing and takes whatever memory they need.
type Means struct {
	Runner     Runner
	Store      Store
	Memory     float64  // bytes that there are for jobs; 0: not known
	Processors int      // to be busy with where Spec.Threads is 0; 0: all there are
	Checkpoint Interval // between two states of a job that are stored before its end
	Longer     bool     // jobs go on, too, that were stored with fewer epochs
}

// MemoryError is returned for a network whose training needs more memory than there is.
type MemoryError struct{ Needs, Has float64 } // bytes

func (e *MemoryError) Error() string {
	return fmt.Sprintf("training needs about %s of memory, and there are %s", BytesText(e.Needs), BytesText(e.Has))
}

// BytesText is a number of bytes in a unit that suits it.
func BytesText(n float64) string {
	if n >= 1e9 {
		return fmt.Sprintf("%.1f GB", n/1e9)
	}
	return fmt.Sprintf("%.0f MB", max(1, n/1e6))
}

// A Runner has jobs done, those that come first sooner: it calls do with the index of each, from
// any goroutine, and with the server that is to train it, nil for this process. It returns once
// all are done. After an error of do it begins no more, and returns that; but after a
// [graph.ServerError] it may call do for the job again, or even while another call for it is under
// way. The first that comes to an end counts, and the results are the same.
type Runner interface {
	Run(ctx context.Context, jobs []Job, do func(ctx context.Context, i int, at *graph.Server) error) error
}

// sideBySide runs so many jobs at a time.
type sideBySide int

func (n sideBySide) Run(ctx context.Context, jobs []Job, do func(context.Context, int, *graph.Server) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(int(n))
	for i := range jobs {
		group.Go(func() error { return do(ctx, i, nil) })
	}
	return group.Wait()
}

// A Store keeps what jobs have come to: a record and the network's state, under a digest of all
// that they follow from but the number of epochs. Its methods may be called from any goroutine.
type Store interface {
	// Load has restore read the newest state from a checkpoint of the prefix, and its record; the
	// one before if that is damaged, or restore fails. It returns what was wrong.
	Load(digest string, restore func(prefix string, record []byte) error) (damaged []error)

	// Save has save write the state after so many training steps, or Done, as a checkpoint of the
	// prefix, and where there is another one, the best, as one of the prefix with -best behind it.
	Save(digest string, step int, record []byte, save func(prefix string) error) error
}

// Done is the step of a job that has come to its end.
const Done = math.MaxInt

// best is behind the prefix of the checkpoint of the best epoch.
const best = "-best"

// record is what a Store keeps of a job beside the state.
type record struct {
	*Trained
	Epochs  int      `json:"epochs"` // that there are to be
	At      position `json:"at"`
	Ended   bool     `json:"ended"`
	Events  int      `json:"events"`            // that were told until then
	Answers *answers `json:"answers,omitempty"` // to the rows held back

	best []graph.Variable // the state of the epoch Best
}

// Begun is the record of a job of which another program has made so many training steps, as many as
// that to an epoch. Means.Longer takes it for whatever number of epochs.
func Begun(made, epoch int) ([]byte, error) {
	rest := made % epoch
	return json.Marshal(record{At: position{Epoch: made / epoch, Iteration: rest, Unknown: rest}})
}

// digest names the result of a task by all that it follows from; "" without a store.
func (r *run) digest(t *task, weights []float32) (string, error) {
	if r.means.Store == nil {
		return "", nil
	}
	recipe := *r.rungs[t.job.Rung].Recipe
	recipe.Network = r.config(&recipe, t.job)
	recipe.Epochs, recipe.Updates = 0, [2]int{} // which the record has
	of := struct {
		Recipe                Recipe
		Windows               layout.Sampler
		Train, On, Validation string
		Parts, Beside, Held   [][2]int
		Target, EarlyStopping int
		Inputs                inputs.Inputs
		Scale                 layout.ScaleKind
		Weights               []float32
		Threshold             float64 // of reports in the history
		Replicas              int
	}{
		recipe, recipe.Windows, r.digests[r.rowsOf(t.job)], r.digests[t.on], r.digests[r.validation], bounds(t.fold.Train), bounds(t.fold.Held), bounds(t.held),
		r.spec.target(), r.spec.EarlyStopping, r.inputs(r.rungs[t.job.Rung].Recipe), r.spec.Scale, weights, r.spec.Threshold.At, max(1, r.spec.Replicas),
	}
	text, err := json.Marshal(of)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// digestRows notes the digests of all rows, if there is a store.
func (r *run) digestRows() {
	if r.means.Store == nil {
		return
	}
	for _, all := range append([]*rows{r.rows, r.validation, r.test}, r.filled...) {
		if r.digests[all] == "" {
			r.digests[all] = digestOf(all)
		}
	}
}

// digestOf is that of the values, the labels and the series of rows, of which there may be none.
func digestOf(r *rows) string {
	if r == nil {
		return ""
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %v %v", r.Digest(), bounds(r.pieces), r.fill))
	return hex.EncodeToString(sum[:])
}

// bounds are where ranges begin and end, which names and files say nothing about.
func bounds(ranges []series.Range) [][2]int {
	all := make([][2]int, len(ranges))
	for i, r := range ranges {
		all[i] = [2]int{r.Start, r.End}
	}
	return all
}

// load takes what the store has of a task: its result, which it reports, or how far it had come.
func (r *run) load(ctx context.Context, t *task) (ended bool, err error) {
	if r.means.Store == nil {
		return false, nil
	}
	damaged := r.means.Store.Load(t.digest, func(prefix string, text []byte) error { return r.restore(t, prefix, text) })
	for _, one := range damaged {
		if err := r.tell(ctx, Noticed{Kind: Damaged, Rung: r.rungs[t.job.Rung].Name(), Err: one}); err != nil {
			return false, err
		}
	}
	if t.kept == nil || !t.kept.Ended {
		return false, nil
	}
	t.trained, t.inputs, t.answers, t.kept = t.kept.Trained, t.kept.Inputs, t.kept.Answers, nil
	return true, nil
}

// restore takes the state of a task, unless it is of a job of other epochs.
func (r *run) restore(t *task, prefix string, text []byte) error {
	k := &record{Trained: &Trained{}}
	if err := json.Unmarshal(text, k); err != nil {
		return err
	}
	switch {
	case k.Epochs == t.epochs:
	case !r.means.Longer || k.Epochs > t.epochs || k.Ended && !k.At.Over && k.Best > 0: // of the last epoch nothing is left
		return nil
	default:
		k.Ended = k.Ended && k.At.Over
	}
	s, err := tflib.NewSession(nil, r.config(r.rungs[t.job.Rung].Recipe, t.job))
	if err != nil {
		return err
	}
	defer s.Close()
	k.Config = s.Config()
	if k.State, err = restored(s, prefix); err != nil {
		return err
	}
	if k.best = k.State; k.bestApart() {
		if k.best, err = restored(s, prefix+best); err != nil {
			return err
		}
	}
	if !k.Ended || (t.on == nil) == (k.Answers == nil) {
		t.kept = k
	}
	return nil
}

// restored is the state in a checkpoint.
func restored(s *graph.Session, prefix string) ([]graph.Variable, error) {
	if err := tflib.Quietly(func() error { return s.Restore(prefix) }); err != nil { // a checkpoint of the original has no global_step
		return nil, err
	}
	return s.Variables()
}

// bestApart reports whether the best epoch's state is another than the last.
func (k *record) bestApart() bool {
	return !k.Ended && k.Best > 0 && (k.At.Iteration > 0 || k.Best != k.History[len(k.History)-1].Epoch.Epoch)
}

// save puts the state of a session, and what a record says about it, into the store. What cannot
// be kept is no reason to lose it; it is reported once a run, as what fails then fails again.
func (r *run) save(ctx context.Context, t *task, s *graph.Session, k record, step int) error {
	if r.means.Store == nil || t.course.over() { // by another worker
		return nil
	}
	text, err := json.Marshal(k)
	if err == nil {
		err = r.means.Store.Save(t.digest, step, text, func(prefix string) error {
			return tflib.Quietly(func() error { return k.save(s, prefix) })
		})
	}
	if errors.As(err, new(*graph.ServerError)) {
		return err
	}
	if t.unkept = err; err == nil || r.unkept.Swap(true) {
		return nil
	}
	return r.tell(ctx, Noticed{Kind: NotKept, Err: err})
}

// save writes the state of a session, and that of the best epoch, as checkpoints.
func (k *record) save(s *graph.Session, prefix string) error {
	if err := s.Save(prefix); err != nil || !k.bestApart() {
		return err
	}
	state, err := s.Variables()
	if err != nil {
		return err
	}
	if err = s.SetVariables(k.best); err == nil {
		err = s.Save(prefix + best)
	}
	return errors.Join(err, s.SetVariables(state))
}

// packed are answers in a record: those from the first row that is known to the last, where
// those that are not known have the probability -1.
type packed struct {
	Rows, Classes, First int
	Probability          []byte // 32-bit floats, little-endian
}

// MarshalJSON implements json.Marshaler.
func (a *answers) MarshalJSON() ([]byte, error) {
	p := packed{Rows: len(a.known), Classes: len(a.probability) / max(1, len(a.known)), First: max(0, slices.Index(a.known, true))}
	last := p.Rows
	for last > p.First && !a.known[last-1] {
		last--
	}
	values := slices.Clone(a.probability[p.First*p.Classes : last*p.Classes])
	for i := range values {
		if !a.known[p.First+i/p.Classes] {
			values[i] = -1
		}
	}
	var err error
	if p.Probability, err = binary.Append(nil, binary.LittleEndian, values); err != nil {
		return nil, err
	}
	return json.Marshal(p)
}

// UnmarshalJSON implements json.Unmarshaler.
func (a *answers) UnmarshalJSON(text []byte) error {
	var p packed
	if err := json.Unmarshal(text, &p); err != nil {
		return err
	}
	if p.Rows < 0 || p.Classes < 0 || p.First < 0 || p.First*p.Classes+len(p.Probability)/4 > p.Rows*p.Classes {
		return errors.New("answers to more rows than there are")
	}
	*a = answers{make([]float32, p.Rows*p.Classes), make([]bool, p.Rows)}
	values := make([]float32, len(p.Probability)/4)
	if _, err := binary.Decode(p.Probability, binary.LittleEndian, values); err != nil {
		return err
	}
	copy(a.probability[p.First*p.Classes:], values)
	for i := range len(values) / max(1, p.Classes) {
		a.known[p.First+i] = values[i*p.Classes] >= 0
	}
	return nil
}
