// Package layout decides which rows of labelled series a network learns from and is
// judged on, and lays them out for the engine. Its functions are pure: the same data and
// the same seed give the same result, and the data is never written to.
//
// A run cuts its rows into folds ([Folds]), each a part to be held back and one to train
// on. What trains is laid out by [Build]; a [Sampler] says where its windows begin.
// [Describe] and [FitScale] measure features, so that the network can scale them, and
// [ClassWeight] is what a row of each class counts.
//
// In comments N is the number of rows and F the number of features. Ranges are in the
// order of their rows and do not overlap; those of one series have its name.
package layout
