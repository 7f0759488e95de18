package keras

import (
	"maps"
	"slices"

	"github.com/rnnbin/rnnbin/graph"
)

// cell is one direction of a recurrent layer, with Keras's arrays.
type cell struct {
	layer     graph.Layer
	kernel    array // [F,G*U], what the input is multiplied by; G gates
	recurrent array // [U,G*U], what the state is multiplied by
	bias      array // [1,G*U], of a GRU that resets after the product [2,G*U]: the input's, the state's
}

// gates are the blocks of columns of Keras's arrays, G.
var gates = map[graph.Cell]int{graph.Plain: 1, graph.LSTM: 4, graph.GRU: 3, graph.GRUResetBefore: 3}

// kindOf is our layer for Keras's, but for its width.
func kindOf(l layer) (graph.Layer, error) {
	switch l.class {
	case "SimpleRNN":
		activation, _ := l.settings["activation"].(string)
		return graph.Layer{Cell: graph.Plain, Activation: graph.Activation(activation)}, nil
	case "LSTM":
		return graph.Layer{Cell: graph.LSTM}, nil
	case "GRU":
		if l.settings.flag("reset_after") {
			return graph.Layer{Cell: graph.GRU}, nil
		}
		return graph.Layer{Cell: graph.GRUResetBefore}, nil
	}
	return graph.Layer{}, l.errorf("layers of this kind are not supported in two directions")
}

// cell reads one direction, which may be the one that goes backwards in a layer of two.
func (b *builder) cell(l layer, backwards bool) (cell, error) {
	own, err := kindOf(l)
	if err != nil {
		return cell{}, err
	}
	rules := maps.Clone(recurrentAllowed)
	rules["go_backwards"] = []any{backwards}
	if own.Cell == graph.Plain {
		rules["activation"] = []any{string(graph.Tanh), string(graph.ReLU)}
	}
	if err := l.check(rules); err != nil {
		return cell{}, err
	}
	if own.Units, err = l.number("units"); err != nil {
		return cell{}, err
	}
	return b.cellArrays(l, own)
}

func (b *builder) cellArrays(l layer, own graph.Layer) (c cell, err error) {
	c.layer = own
	if c.kernel, err = b.array(l, "cell/vars/0"); err != nil {
		return c, err
	}
	if c.recurrent, err = b.array(l, "cell/vars/1"); err != nil {
		return c, err
	}
	columns := c.recurrent.columns
	if c.recurrent.rows != own.Units || columns != gates[own.Cell]*own.Units || c.kernel.columns != columns {
		return c, l.errorf("its matrices of %d x %d and %d x %d do not fit %d units",
			c.kernel.rows, c.kernel.columns, c.recurrent.rows, columns, own.Units)
	}
	rows := 1
	if own.Cell == graph.GRU {
		rows = 2
	}
	c.bias, err = b.bias(l, "cell/vars/2", rows, columns)
	return c, err
}

// variables are the values of our cell's variables, in its order.
func (c cell) variables() [][]float32 {
	both, bias := above(c.kernel, c.recurrent), c.bias
	switch c.layer.Cell {
	case graph.LSTM:
		// Keras's gates are i, f, c, o, ours i, j (Keras's c), f, o. Our cell adds 1 to f.
		f := bias.block(1, 4)
		for i := range f.values {
			f.values[i]--
		}
		return [][]float32{
			both.blocks(4, 0, 2, 1, 3).values,
			beside(bias.block(0, 4), bias.block(2, 4), f, bias.block(3, 4)).values,
		}
	case graph.GRU: // Keras's gates are z, r, h; ours r and u, which is z
		input, state := bias.row(0), bias.row(1)
		return [][]float32{
			both.blocks(3, 1, 0).values, sum(input, state).blocks(3, 1, 0).values,
			c.kernel.block(2, 3).values, input.block(2, 3).values,
			c.recurrent.block(2, 3).values, state.block(2, 3).values,
		}
	case graph.GRUResetBefore:
		return [][]float32{
			both.blocks(3, 1, 0).values, bias.blocks(3, 1, 0).values,
			both.block(2, 3).values, bias.block(2, 3).values,
		}
	}
	return [][]float32{both.values, bias.values}
}

// array is a matrix, row after row.
type array struct {
	rows, columns int
	values        []float32
}

func zeros(rows, columns int) array { return array{rows, columns, make([]float32, rows*columns)} }

func (a array) row(i int) array { return array{1, a.columns, a.values[i*a.columns:][:a.columns]} }

// block is a copy of the i-th of n blocks of columns.
func (a array) block(i, n int) array {
	width := a.columns / n
	b := array{rows: a.rows, columns: width}
	for r := range a.rows {
		b.values = append(b.values, a.row(r).values[i*width:][:width]...)
	}
	return b
}

// blocks are some of n blocks of columns, side by side in the given order.
func (a array) blocks(n int, order ...int) array {
	var parts []array
	for _, i := range order {
		parts = append(parts, a.block(i, n))
	}
	return beside(parts...)
}

// beside puts arrays of as many rows side by side.
func beside(parts ...array) array {
	all := array{rows: parts[0].rows}
	for r := range all.rows {
		for _, p := range parts {
			all.values = append(all.values, p.row(r).values...)
		}
	}
	all.columns = len(all.values) / all.rows
	return all
}

// above puts a over b, which has as many columns.
func above(a, b array) array {
	return array{a.rows + b.rows, a.columns, slices.Concat(a.values, b.values)}
}

func sum(a, b array) array {
	s := zeros(a.rows, a.columns)
	for i := range s.values {
		s.values[i] = a.values[i] + b.values[i]
	}
	return s
}
