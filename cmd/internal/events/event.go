// Package events reads and writes labels as a list of events: what lasts in a
// series from one row to another, in place of a label on every row.
package events

// Event is something that lasts in a series, from its first to its last row.
type Event struct {
	Series string  // its name; "" where there is one only
	Start  float64 // time of its first row: seconds since 1970 for timestamps, else a number as in the time column, or the row's number from 0
	End    float64 // of its last row, which belongs to it; Start for an instant
	Label  string  // name of the class; "" where events have none
}
