package serve

import (
	"net/http"
	"net/url"
)

// session answers with the state of a session, which another server may go on from, begins a
// session in a state, or ends one.
func (q *request) session() error {
	id, err := url.PathUnescape(q.rest)
	if err != nil {
		return q.malformed()
	}
	switch q.Method {
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
