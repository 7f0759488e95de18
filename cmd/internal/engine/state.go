package engine

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/gob"
	"encoding/json"

	"github.com/rnnbin/rnnbin/graph/label"
)

// streamState is what a stream knows.
type streamState struct {
	stream *label.Stream
	rows   int       // of the series, that were pushed
	given  int       // of them, those that were answered
	before int       // rows of series before
	last   []float32 // [R] the features' last values, NaN for none
}

// newState is that of a series that begins.
func (h *Handle) newState() (*streamState, error) {
	return &streamState{stream: h.model.Stream(), last: h.none()}, nil
}

// savedState is a streamState as it is written.
type savedState struct {
	Rows, Given, Before int
	Last                []float32
	Stream              []byte
}

// State is what the stream knows, for [Handle.Restore] of the same model, here or in another
// server: the rows after it get the same answers. It is sealed by a key that follows from the
// model, so that nobody makes one up who has not got that.
func (s *Stream) State(ctx context.Context) ([]byte, error) {
	select {
	case <-s.turn:
	case <-ctx.Done():
		return nil, reason(ctx)
	}
	defer func() { s.turn <- struct{}{} }()
	if s.failed != nil {
		return nil, s.failed
	}
	stream, err := s.stream.MarshalBinary()
	if err != nil {
		return nil, asError(err)
	}
	var text bytes.Buffer
	if err := gob.NewEncoder(&text).Encode(savedState{s.rows, s.given, s.before, s.last, stream}); err != nil {
		return nil, asError(err)
	}
	return append(s.handle.seal(text.Bytes()), text.Bytes()...), nil
}

// Restore opens a stream that goes on from a state.
func (h *Handle) Restore(state []byte) (*Stream, error) {
	return h.begin(func() (*streamState, error) {
		n := min(len(state), sha256.Size)
		var saved savedState
		if !hmac.Equal(state[:n], h.seal(state[n:])) || gob.NewDecoder(bytes.NewReader(state[n:])).Decode(&saved) != nil {
			return nil, Errorf(Invalid, "the state is damaged, or that of another model than %s version %d", h.name, h.number)
		}
		stream, err := h.model.Restore(saved.Stream)
		if err != nil {
			return nil, &Error{Kind: Invalid, Err: err}
		}
		return &streamState{stream, saved.Rows, saved.Given, saved.Before, saved.Last}, nil
	})
}

// seal is what nobody can make of a text who does not know the model.
func (v *version) seal(text []byte) []byte {
	key, err := json.Marshal(v.info.Model)
	if err != nil {
		panic(err) // it was read from JSON
	}
	h := hmac.New(sha256.New, key)
	h.Write(text)
	return h.Sum(nil)
}
