// Package graph assembles TensorFlow graphs that label every step of a time
// series with a recurrent network, and runs them in a session.
//
// A [Config] describes the network: windows of T steps with F features each, a
// recurrent layer of U units, a projection to O outputs a step, a [Loss] and an
// [Optimizer]. [NewSession] assembles it and initialises its weights;
// [Session.SetSeries] hands it N labelled rows, which stay in the session. Windows
// are named by their first row, so that shuffling and sliding are a matter of the
// table in a [Plan]. [Session.Steps] trains one step for each row of that table,
// all of them within one call of TensorFlow: the loop is a part of the graph.
//
// The layer runs in one of two forms, see [Kernel]: assembled from TensorFlow's
// standard operations and differentiated by them, or as operations of this
// package's own, several times faster. Their results agree to rounding.
//
// Comments give shapes in letters: T steps, B windows of a batch, F features, U
// units, O outputs, N rows, K training steps of a call. Arrays are flat slices in
// row-major order.
//
// [Session.Predict] labels sequences of any length, in as many calls as the
// caller likes: the state goes from one to the next. [Session.Save] and
// [Session.Restore] keep a session in TensorFlow's checkpoints, under names that
// the original program reads too.
//
// The package needs libtensorflow 2.18, see [CheckLibrary]. It opens no file but
// checkpoints, prints nothing, and reads neither the clock nor the environment.
package graph
