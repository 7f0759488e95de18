package graph

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rnnbin/rnnbin/graph/internal/kernels"
	_ "github.com/rnnbin/rnnbin/graph/internal/threadpool" // so that Machine.Threads holds for each session
	tf "github.com/wamuir/graft/tensorflow"
	configpb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"github.com/wamuir/graft/tensorflow/op"
	"google.golang.org/protobuf/proto"
)

// LibraryVersion is the minor version of libtensorflow that this package is
// built for. Operations change between minor versions, so others are refused.
const LibraryVersion = "2.18"

// CheckLibrary returns a *[VersionError] if the loaded libtensorflow is of another minor
// version than [LibraryVersion].
func CheckLibrary() error { return checkVersion(tf.Version()) }

func checkVersion(got string) error {
	if !strings.HasPrefix(got, LibraryVersion+".") {
		return &VersionError{Got: got}
	}
	return nil
}

// extension adds to the graph of p what a session needs, from the first network's handles.
type extension func(p *Predictor, s *op.Scope, h handles) error

// start assembles the graph of n networks, each with its own state, and of the variables
// that they share; add extends it for the first network. It starts a session of the graph at a
// server, or here if that is nil, and initialises the variables.
func start(at *Server, cfg Config, members int, state func(Config) []variable, others []variable, add extension) (*Predictor, error) {
	if err := CheckLibrary(); err != nil {
		return nil, err
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.WithDefaults()
	if cfg.Form != FormPortable {
		if err := kernels.Register(); err != nil {
			return nil, err
		}
	}
	in := &runner{graph: tf.NewGraph(), at: at}
	p := &Predictor{cfg: cfg, in: in}
	init, err := p.assemble(in, members, state, others, add)
	if err != nil {
		return nil, fmt.Errorf("assemble the graph: %w", err)
	}
	if err := in.open(cfg); err != nil {
		return nil, err
	}
	if _, err := in.runHere(nil, nil, init); err != nil {
		p.Close()
		return nil, fmt.Errorf("initialise the variables: %w", err)
	}
	return p, nil
}

// assemble builds the graph, and returns the operations that initialise the variables.
func (p *Predictor) assemble(in *runner, members int, state func(Config) []variable, others []variable, add extension) ([]*tf.Operation, error) {
	s := op.NewScopeWithGraph(in.graph).WithDevice(in.at.device(0))
	var all []handles
	var init []*tf.Operation
	for i := range members {
		m := &Member{runner: in}
		h, assign := m.addVariables(s, p.cfg.member(i, state), others)
		if in.at == nil {
			m.checkpoint = m.addCheckpoint(in, s.SubScope("checkpoint"), m.values())
		}
		p.members, all, init = append(p.members, m), append(all, h), append(init, assign...)
		others = nil
	}
	p.predicting = p.cfg.addPredicting(in.graph, s.SubScope("predict"), all)
	if err := add(p, s, all[0]); err != nil {
		return nil, err
	}
	_, err := s.Finalize()
	return init, err
}

// member is the state of network i. That of the first is in TensorFlow's default container,
// where the training loop looks for it.
func (c Config) member(i int, state func(Config) []variable) []variable {
	c.Seed += int64(i)
	vars := state(c)
	for k := range vars {
		if i > 0 {
			vars[k].container = fmt.Sprintf("member_%d", i)
		}
	}
	return vars
}

// addVariables adds every variable, with the operations that initialise, set and read it.
func (m *Member) addVariables(s *op.Scope, state, others []variable) (handles, []*tf.Operation) {
	var init []*tf.Operation
	h := handles{}
	m.state, m.vars = state, map[string]access{}
	for _, v := range slices.Concat(state, others) {
		vs := s.SubScope(v.name)
		h[v.name] = v.handle(vs)
		feed := op.Placeholder(vs.SubScope("feed"), v.dtype, op.PlaceholderShape(v.shape))
		m.vars[v.name] = access{
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

const oneThread = "SINGLE_THREADED_EXECUTOR" // of TensorFlow's executors

// sessionOptions runs operations in the caller's thread, one after the other: a step is a
// chain, and handing its operations to other threads only costs time. It also lets a second
// call set planLimit while the training loop runs.
//
// The fused operations have threads of their own. TensorFlow's threads, which would divide
// the few microseconds of an update among them, would take the processors from those. A server
// has its own number of threads, and one variable of a name unless it isolates sessions.
func sessionOptions(cfg Config, at *Server) (*tf.SessionOptions, error) {
	threads := 1
	if cfg.network().pooled() {
		threads = cfg.Threads
	}
	target := ""
	if at != nil {
		target = at.Target
	}
	config, err := proto.Marshal(&configpb.ConfigProto{
		ClusterDef:                at.cluster(),
		IsolateSessionState:       at != nil,
		IntraOpParallelismThreads: int32(threads),
		InterOpParallelismThreads: -1,
		GraphOptions:              &configpb.GraphOptions{RewriteOptions: &configpb.RewriterConfig{DisableMetaOptimizer: true}},
		Experimental:              &configpb.ConfigProto_Experimental{ExecutorType: oneThread},
	})
	if err != nil {
		return nil, fmt.Errorf("write the session's settings: %w", err)
	}
	return &tf.SessionOptions{Target: target, Config: config}, nil
}
