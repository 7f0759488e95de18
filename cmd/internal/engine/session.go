package engine

import (
	"context"
	"time"

	"github.com/rnnbin/rnnbin/graph/label"
)

// sessionKey tells sessions apart.
type sessionKey struct{ model, id string }

// session is a stream that has a name.
type session struct {
	stream *Stream
	used   time.Time
	users  int
}

// Session returns the stream of a session, which begins with its first request, and a function
// to call after use. It ends with EndSession, or when it is not used for a while. It stays with the
// version that it began with: another one is an error.
func (r *Registry) Session(name string, w Which, id string) (*Stream, func(), error) {
	key := sessionKey{name, id}
	s := r.useSession(key)
	if s == nil {
		h, err := r.Acquire(name, w)
		if err != nil {
			return nil, nil, err
		}
		defer h.Release()
		stream, err := h.Stream()
		if err != nil {
			return nil, nil, err
		}
		if s = r.beginSession(key, stream); s.stream != stream { // another request was quicker
			stream.Close()
		}
	}
	done := func() { r.leaveSession(s) }
	if v := s.stream.handle.number; w.Version != 0 && w.Version != v {
		done()
		return nil, nil, Errorf(Invalid, "session %q is of version %d", id, v)
	}
	return s.stream, done, nil
}

// SessionRequest is a request of a session.
type SessionRequest struct {
	Name  string // of the model
	Which Which
	ID    string

	Begin, End bool                           // the session begins, or ends, with this request
	Rows       func(*Info) ([]float64, error) // [n,R] that it adds, once the version is known
}

// PushSession adds rows to the series of a session and answers as [Stream.PushUntil] does.
func (r *Registry) PushSession(ctx context.Context, q SessionRequest) (info *Info, first int, a label.Answers, err error) {
	if q.Begin {
		_ = r.EndSession(q.Name, q.ID) // there may be none
	}
	s, done, err := r.Session(q.Name, q.Which, q.ID)
	if err != nil {
		return nil, 0, a, err
	}
	defer done()
	info = s.handle.Info()
	rows, err := q.Rows(info)
	if err != nil {
		return info, 0, a, err
	}
	if first, a, err = s.PushUntil(ctx, rows, q.End); err == nil && q.End {
		_ = r.EndSession(q.Name, q.ID) // another request may have
	}
	return info, first, a, err
}

// useSession begins the use of a session by a request, and returns nil if there is none.
func (r *Registry) useSession(key sessionKey) *session {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.sessions[key]
	if s != nil {
		s.users++
	}
	return s
}

// beginSession keeps a stream as a session's, unless it has one.
func (r *Registry) beginSession(key sessionKey, stream *Stream) *session {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.sessions[key]
	if s == nil {
		s = &session{stream: stream}
		r.sessions[key] = s
	}
	s.users++
	return s
}

// leaveSession ends the use of a session by a request.
func (r *Registry) leaveSession(s *session) {
	r.mu.Lock()
	s.users, s.used = s.users-1, time.Now()
	closed := r.closed
	r.mu.Unlock()
	if closed {
		r.endIdleSessions(time.Time{})
	}
}

// RestoreSession begins a session in a state, see [Stream.State].
func (r *Registry) RestoreSession(name string, w Which, id string, state []byte) error {
	h, err := r.Acquire(name, w)
	if err != nil {
		return err
	}
	defer h.Release()
	stream, err := h.Restore(state)
	if err != nil {
		return err
	}
	s := r.beginSession(sessionKey{name, id}, stream)
	defer r.leaveSession(s)
	if s.stream != stream {
		stream.Close()
		return Errorf(Invalid, "model %s has a session %q already", name, id)
	}
	return nil
}

// SessionState is the state of a session.
func (r *Registry) SessionState(ctx context.Context, name, id string) ([]byte, error) {
	s := r.useSession(sessionKey{name, id})
	if s == nil {
		return nil, noSession(name, id)
	}
	defer r.leaveSession(s)
	return s.stream.State(ctx)
}

// EndSession forgets a session.
func (r *Registry) EndSession(name, id string) error {
	r.mu.Lock()
	s := r.sessions[sessionKey{name, id}]
	delete(r.sessions, sessionKey{name, id})
	r.mu.Unlock()
	if s == nil {
		return noSession(name, id)
	}
	s.stream.Close()
	return nil
}

func noSession(name, id string) error {
	return Errorf(NotFound, "model %s has no session %q", name, id)
}

// endIdleSessions forgets those that are not used any more; all that are not in use when the
// time is zero.
func (r *Registry) endIdleSessions(now time.Time) {
	var idle []*session
	r.mu.Lock()
	for key, s := range r.sessions {
		if s.users == 0 && (now.IsZero() || now.Sub(s.used) >= r.options.SessionTTL) {
			idle = append(idle, s)
			delete(r.sessions, key)
		}
	}
	r.mu.Unlock()
	for _, s := range idle {
		s.stream.Close()
	}
}

// Streams is how many are open, and how many of them are sessions.
func (r *Registry) Streams() (open, sessions int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.streams, len(r.sessions)
}

// SessionTTL is how long a session lasts that is not used.
func (r *Registry) SessionTTL() time.Duration { return r.options.SessionTTL }

// Silent is the error of a stream whose client says nothing for that long.
func (r *Registry) Silent() error {
	return Errorf(Deadline, "nothing has come for %v", r.options.SessionTTL)
}

// addStream refuses more streams than there may be.
func (r *Registry) addStream() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.streams >= r.options.MaxStreams {
		return exhausted("the server has as many streams as it may: %d", r.streams)
	}
	r.streams++
	return nil
}

func (r *Registry) removeStream() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.streams--
}
