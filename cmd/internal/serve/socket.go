package serve

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"github.com/coder/websocket"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
)

// socket answers the messages of a WebSocket as streamLines does lines: each message is a row, or
// several lines. Messages of answers are of one or several lines, too.
func (q *request) socket() error {
	c, err := q.converse()
	if err != nil {
		return err
	}
	defer func() { c.stream.Close() }()
	w, err := websocket.Accept(q.out, q.Request, nil) // from pages of this server alone
	if err != nil {
		return nil // it has been answered
	}
	w.SetReadLimit(maxLine)
	var writing lease
	c.say = func(lines []byte) error {
		ctx := writing.context(q.Context(), q.options.Timeout) // a client that never reads
		return w.Write(ctx, websocket.MessageText, bytes.TrimSuffix(lines, []byte("\n")))
	}
	defer context.AfterFunc(q.ending, func() { _ = w.Close(websocket.StatusGoingAway, "the server is shutting down") })()
	texts := receive(q, w)
	defer texts.drop(w)
	err = c.messages(texts)
	var closed websocket.CloseError
	if errors.As(err, &closed) || errors.Is(err, io.EOF) || q.ending.Err() != nil {
		return nil
	}
	c.fault(err)
	_ = w.Close(websocket.StatusPolicyViolation, "")
	return err
}

// received are the messages of a WebSocket, which are held in memory until they are dropped.
type received struct {
	registry *engine.Registry
	queue    chan []byte
	ended    error // why there are no more, once the queue is closed
}

// receive takes messages, a few more than have been asked for, until they end.
func receive(q *request, w *websocket.Conn) *received {
	r := &received{registry: q.registry, queue: make(chan []byte, 8)}
	go func() {
		defer close(r.queue)
		for {
			_, message, err := w.Reader(q.Context())
			if err != nil {
				r.ended = err
				return
			}
			h := held{Reader: message, registry: q.registry, bytes: new(int)}
			text, err := io.ReadAll(h)
			if err != nil {
				r.registry.Drop(*h.bytes)
				r.ended = err
				return
			}
			r.queue <- text
		}
	}()
	return r
}

// drop ends the connection, and drops the messages that nobody has taken.
func (r *received) drop(w *websocket.Conn) {
	_ = w.CloseNow()
	for text := range r.queue {
		r.registry.Drop(len(text))
	}
}

// messages takes messages until they end, as many at a time as are at hand.
func (c *conversation) messages(r *received) error {
	ttl := c.registry.SessionTTL()
	idle := time.NewTimer(ttl)
	defer idle.Stop()
	for {
		select {
		case text, ok := <-r.queue:
			if !ok {
				return r.ended
			}
			idle.Reset(ttl)
			c.bytes += len(text)
			for line := range bytes.Lines(text) {
				if err := c.line(line); err != nil {
					return err
				}
			}
		case <-idle.C:
			return c.registry.Silent()
		}
		if len(r.queue) > 0 && len(c.rows) < maxValues && c.bytes < maxLine {
			continue
		}
		if err := c.push(); err != nil {
			return err
		}
		c.drop()
	}
}
