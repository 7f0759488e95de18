package main

import (
	"github.com/rnnbin/rnnbin/cmd/internal/tflib"
	"github.com/rnnbin/rnnbin/graph"
)

// newSession is graph.NewSession without what TensorFlow says on the way.
func newSession(c graph.Config) (s *graph.Session, err error) {
	tflib.Quietly(func() { s, err = graph.NewSession(c) })
	return s, err
}
