// Package label labels the rows of time series with a trained model, as the program rnnbin
// does:
//
//	m, err := label.Open("runs/latest")
//	a, err := m.Label(ctx, label.Series{Values: x}) // rows x features, as they were measured
//
// A [Model] holds what lies between measured values and labels: it fills what is missing, makes
// the networks' inputs, cuts overlapping windows, runs the networks, takes the mean of their
// answers and applies the threshold. [Model.Label] labels series in memory;
// a [Stream] labels the rows of one series as they arrive, and [Streams] those of any number
// of series that alternate, in bounded memory. All are one engine and agree to rounding.
//
// # Windows
//
// A network trained on windows of T steps that start from zeros is to be trusted up to T
// steps of history; beyond, its state may grow without bounds. So a series is labelled by
// overlapping windows: one starts every H rows, H being half of T, and answers the rows from
// its H-th on to the 2H-1-th, that is, after at least H and fewer than T steps. The first
// window also answers the H rows at its start. With T = 1 each row is a window. A network of
// two directions answers by the middle half of a window, so that a row has rows on either
// side; the first and the last window of a series answer its ends too. Windows never reach
// from one series into the next, and one that a series does not fill is padded at its end, or
// short where there are two directions.
//
// # Horizon
//
// With horizon h the network gives at row i the label of row i+h. So that every row gets an
// answer, a series is extended: for h > 0 by h repetitions of its first row before it, for
// h < 0 by |h| repetitions of its last row after it. The answers that rest on repetitions,
// those of the first h or the last |h| rows, are marked as padded.
//
// # Lags
//
// A network with lags also needs the rows before and after a window that its inputs are taken
// from. At the ends of the extended series its first and its last row are repeated for that;
// such answers are not marked. A row whose inputs lie after it is answered when they have
// arrived, as with a horizon below 0.
//
// # Shift
//
// Where float32 would not tell values apart, as those of a counter that has passed a billion, a model takes them
// less a number of each feature, which has to be taken off in float64: [Model.Values] does that. Most models have none.
//
// # Inputs
//
// What a network gets of a row are the columns that [inputs.Inputs] makes of the measured
// features: these, the same scaled within their series, statistics over rolling windows of rows,
// all brought to like sizes. What is cut, repeated and reached to by lags above are rows of these
// columns. A row whose columns rest on rows after it is answered when these have arrived; the
// repetitions before a series wait for the columns of its first row.
//
// A scale by all rows of a series needs to know them beforehand. All else is made as rows arrive:
// for that a series that is open in [Streams] keeps about 4F(T+2A) + 64RK bytes, where rolling
// windows look A rows ahead and have K rows together.
//
// # Kinds of network
//
// A model may have networks of several kinds, each with windows, a horizon, lags and inputs of
// its own. Each labels the series by itself; the answer to a row is the mean of the kinds', given
// when the last of them has it, and marked as padded if one of them is.
//
// The package reads model folders and needs libtensorflow, as package graph does. It prints
// nothing; a program that does not want what TensorFlow writes to standard error sets
// TF_CPP_MIN_LOG_LEVEL before it starts.
//
// Comments give shapes in letters: N rows, R features as measured, F columns that a network
// gets of a row, S values of a state, B windows of a call, C classes.
package label
