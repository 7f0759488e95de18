package graph

import (
	"fmt"
	"sync"
	"unsafe"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// Server is a process that runs sessions of other processes, see package remote.
type Server struct {
	Target string // its address, as TensorFlow has it: grpc://host:port

	// Put has data in a file that the server can read, and returns the file's name there, so that
	// sessions with the same series share it on its way; nil: it goes with each call of
	// [Session.SetSeries], which can take 2 GB.
	Put func(data []byte) (path string, err error)

	// Others take part in its sessions: each has a part of the series, and works on the windows of
	// a training step that begin there. Results are those of one server to rounding. The Target of
	// each is its address as this server reaches it.
	//
	// The port in each Target, this one's too, has to be that of the server itself.
	Others []*Server

	// Turn is for those who share the server to train one after the other, while the others get
	// ready or are done; sessions do not lock it. It may be nil.
	Turn sync.Locker
}

// NewSessionAt is NewSession, but that the session is on a server, where the variables are and
// all operations run: to the same bits, if the processors are of one kind and Threads is 1. Only
// checkpoints are written and read in this process, and a context that ends does not stop
// [Session.Train], which returns after all steps. With [Server.Others] they are those of one server
// to rounding, random numbers included. A nil server is this process.
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

// channels are the connections to servers: by target a session of nothing, which is never closed.
// Later sessions use it, too, where they would have to connect anew. And gRPC ends with its last
// channel, for which it may take ten seconds.
var channels sync.Map

// connect has a channel to a server.
func connect(target string) error {
	if _, connected := channels.Load(target); connected {
		return nil
	}
	s := op.NewScope()
	nothing := op.NoOp(s)
	graph, err := s.Finalize()
	if err != nil {
		return err
	}
	held, err := tf.NewSession(graph, &tf.SessionOptions{Target: target})
	if err != nil {
		return err
	}
	_, err = held.Run(nil, nil, []*tf.Operation{nothing})
	if err == nil {
		channels.Store(target, held)
	}
	return err
}

// upload is how the rows of a series are read from a file of the server's.
type upload struct {
	path tf.Output
	set  *tf.Operation
}

func (c Config) addUpload(s *op.Scope, h handles) upload {
	path := op.Placeholder(s.SubScope("path"), tf.String, op.PlaceholderShape(tf.ScalarShape()))
	flat := op.DecodeRaw(s, op.ReadFile(s, path), tf.Float)
	x := op.Reshape(s, flat, op.Const(s.SubScope("shape"), []int32{-1, int32(c.Features)}))
	return upload{path, op.AssignVariableOp(s.SubScope("set"), h[seriesX.name], x)}
}

// put has a file of the server's hold the rows of a shard.
func (s *shard) put(x []float32) (path string, err error) {
	// its memory, as both processors have it
	path, err = s.at.Put(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x)))
	if err != nil {
		err = &ServerError{s.at, err}
	}
	return path, err
}

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
