package graph

import (
	"fmt"
	"slices"
	"strings"

	tf "github.com/wamuir/graft/tensorflow"
	attrpb "github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	functionpb "github.com/wamuir/graft/tensorflow/core/framework/function_go_proto"
	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	configpb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"github.com/wamuir/graft/tensorflow/op"
)

// Where a session is on several servers, each of them has a part of the series, and works on the
// windows of a step that begin there: it is sent the weights, and answers with what its windows add
// to the loss and the gradients. The state is on the first server, whose loop makes the updates. As a
// loop cannot have operations of several servers, it calls a function on each of them.

// job is what all servers are tasks of, by another name than each has for itself alone.
const job = "replica"

// tasks is the number of servers, 1 for this process.
func (at *Server) tasks() int {
	if at == nil {
		return 1
	}
	return 1 + len(at.Others)
}

// device is that of a task; "" where there is one alone.
func (at *Server) device(task int) string {
	if at.tasks() == 1 {
		return ""
	}
	return fmt.Sprintf("/job:%s/replica:0/task:%d/device:CPU:0", job, task)
}

// executor runs the training loop's functions as sessionOptions has the graph run: a server does not
// take it from there. A loop that calls other servers waits for them, with TensorFlow's own.
func (at *Server) executor() string {
	if at.tasks() == 1 {
		return oneThread
	}
	return ""
}

// cluster tells the servers about each other.
func (at *Server) cluster() *configpb.ClusterDef {
	if at.tasks() == 1 {
		return nil
	}
	tasks := map[int32]string{}
	for i, server := range append([]*Server{at}, at.Others...) {
		tasks[int32(i)] = strings.TrimPrefix(server.Target, "grpc://")
	}
	return &configpb.ClusterDef{Job: []*configpb.JobDef{{Name: job, Tasks: tasks}}}
}

// shard is the rows that a server has of the series: those of the windows that begin in
// [from,until), which are the rows [first,end).
type shard struct {
	*Member        // with the variables of the series alone
	upload  upload // where the server has Put
	at      *Server

	from, until, first, end int
}

// divide has a shard have its part of n rows, the last of which is part number of so many.
func (s *shard) divide(c Config, n, number, parts int) {
	s.from, s.until, s.first, s.end = n*number/parts, n*(number+1)/parts, 0, n
	if parts > 1 {
		before, behind := c.Context()
		s.first, s.end = max(0, s.from-before), min(n, s.until+c.Window+behind)
	}
}

// addShards adds the variables of the series to each server, those of the first to m.
func (p *Predictor) addShards(s *op.Scope, m *Member, h handles) []*shard {
	at := p.in.at
	var all []*shard
	for i := range at.tasks() {
		one := &shard{Member: m, at: at}
		ss := s
		if i > 0 {
			ss = s.SubScope("shard").WithDevice(at.device(i))
			one.Member, one.at = &Member{runner: p.in}, at.Others[i-1]
			h, _ = one.addVariables(ss, nil, p.cfg.inputVariables()[:3])
		}
		if one.at != nil && one.at.Put != nil {
			one.upload = p.cfg.addUpload(ss.SubScope("upload"), h)
		}
		all = append(all, one)
	}
	return all
}

// work adds what becomes of a step's windows to a graph: an update, but for the optimizer's scalars.
type work func(g *tf.Graph, s *op.Scope, h handles, p plan, at tf.Output, d *draw) update

// workOf is how the windows of steps are worked on; the functions it needs are added to g.
func (c Config) workOf(g *tf.Graph, at *Server) (work, error) {
	if at.tasks() == 1 {
		return c.whole, nil
	}
	r := replicas{cfg: c, weights: c.network().weights()}
	for i := range at.tasks() {
		r.devices = append(r.devices, at.device(i))
	}
	part, err := r.part(partName, false)
	if err != nil {
		return nil, err
	}
	random, err := r.part(randomPartName, true)
	if err != nil {
		return nil, err
	}
	return r.work, importDef(g, nil, []*functionpb.FunctionDef{part, random}, tf.GraphImportOptions{})
}

// whole works on the windows where the state is.
func (c Config) whole(_ *tf.Graph, s *op.Scope, h handles, p plan, at tf.Output, d *draw) update {
	b := c.backend().windows(s.SubScope("windows"), p, at)
	loss, grads := c.lossOf(s, h.readAll, b, &pass{training: true, draw: d})
	return update{rate: b.rate, loss: loss, grads: grads()}
}

// replicas are what several servers make of a network.
type replicas struct {
	cfg     Config
	weights []variable
	devices []string
}

// Functions that a server runs for another one, without random numbers and with them.
const (
	partName       = "part_of_a_step"
	randomPartName = "random_part_of_a_step"
)

// What is packed behind the gradients: the loss, and the number of rows that it is of.
var (
	lossValue = scalar("loss", 0)
	rowCount  = scalar("rows", 0)
)

// part is the function that works on the windows of one server. Its arguments are the packed
// weights, the windows [B',3], their numbers [B'] among those of the step, the number B of these, and
// that of the step. Its result is packed: gradients and loss as sums over rows, and the number of rows.
func (r replicas) part(name string, random bool) (*functionpb.FunctionDef, error) {
	scratch := op.NewScope()
	argument := func(t tf.DataType, shape tf.Shape) tf.Output {
		return op.Placeholder(scratch.SubScope("argument"), t, op.PlaceholderShape(shape))
	}
	like := []tf.Output{
		argument(tf.Float, tf.MakeShape(-1)), argument(tf.Int32, tf.MakeShape(-1, 3)), argument(tf.Int32, tf.MakeShape(-1)),
		argument(tf.Int32, tf.ScalarShape()), argument(tf.Int64, tf.ScalarShape()),
	}
	return functionOf(name, like, func(_ *tf.Graph, s *op.Scope, in []tf.Output) []tf.Output {
		h := handles{}
		for _, v := range r.cfg.inputVariables()[:3] {
			h[v.name] = v.handle(s.SubScope("handle"))
		}
		values := map[string]tf.Output{}
		for i, v := range unpack(s.SubScope("weights"), in[0], r.weights) {
			values[r.weights[i].name] = v
		}
		read := func(_ *op.Scope, vars []variable) []tf.Output {
			list := make([]tf.Output, len(vars))
			for i, v := range vars {
				list[i] = values[v.name]
			}
			return list
		}
		axis, zero := op.Const(s.SubScope("axis"), int32(0)), op.Const(s.SubScope("at"), int32(0))
		p := r.cfg.planOf(s.SubScope("plan"), h, op.ExpandDims(s, in[1], axis), op.Const(s.SubScope("rates"), []float32{0}))
		b := r.cfg.backend().windows(s.SubScope("windows"), p, zero)
		pass := &pass{training: true}
		if random {
			pass.draw = &draw{r.cfg.Seed, in[4], &among{in[2], in[3]}}
		}
		loss, back := r.cfg.lossOf(s, read, b, pass)
		count := op.Sum(s.SubScope("count"), op.Sign(s, b.weights), op.Const(s.SubScope("all"), []int32{0}))
		var sums []tf.Output
		for _, g := range back() {
			sums = append(sums, op.Mul(s.SubScope("sum"), g.value, count))
		}
		sums = append(sums, op.Mul(s.SubScope("sum"), loss, count), count)
		return []tf.Output{pack(s.SubScope("pack"), sums)}
	})
}

// work has each server work on its windows, whose fourth column is its number.
func (r replicas) work(g *tf.Graph, s *op.Scope, h handles, p plan, at tf.Output, d *draw) update {
	axis := op.Const(s.SubScope("axis"), int32(0))
	windows := op.GatherV2(s.SubScope("windows"), p.windows, at, axis) // [B,4]
	columns := op.SplitV(s.SubScope("columns"), windows, op.Const(s.SubScope("sizes"), []int32{3, 1}), op.Const(s.SubScope("second"), int32(1)), 2)
	batch := size(s.SubScope("batch"), windows, 0)
	server := reshape(s.SubScope("server"), nth(columns, 1), -1)
	of := func(name string, v tf.Output) []tf.Output {
		return op.DynamicPartition(s.SubScope(name), v, server, int64(len(r.devices)))
	}
	rows := of("rows", nth(columns, 0))
	numbers := of("numbers", op.Range(s, op.Const(s.SubScope("first"), int32(0)), batch, op.Const(s.SubScope("one"), int32(1))))
	values := pack(s.SubScope("pack"), h.readAll(s.SubScope("weights"), r.weights))

	name, step := partName, op.Const(s.SubScope("step"), int64(0))
	if d != nil {
		name, step = randomPartName, d.step
	}
	var parts []tf.Output
	for i, device := range r.devices {
		target := op.Const(s.SubScope("device"), device)
		parts = append(parts, remoteCall(g, s.SubScope("part"), name, target, values, nth(rows, i), nth(numbers, i), batch, step))
	}
	list := unpack(s.SubScope("unpack"), op.AddN(s, parts), slices.Concat(r.weights, []variable{lossValue, rowCount}))
	n := len(r.weights)
	mean := func(sum tf.Output) tf.Output { return op.DivNoNan(s.SubScope("mean"), sum, list[n+1]) }
	u := update{rate: op.GatherV2(s.SubScope("rate"), p.rates, at, axis), loss: mean(list[n])}
	for i, w := range r.weights {
		u.grads = append(u.grads, gradient{w, mean(list[i])})
	}
	return u
}

// remoteCall adds a call of a function of one result on a device to g.
func remoteCall(g *tf.Graph, s *op.Scope, function string, inputs ...tf.Output) tf.Output {
	if s.Err() != nil {
		return tf.Output{}
	}
	name := "call/" + strings.ReplaceAll(inputs[0].Op.Name(), "/", "_")
	node := &nodepb.NodeDef{Name: name, Op: "RemoteCall", Attr: map[string]*attrpb.AttrValue{
		"f":    functionAttr(function, ""),
		"Tin":  typesAttr(inputs[1:]),
		"Tout": typesAttr(inputs[1:2]), // packed, too
	}}
	if err := importOp(g, node, inputs); err != nil {
		s.UpdateErr("RemoteCall", err)
		return tf.Output{}
	}
	return g.Operation(name).Output(0)
}

// pack is all values in a row.
func pack(s *op.Scope, list []tf.Output) tf.Output {
	all := make([]tf.Output, len(list))
	for i, v := range list {
		all[i] = reshape(s.SubScope("flat"), v, -1)
	}
	return joined(s, all, 0)
}

// unpack divides what pack has joined into values of the shapes of like.
func unpack(s *op.Scope, flat tf.Output, like []variable) []tf.Output {
	sizes := make([]int32, len(like))
	for i, v := range like {
		sizes[i] = int32(product(dims(v.shape)))
	}
	parts := op.SplitV(s, flat, op.Const(s.SubScope("sizes"), sizes), op.Const(s.SubScope("axis"), int32(0)), int64(len(like)))
	list := make([]tf.Output, len(like))
	for i, v := range like {
		shape := make([]int32, 0, 2)
		for _, n := range dims(v.shape) {
			shape = append(shape, int32(n))
		}
		list[i] = reshape(s.SubScope("value"), nth(parts, i), shape...)
	}
	return list
}
