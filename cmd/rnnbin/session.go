package main

import (
	"path/filepath"

	"github.com/rnnbin/rnnbin/cmd/internal/model"
	"github.com/rnnbin/rnnbin/cmd/internal/tflib"
	"github.com/rnnbin/rnnbin/graph"
)

// newSession is graph.NewSession without what TensorFlow says on the way.
func newSession(c graph.Config) (s *graph.Session, err error) {
	tflib.Quietly(func() { s, err = graph.NewSession(c) })
	return s, err
}

// restoredSession is a session of the network in a model folder, with its
// weights.
func restoredSession(dir string, c graph.Config) (*graph.Session, error) {
	s, err := newSession(c)
	if err != nil {
		return nil, err
	}
	tflib.Quietly(func() { err = s.RestoreWeights(filepath.Join(dir, model.WeightsPrefix)) })
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}
