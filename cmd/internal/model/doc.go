// Package model reads and writes model folders, what training leaves behind and
// all that prediction needs.
//
// A folder holds these files, and may hold others:
//
//	model.json                    all but the weights: the network, which column plays
//	                              which role, horizon, scaling, threshold (see [Model])
//	weights.index                 the weights and the optimizer's state, a checkpoint in
//	weights.data-00000-of-00001   TensorFlow's V2 format under the prefix "weights"
//	config.yaml                   the effective settings of the training run
//	metrics.json                  the last evaluation, as `rnnbin evaluate --json` prints it
//	history.jsonl                 a JSON object for each epoch
//
// The first three make a model; the others tell how it came about. A folder
// appears, or replaces an older one, whole: see [Writer].
package model
