package serve

import "net/http"

// session ends a session.
func (q *request) session() error {
	switch q.Method {
	case http.MethodDelete:
		if err := q.registry.EndSession(q.name, q.rest); err != nil {
			return err
		}
		q.out.WriteHeader(http.StatusNoContent)
		return nil
	}
	return q.malformed()
}
