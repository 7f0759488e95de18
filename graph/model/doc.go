// Package model reads and writes model folders, what training leaves behind and
// all that prediction needs.
//
// A folder holds these files, and may hold others, which are never touched:
//
//	model.json                             all but the weights: the networks of each kind and
//	                                       what they get of a row, which column plays which
//	                                       role, what the training rows are like, the threshold,
//	                                       the settings of the training run and how it went
//	                                       (see [Model])
//	run.json                               the run in the folder, from its beginning on: its settings
//	                                       and data, and how far it has come (see [RunRecord])
//	weights-DIGEST.index                   the weights of a member, or of the rival: a checkpoint
//	weights-DIGEST.data-00000-of-00001     in TensorFlow's V2 format
//	history-DIGEST.jsonl                   a JSON object for each epoch
//	judged-DIGEST.arrow                    the answers by which the networks were judged: those of
//	                                       networks that were trained on other rows
//	job-DIGEST.json, .index, .data…        of a run that has not ended, or ended early: what a
//	                                       training has come to, a checkpoint (see [Jobs])
//	job-DIGEST-STEP.json, …                the same of one that has not ended, after so many steps
//
// DIGEST is the beginning of the SHA-256 of the content. A file of another content has
// another name, so that the one rename which puts model.json in its place replaces the
// whole model: see [Writer]. Files of these names that model.json does not name are left
// over from older models or from runs that were killed; the next run in the folder
// removes them, jobs once it has made a whole model.
package model
