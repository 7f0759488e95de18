// Package graph assembles TensorFlow graphs that label every step of a time
// series with a recurrent network, and runs them in a session.
package graph
