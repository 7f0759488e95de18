// Package graph assembles TensorFlow graphs that label every step of a time
// series with a neural network, and runs them in a session.
//
// A [Config] has three parts: a [Network], windows of T steps with F features each,
// recurrent or dense layers, a projection to O outputs a step and a [Loss]; its
// [Training], with an [Optimizer]; and the [Machine] that it runs on.
// [NewSession] assembles it and initialises its weights; [Session.SetSeries] hands it
// N labelled rows of one series or several, which stay in the session. Windows are named
// by their first row, so that shuffling and sliding are a matter of the table in a
// [Plan]; one that begins near the end of its series is short. [Session.Train] makes one
// training step for each row of that table, all of them within one call of TensorFlow:
// the loop is a part of the graph.
//
// A step is windows -> layers -> projection -> loss -> gradients -> update -> report.
// With Network.Lags a window's inputs are taken from rows around each row too. The random
// numbers of Training.InputNoise and Training.Dropout depend on Training.Seed and the step's
// number, which the session counts, so that they are the same however a run is divided.
// Dense layers, projection, one-hot labels and loss are TensorFlow's own operations.
// Windows, recurrent layers, random numbers and the updates of Adam and AdamW run in one of
// two forms, see [Form]: as TensorFlow's standard operations, or as operations of this
// package's own, several times faster, which also brings kernels of its own for the losses'
// cross-entropies. Their results agree to rounding.
//
// Comments give shapes in letters: T steps, B windows of a batch, F features, L lags, U
// units of a layer, D directions, S values of all layers' states, O outputs, C classes, N
// rows, K training steps of a call. Arrays are flat slices in row-major order.
//
// [Predictor.Predict] labels sequences of any length, in as many calls as the
// caller likes: the state goes from one to the next. [NewPredictor] makes a network
// that can only predict, [NewEnsemble] several that answer together;
// [Network.Assemble] adds them to a graph of the caller's.
// [Member.Save] and [Member.Restore] keep a network in TensorFlow's checkpoints, under
// names that the original program reads too.
//
// The package needs libtensorflow 2.18, see [CheckLibrary]. It opens no file but
// checkpoints and prints nothing; what TensorFlow itself writes to standard error, a
// program hushes by setting TF_CPP_MIN_LOG_LEVEL to 3 before it starts. Of the
// environment it sets TF_OVERRIDE_GLOBAL_THREADPOOL, unless it is set, so that
// Machine.Threads holds for each session.
package graph
