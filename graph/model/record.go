package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// RunFile is the name of the file that has a [RunRecord].
const RunFile = "run.json"

// RunRecord is what run.json says about the run in a folder, from its beginning on.
type RunRecord struct {
	Version  string          `json:"rnnbin"` // of the program
	State    RunState        `json:"state"`
	Begun    time.Time       `json:"begun"`
	Ended    time.Time       `json:"ended,omitzero"`
	Reason   string          `json:"reason,omitempty"` // why it was stopped or has failed
	Seed     int64           `json:"seed"`
	Data     []DataRecord    `json:"data"`
	Machine  MachineRecord   `json:"machine"`
	Settings json.RawMessage `json:"settings"` // as those of a [Model]
}

// DataRecord is data that a run works on.
type DataRecord struct {
	Role   string   `json:"role"`            // train, validation or test
	Files  []string `json:"files,omitempty"` // their names
	Rows   int      `json:"rows"`
	SHA256 string   `json:"sha256"` // of the rows as they were read
}

// MachineRecord is what the last bits of a run's results depend on.
type MachineRecord struct {
	InstructionSet string `json:"instruction_set"`
	Threads        int    `json:"threads"`
}

// RunState says how far a run has come.
type RunState string

// States of a run. A file says running of a run that was killed, too: [ReadRun] tells them apart.
const (
	Running  RunState = "running"
	Stopped  RunState = "stopped" // by a signal
	Finished RunState = "finished"
	Failed   RunState = "failed"
	Killed   RunState = "killed"
)

// States lists all of them.
var States = []RunState{Running, Stopped, Finished, Failed, Killed}

// Resumable reports whether a run in the state can be gone on with.
func (s RunState) Resumable() bool { return s != Running && s != Finished }

// BeginRun writes that a run has begun, or goes on.
func (w *Writer) BeginRun(r RunRecord) error {
	if r.Begun.IsZero() {
		r.Begun = time.Now().UTC().Truncate(time.Second)
	}
	r.State, r.Ended, r.Reason = Running, time.Time{}, ""
	w.before, _ = os.ReadFile(w.path(runFile))
	var was RunRecord
	w.others = json.Unmarshal(w.before, &was) == nil && was.State != Finished
	return w.writeRun(r)
}

// EndRun writes how the run has ended that BeginRun has begun.
func (w *Writer) EndRun(state RunState, reason string) error {
	if w.run == nil {
		return nil
	}
	r := *w.run
	r.State, r.Ended, r.Reason = state, time.Now().UTC().Truncate(time.Second), reason
	return w.writeRun(r)
}

func (w *Writer) writeRun(r RunRecord) error {
	text, err := json.MarshalIndent(&r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(w.dir, 0o777); err != nil { // it may have been removed meanwhile
		return pathError(err)
	}
	if err := errors.Join(w.writeFile(unfinishedRun, runFile, append(text, '\n')), flush(w.dir)); err != nil {
		return w.cannot(err)
	}
	w.run = &r
	return nil
}

// ReadRun reads what is known of the run in a folder. What is wrong is an *[Error], which is an
// fs.ErrNotExist if there is no run.
func ReadRun(dir string) (*RunRecord, error) {
	path := filepath.Join(dir, runFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, pathError(err)
	}
	r := new(RunRecord)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, &Error{path, fmt.Errorf("damaged: %w", err)}
	}
	if !slices.Contains(States, r.State) {
		return nil, &Error{path, fmt.Errorf("damaged: state %q", r.State)}
	}
	if r.State == Running && !busy(dir) {
		r.State = Killed
	}
	return r, nil
}

// busy reports whether a Writer is at work in a folder.
func busy(dir string) bool {
	f, err := os.Open(dir)
	if err != nil {
		return false
	}
	defer f.Close() // which lets go of the lock, too
	return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}
