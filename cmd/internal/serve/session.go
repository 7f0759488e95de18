package serve

import (
	"net/http"
	"net/url"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
	"github.com/rnnbin/rnnbin/graph/label"
)

// session answers with the state of a session, which another server may go on from, begins a
// session in a state, or ends one.
func (q *request) session() error {
	id, err := url.PathUnescape(q.rest)
	if err != nil {
		return q.malformed()
	}
	switch q.verb() {
	case http.MethodGet:
		state, err := q.registry.SessionState(q.Context(), q.name, id)
		if err != nil {
			return err
		}
		q.out.Header().Set("Content-Type", "application/octet-stream")
		_, _ = q.out.Write(state) // a client that has gone
		return nil
	case http.MethodPut:
		state, err := q.body()
		if err == nil {
			err = q.registry.RestoreSession(q.name, q.which, id, state)
		}
		if err != nil {
			return err
		}
	case http.MethodDelete:
		if err := q.registry.EndSession(q.name, id); err != nil {
			return err
		}
	default:
		return q.malformed()
	}
	q.out.WriteHeader(http.StatusNoContent)
	return nil
}

// pushSession adds a batch, of one series or none, to a session that may begin or end with it.
func (q *request) pushSession(id string, begin, end bool, of func(*engine.Info) (batch, error)) (info *engine.Info, first int, a label.Answers, err error) {
	rows := func(info *engine.Info) ([]float64, error) {
		q.version = info.Version
		b, err := of(info)
		switch {
		case err == nil && b.series > 1:
			err = engine.Errorf(engine.Invalid, "a session is one series, and there are %d", b.series)
		case err == nil && b.lengths != nil:
			err = engine.Errorf(engine.Invalid, "a session takes no lengths: all steps count")
		}
		return b.values, err
	}
	return q.registry.PushSession(q.Context(), engine.SessionRequest{Name: q.name, Which: q.which, ID: id, Begin: begin, End: end, Rows: rows})
}
