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

// messages takes messages until they end, as many at a time as are at hand.
func (c *conversation) messages(w *websocket.Conn) error {
	var ended error
	texts := make(chan []byte, 8)
	go func() {
		defer close(texts)
		for {
			var text []byte
			if _, text, ended = w.Read(c.reading.context(c.Context(), c.registry.SessionTTL())); ended != nil {
				return
			}
			select {
			case texts <- text:
			case <-c.Context().Done():
				return
			}
		}
	}()
	for text := range texts {
		for line := range bytes.Lines(text) {
			if err := c.line(line); err != nil {
				return err
			}
		}
		if len(texts) > 0 && len(c.rows) < maxValues {
			continue
		}
		if err := c.push(); err != nil {
			return err
		}
	}
	return ended
}
