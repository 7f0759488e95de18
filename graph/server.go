package graph

import (
	"fmt"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// Server is a process that runs sessions of other processes, see package remote.
type Server struct {
	Target string // its address, as TensorFlow has it: grpc://host:port
}

// NewSessionAt is NewSession, but that the session is on a server, where the variables are and
// all operations run: to the same bits, if the processors are of one kind and Threads is 1. Only
// checkpoints are written and read in this process. A nil server is this process.
//
// Where TensorFlow fails on the server, or the server is lost, methods return a *[ServerError].
func NewSessionAt(at *Server, cfg Config) (*Session, error) { return newSession(at, cfg) }

// ServerError is returned when TensorFlow fails on a [Server], which includes that it is not reached.
type ServerError struct {
	Server *Server
	Err    error
}

func (e *ServerError) Error() string { return e.Err.Error() }

func (e *ServerError) Unwrap() error { return e.Err }

// newCheckpoint has the checkpoint of a network that is on a server in a session of this process,
// to which the values are fed.
func (m *Member) newCheckpoint() (checkpoint, error) {
	in := &runner{graph: tf.NewGraph()}
	s := op.NewScopeWithGraph(in.graph)
	var values []tf.Output
	for _, v := range m.saved() {
		values = append(values, op.Placeholder(s.SubScope("value"), v.dtype))
	}
	c := m.addCheckpoint(in, s, values)
	c.fed = values
	if _, err := s.Finalize(); err != nil {
		return c, fmt.Errorf("assemble the checkpoint: %w", err)
	}
	return c, in.open(Config{})
}
