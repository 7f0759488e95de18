// Package cut knows how the rows of a series are cut into the windows that networks label, see
// package label.
package cut

import "github.com/rnnbin/rnnbin/graph"

// Cut says where windows lie in a series that is extended by repeating its first and its last
// row, and which rows each answers. Positions are those in the extended series.
type Cut struct {
	Block  int  // rows from one window to the next, H
	Warm   int  // steps before a window's answers count, except in the first: H, or 0 when T is 1
	Span   int  // steps of a window that are of use
	Reach  int  // steps after a window's start that it answers, but for the last of a series, which answers its end
	Whole  bool // a window is of two directions: what is behind its rows would spoil its answers
	Lead   int  // horizon above 0: repetitions before a series
	Lag    int  // horizon below 0: repetitions behind it
	Before int  // rows before a window that its lags reach to
	Behind int  // rows behind it
}

// Of is how series are cut for a network that gives at row i the label of row i+horizon.
func Of(n graph.Network, horizon int) Cut {
	c := Cut{Block: max(1, n.Window/2), Lead: max(0, horizon), Lag: max(0, -horizon)}
	c.Before, c.Behind = n.Context()
	if n.Window > 1 {
		c.Warm = c.Block
	}
	c.Span = c.Warm + c.Block
	c.Reach = c.Span
	if n.Bidirectional {
		c.Whole, c.Span, c.Warm = true, n.Window, (n.Window-c.Block)/2
		c.Reach = c.Warm + c.Block
	}
	return c
}

// First is the first position that the window which begins at the given one answers.
func (c Cut) First(start int) int {
	if start == 0 {
		return 0
	}
	return start + c.Warm
}
