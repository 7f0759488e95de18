// Package engine serves trained models, whatever protocol asks for it: which models there are
// and in which versions, the running of requests that wait together, and streams that keep
// their state.
//
//	r, err := engine.Open(ctx, engine.DefaultOptions(), engine.Source{Name: "heart", Path: "runs"})
//	h, err := r.Acquire("heart", engine.Which{})
//	defer h.Release()
//	answers, err := h.Label(ctx, [][]float64{x})
//
// A model is a folder, or a base folder of versions 1, 2 and so on, of which the newest is
// served. Both are looked at every now and then: a new version is read, checked against its
// digests, started and run once before it answers requests; the one before answers those that
// it has begun with, and its streams, and then goes. A version that cannot be read is reported
// and changes nothing else.
//
// Every error that a client is to see is an *[Error].
package engine
