package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/rnnbin/rnnbin/cmd/internal/eventlog"
	"github.com/rnnbin/rnnbin/cmd/internal/fit"
)

// space checks, before anything is trained, that what a run writes fits on the disk.
type space struct {
	*trainOptions
	dir   string  // that the run is to have
	needs float64 // bytes that the run writes at most, about
}

// space checks that there is some for a run, if it has a folder.
func (f *folder) space(o *trainOptions) []fit.Observer {
	if f.writer == nil {
		return nil
	}
	return []fit.Observer{&space{trainOptions: o, dir: f.writer.Dir()}}
}

// Observe implements fit.Observer.
func (s *space) Observe(_ context.Context, e fit.Event) error {
	p, ok := e.(fit.Planned)
	if !ok {
		return nil
	}
	if s.EarlyStopping > 0 || s.TimeLimit > 0 { // trainings are to end before so many epochs, nobody knows when
		const enough = 1000
		p.Rungs = slices.Clone(p.Rungs)
		for i := range p.Rungs {
			p.Rungs[i].Epochs = min(p.Rungs[i].Epochs, enough)
		}
	}
	s.needs = s.jobs(p) + s.model(p)
	events := 0.0
	if s.tensorboard {
		events = eventlog.Bytes(p)
	}
	s.needs += events
	has := availableSpace(s.dir)
	if s.begun != nil {
		has += written(s.dir)
	}
	if has == 0 || s.needs <= has {
		return nil
	}
	hint := "--out names a folder on another disk"
	if events > 0 {
		hint += fmt.Sprintf("; --tensorboard=false writes about %s less", fit.BytesText(events))
	}
	return hinted{fmt.Errorf("training writes about %s at most, and there are %s on the disk of %s", fit.BytesText(s.needs), fit.BytesText(has), s.dir), hint}
}

const (
	index   = 2e3 // bytes of a checkpoint beside its values
	history = 170 // of an epoch in a history
)

// jobs is what the results of all trainings take, and the states of those that go on side by side.
func (s *space) jobs(p fit.Planned) float64 {
	states, largest := float64(s.keep+1), 0.0
	if len(s.Data.Validation) > 0 {
		states *= 2 // the best epoch's, too
	}
	all := p.AtMost(func(q fit.Plan, final bool) float64 {
		const base64 = 4. / 3
		held := float64(p.Rows) / float64(max(1, len(p.Folds)))
		if final {
			held = float64(p.Test)
		}
		one := trainedBytes(q)
		largest = max(largest, one)
		return one + base64*4*float64(len(p.Count))*held
	})
	return all + states*largest*float64(max(s.Threads, runtime.GOMAXPROCS(0)))
}

// model is what the model takes.
func (s *space) model(p fit.Planned) float64 {
	const other = 1e5
	weights := p.AtMost(func(q fit.Plan, final bool) float64 {
		if !final {
			return 0
		}
		return trainedBytes(q)
	})
	return other + weights + float64(p.Rows)*float64(4*len(p.Count)+8)
}

// trainedBytes is what a network with its history takes.
func trainedBytes(q fit.Plan) float64 {
	return q.Config.StateBytes() + index + history*float64(q.Epochs)
}

// availableSpace is how many bytes may be written to a folder, or to the one that it is going to
// be in; 0 where that is not known.
func availableSpace(dir string) float64 {
	var disk unix.Statfs_t
	for {
		err := unix.Statfs(dir, &disk)
		if err == nil {
			return max(1, float64(disk.Bavail)*float64(disk.Bsize))
		}
		above := filepath.Dir(dir)
		if !errors.Is(err, fs.ErrNotExist) || above == dir {
			return 0
		}
		dir = above
	}
}

// written is how many bytes the files of a run that is gone on with have.
func written(dir string) (total float64) {
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil
		}
		if info, err := e.Info(); err == nil {
			total += float64(info.Size())
		}
		return nil
	})
	return total
}
