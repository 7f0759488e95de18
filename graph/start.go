package graph

import (
	"fmt"
	"strings"

	"github.com/rnnbin/rnnbin/graph/internal/kernels"
	_ "github.com/rnnbin/rnnbin/graph/internal/threadpool" // so that Config.Threads holds for each session
	tf "github.com/wamuir/graft/tensorflow"
	configpb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"github.com/wamuir/graft/tensorflow/op"
	"google.golang.org/protobuf/proto"
)

// LibraryVersion is the minor version of libtensorflow that this package is
// built for. Operations change between minor versions, so others are refused.
const LibraryVersion = "2.18"

// CheckLibrary returns a *[VersionError] when the loaded libtensorflow is of
// another minor version than [LibraryVersion].
func CheckLibrary() error { return checkVersion(tf.Version()) }

func checkVersion(got string) error {
	if !strings.HasPrefix(got, LibraryVersion+".") {
		return &VersionError{Got: got}
	}
	return nil
}

// start assembles a graph of the state variables, others, what predicting takes, and
// what add adds; and starts a session of it, in which the state has its initial values.
func start(cfg Config, state, others []variable, add func(g *tf.Graph, s *op.Scope, h handles) error) (*Predictor, error) {
	if err := CheckLibrary(); err != nil {
		return nil, err
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Form != FormPortable {
		if err := kernels.Register(); err != nil {
			return nil, err
		}
	}
	p := &Predictor{cfg: cfg, state: state, graph: tf.NewGraph()}
	init, err := p.assemble(others, add)
	if err != nil {
		return nil, fmt.Errorf("assemble the graph: %w", err)
	}
	options, err := sessionOptions(cfg)
	if err != nil {
		return nil, err
	}
	if p.tf, err = tf.NewSession(p.graph, options); err != nil {
		return nil, fmt.Errorf("start the session: %w", err)
	}
	if _, err := p.runHere(nil, nil, init); err != nil {
		p.Close()
		return nil, fmt.Errorf("initialise the variables: %w", err)
	}
	return p, nil
}

// assemble builds the graph, and returns the operations that give the state its
// initial values.
func (p *Predictor) assemble(others []variable, add func(*tf.Graph, *op.Scope, handles) error) ([]*tf.Operation, error) {
	s := op.NewScopeWithGraph(p.graph)
	h, init := p.addVariables(s, others)
	p.ways = p.cfg.addWays(s.SubScope("predict"), h)
	p.checkpoint = p.addCheckpoint(s.SubScope("checkpoint"))
	if err := add(p.graph, s, h); err != nil {
		return nil, err
	}
	_, err := s.Finalize()
	return init, err
}

// addVariables makes every variable with the operations that initialise, set and read
// it.
func (p *Predictor) addVariables(s *op.Scope, others []variable) (handles, []*tf.Operation) {
	var init []*tf.Operation
	h := handles{}
	p.vars = map[string]access{}
	for _, v := range append(p.state[:len(p.state):len(p.state)], others...) {
		vs := s.SubScope(v.name)
		h[v.name] = v.handle(vs)
		feed := op.Placeholder(vs.SubScope("feed"), v.dtype, op.PlaceholderShape(v.shape))
		p.vars[v.name] = access{
			value: op.ReadVariableOp(vs.SubScope("value"), h[v.name], v.dtype),
			feed:  feed,
			set:   op.AssignVariableOp(vs.SubScope("set"), h[v.name], feed),
		}
		if v.init != nil {
			init = append(init, op.AssignVariableOp(vs.SubScope("assign"), h[v.name], v.init(vs.SubScope("init"))))
		}
	}
	return h, init
}

// sessionOptions runs operations in the caller's thread, one after the other: a
// step is a chain, so that handing its operations to other threads only costs.
// It also lets a second call set planLimit while the training loop runs.
//
// The fused operations have threads of their own. TensorFlow's beside them, which
// would share out the few microseconds of an update, take the processors from them.
func sessionOptions(cfg Config) (*tf.SessionOptions, error) {
	threads := 1
	if cfg.unrolls() {
		threads = cfg.Threads
	}
	config, err := proto.Marshal(&configpb.ConfigProto{
		IntraOpParallelismThreads: int32(threads),
		InterOpParallelismThreads: -1,
		GraphOptions:              &configpb.GraphOptions{RewriteOptions: &configpb.RewriterConfig{DisableMetaOptimizer: true}},
		Experimental:              &configpb.ConfigProto_Experimental{ExecutorType: "SINGLE_THREADED_EXECUTOR"},
	})
	if err != nil {
		return nil, fmt.Errorf("write the session's settings: %w", err)
	}
	return &tf.SessionOptions{Config: config}, nil
}
