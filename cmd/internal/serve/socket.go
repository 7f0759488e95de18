package serve

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/coder/websocket"
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
	defer w.CloseNow()
	w.SetReadLimit(maxLine)
	c.say = func(lines []byte) error {
		ctx := c.writing.context(q.Context(), q.options.Timeout) // a client that never reads
		return w.Write(ctx, websocket.MessageText, bytes.TrimSuffix(lines, []byte("\n")))
	}
	defer context.AfterFunc(q.ending, func() { _ = w.Close(websocket.StatusGoingAway, "the server is shutting down") })()
	err = c.messages(w)
	var closed websocket.CloseError
	if errors.As(err, &closed) || errors.Is(err, io.EOF) || q.ending.Err() != nil {
		return nil
	}
	c.fault(err)
	_ = w.Close(websocket.StatusPolicyViolation, "")
	return err
}

// messages takes messages until they end.
func (c *conversation) messages(w *websocket.Conn) error {
	for {
		_, text, err := w.Read(c.reading.context(c.Context(), c.registry.SessionTTL()))
		if err != nil {
			return err
		}
		for line := range bytes.Lines(text) {
			if err := c.line(line); err != nil {
				return err
			}
		}
		if err := c.push(); err != nil {
			return err
		}
	}
}
