package fit

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
)

// Means are what runs the jobs and what keeps their results. The zero value runs them side by
// side in this process, keeps nothing and takes whatever memory they need.
type Means struct {
	Runner Runner
	Store  Store
	Memory float64 // bytes that there are for jobs; 0: not known
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

// A Store keeps the results of jobs: a record and the network's state, under a digest of all
// that they follow from. Its methods may be called from any goroutine.
type Store interface {
	// Load has restore read the state from a checkpoint of the prefix, and returns the record;
	// found is false if the result is not there or is damaged.
	Load(digest string, restore func(prefix string) error) (record []byte, found bool)

	// Save has save write the state as a checkpoint of the prefix.
	Save(digest string, record []byte, save func(prefix string) error) error
}

// record is what a Store keeps of a job beside the state.
type record struct {
	*Trained
	Answers *answers `json:"answers,omitempty"` // to the rows held back
}

// digest names the result of a task by all that it follows from; "" without a store.
func (r *run) digest(t *task, weights []float32) (string, error) {
	if r.means.Store == nil {
		return "", nil
	}
	recipe := *r.rungs[t.job.Rung].Recipe
	recipe.Network = r.config(&recipe, t.job)
	of := struct {
		Recipe                Recipe
		Train, On, Validation string
		Parts, Beside, Held   [][2]int
		Target, EarlyStopping int
		Inputs                inputs.Inputs
		Scale                 layout.ScaleKind
		Weights               []float32
		Threshold             float64 // of reports in the history
	}{
		recipe, r.digests[r.rowsOf(t.job)], r.digests[t.on], r.digests[r.validation], bounds(t.fold.Train), bounds(t.fold.Held), bounds(t.held),
		r.spec.target(), r.spec.EarlyStopping, r.inputs(r.rungs[t.job.Rung].Recipe), r.spec.Scale, weights, r.spec.Threshold.At,
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

// load takes the result of a task from the store, and reports whether it was there.
func (r *run) load(t *task) bool {
	if r.means.Store == nil {
		return false
	}
	kept := record{Trained: &Trained{Job: t.job}}
	var state []graph.Variable
	text, found := r.means.Store.Load(t.digest, func(prefix string) error {
		s, err := newSession(nil, r.config(r.rungs[t.job.Rung].Recipe, t.job))
		if err != nil {
			return err
		}
		defer s.Close()
		if err := s.Restore(prefix); err != nil {
			return err
		}
		kept.Config = s.Config()
		state, err = s.Variables()
		return err
	})
	if !found || json.Unmarshal(text, &kept) != nil || (t.on == nil) != (kept.Answers == nil) {
		return false
	}
	kept.State = state
	t.trained, t.inputs, t.answers = kept.Trained, kept.Inputs, kept.Answers
	return true
}

// save puts the result of a task into the store. What cannot be kept is no reason to lose it.
func (r *run) save(t *task, s *graph.Session) {
	if r.means.Store == nil {
		return
	}
	var text []byte
	if text, t.unkept = json.Marshal(record{t.trained, t.answers}); t.unkept == nil {
		t.unkept = r.means.Store.Save(t.digest, text, s.Save)
	}
	if t.unkept != nil {
		t.digest = ""
	}
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
