package serve

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/answer"
	"github.com/rnnbin/rnnbin/cmd/internal/engine"
	"github.com/rnnbin/rnnbin/cmd/internal/events"
	"github.com/rnnbin/rnnbin/graph/label"
)

// conversation is a stream with a client, in JSON: rows in, answers and events out. A row is an
// object of the features by name, or a list of them in the model's order. {"end": true} ends the
// series; the next row begins another. {"state": true} is answered with the stream's state, and
// {"state": "..."}, with that, has the stream go on from there.
type conversation struct {
	*request
	stream *engine.Stream
	say    func(lines []byte) error // hands lines over to the client

	features      map[string]int
	names         [][]byte // of the classes
	probabilities bool
	finder        *events.Finder // nil if nobody asks for events

	begun bool      // the series has rows
	rows  []float64 // that are not pushed yet
	out   []byte    // lines that are not said yet

	pushing, reading lease // how long each may take
}

// converse begins a stream of the model that the path names. Close its stream after use.
func (q *request) converse() (*conversation, error) {
	h, err := q.acquire()
	if err != nil {
		return nil, err
	}
	defer h.Release()
	c := &conversation{request: q, features: map[string]int{}, names: newAnswerWriter(h.Info().Classes, label.Answers{}).names}
	for i, name := range h.Info().Features {
		c.features[name] = i
	}
	if err := c.parse(q.URL.Query(), h.Info()); err != nil {
		return nil, toClient(err)
	}
	c.stream, err = h.Stream()
	return c, err
}

// parse reads the parameters of the address.
func (c *conversation) parse(v url.Values, i *engine.Info) (err error) {
	var rules answer.EventRules
	find := false
	if c.probabilities, err = isSet(v, "probabilities"); err == nil {
		find, err = isSet(v, "events")
	}
	if err == nil {
		rules, err = eventRules(v, i)
	}
	if err != nil || !find {
		return err
	}
	of, err := rules.Of(false, false, false)
	c.finder = events.NewFinder(of, c.event)
	return err
}

// line takes a line of the client's: a row, which waits to be pushed, or the end of the series.
func (c *conversation) line(text []byte) error {
	p := &parser{text: text}
	at := len(c.rows)
	var command func() error
	var err error
	switch p.peek() {
	case 0:
		return nil
	case '[':
		err = c.list(p)
	default:
		command, err = c.object(p)
	}
	if err == nil {
		err = p.end()
	}
	switch {
	case err != nil:
		c.rows = c.rows[:at]
		return cmp.Or(c.push(), err)
	case command == nil:
		return nil
	}
	return command()
}

// list takes a row in the model's order.
func (c *conversation) list(p *parser) error {
	n := 0
	err := p.list('[', ']', func(int) error {
		v, err := p.number()
		c.rows, n = append(c.rows, v), n+1
		return err
	})
	if err == nil && n != len(c.features) {
		err = engine.Errorf(engine.Invalid, "wanted %d features, got %d", len(c.features), n)
	}
	return err
}

// object takes a row by name, or a command. Other keys are of no interest.
func (c *conversation) object(p *parser) (command func() error, err error) {
	at := len(c.rows)
	c.rows = append(c.rows, slices.Repeat([]float64{math.NaN()}, len(c.features))...)
	known := 0
	err = p.object(func(key string) (err error) {
		i, isFeature := c.features[key]
		switch {
		case isFeature:
			known++
			c.rows[at+i], err = p.number()
		case key == "end":
			command = c.end
			_, err = p.boolean()
		case key == "state" && p.peek() == '"':
			var state string
			state, err = p.string()
			command = func() error { return c.restore(state) }
		case key == "state":
			command = c.tellState
			_, err = p.boolean()
		default:
			_, err = p.value()
		}
		return err
	})
	switch {
	case known == 0 && command != nil:
		c.rows = c.rows[:at]
	case known > 0:
		command = nil // a row may have a key of such a name
	case err == nil:
		err = engine.Errorf(engine.Invalid, "the object has none of the model's features")
	}
	return command, err
}

// tellState says what the stream knows.
func (c *conversation) tellState() error {
	if err := c.push(); err != nil {
		return err
	}
	state, err := c.stream.State(c.Context())
	if err != nil {
		return err
	}
	c.out = fmt.Appendf(c.out, `{"state":"%s"}`+"\n", base64.StdEncoding.EncodeToString(state))
	return c.flush()
}

// restore goes on from a state. Events begin anew.
func (c *conversation) restore(text string) error {
	if err := c.push(); err != nil {
		return err
	}
	state, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return engine.Errorf(engine.Invalid, "the state is not base64: %w", err)
	}
	stream, err := c.stream.Handle().Restore(state)
	if err != nil {
		return err
	}
	c.stream.Close()
	c.stream, c.begun = stream, true
	return nil
}

// push pushes the rows that wait, and says what is known then.
func (c *conversation) push() error {
	if len(c.rows) > 0 {
		c.begun = true
		ctx := c.pushing.context(c.Context(), c.options.Timeout)
		first, a, err := c.stream.Push(ctx, c.rows)
		var at *engine.PlaceError
		if errors.As(err, &at) { // the rows before it are answered as if they had come alone
			before, _ := c.stream.Rows()
			var again error
			if first, a, again = c.stream.Push(ctx, c.rows[:min(len(c.rows), at.Row*len(c.features))]); again == nil {
				at.Row += before
			}
		}
		if fault := cmp.Or(c.answer(first, a), err); fault != nil {
			return fault
		}
		c.rows = c.rows[:0]
	}
	return c.flush()
}

// end ends the series.
func (c *conversation) end() error {
	if err := c.push(); err != nil {
		return err
	}
	first, a, err := c.stream.Flush(c.pushing.context(c.Context(), c.options.Timeout))
	if err == nil {
		err = c.answer(first, a)
	}
	if err != nil {
		return err
	}
	c.begun = false
	if c.finder != nil {
		if err := c.finder.End(0); err != nil {
			return err
		}
	}
	c.out = append(c.out, `{"end":true}`+"\n"...)
	return c.flush()
}

// answer writes a line for each answer.
func (c *conversation) answer(first int, a label.Answers) error {
	w := answerWriter{Answers: a, names: c.names}
	for i := range a.Len() {
		c.out = strconv.AppendInt(append(c.out, `{"row":`...), int64(first+i), 10)
		c.out = append(append(c.out, `,"predicted_label":`...), c.names[a.Class[i]]...)
		c.out = appendFloat(append(c.out, `,"predicted_probability":`...), a.Score[i])
		if c.probabilities {
			c.out = append(c.out, `,"probabilities":`...)
			row := w.probabilities(nil, i, 1)
			c.out = append(c.out, row[1:len(row)-1]...)
		}
		c.out = append(c.out, "}\n"...)
	}
	if c.finder == nil || a.Len() == 0 {
		return nil
	}
	return c.finder.Add(events.Rows{Series: make([]int32, a.Len()), Probability: a.Probability, Label: a.Class})
}

// event writes an event that is certain, as predict does.
func (c *conversation) event(e events.Found) error {
	var text bytes.Buffer
	w, err := events.NewWriter(&text, events.JSONL, "")
	if err == nil {
		err = w.Write(e)
	}
	c.out = fmt.Appendf(c.out, `{"event":%s}`+"\n", bytes.TrimSuffix(text.Bytes(), []byte("\n")))
	return err
}

// flush says what has been written.
func (c *conversation) flush() error {
	if len(c.out) == 0 {
		return nil
	}
	defer func() { c.out = c.out[:0] }()
	return c.say(c.out)
}

// fault says what ended the stream.
func (c *conversation) fault(err error) {
	c.out = append(append(append(c.out, `{"error":`...), quoted(err.Error())...), "}\n"...)
	_ = c.flush() // a client that has gone
}

const (
	maxLine   = 1 << 20 // bytes of a line, or of a message
	maxValues = 1 << 12 // that wait to be pushed together, about
)

// streamLines answers JSON lines with JSON lines while they come. Its own faults are a last line.
func (q *request) streamLines() error {
	c, err := q.converse()
	if err != nil {
		return err
	}
	defer func() { c.stream.Close() }()
	body, err := q.decoded(q.Body)
	if err != nil {
		return err
	}
	control := http.NewResponseController(q.out)
	if err := control.EnableFullDuplex(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	defer q.Body.Close() // else net/http panics where it finds the body's end itself (golang/go#68560)
	// HTTP/2 ends a stream at its deadline, whether something is being written or not.
	_ = control.SetWriteDeadline(time.Time{})
	deaf := engine.NewWatch(q.options.Timeout, func() { _ = control.SetWriteDeadline(time.Now()) })
	defer deaf.Stop()
	defer func() { _ = control.SetWriteDeadline(time.Now().Add(q.options.Timeout)) }()
	c.say = func(lines []byte) error {
		deaf.Begin() // a client that never reads
		defer deaf.End()
		if _, err := q.out.Write(lines); err != nil {
			return err
		}
		return control.Flush()
	}
	defer context.AfterFunc(q.ending, func() { _ = control.SetReadDeadline(time.Now()) })()
	if q.Header.Get("Expect") != "" && q.ProtoAtLeast(1, 1) {
		q.out.WriteHeader(http.StatusContinue) // which net/http says when a body is read, but not after a header
	}
	q.out.Header().Set("Content-Type", "application/jsonl")
	q.out.WriteHeader(http.StatusOK)
	_ = control.Flush()
	if err := c.lines(body, control); err != nil {
		c.fault(q.ended(err))
		// What is on its way is taken: a connection that is closed before loses the answer.
		_ = control.SetReadDeadline(time.Now().Add(time.Second / 2))
		_, _ = io.CopyN(io.Discard, c.Body, 8<<20)
	}
	return nil
}

// ended is why a stream ended.
func (q *request) ended(err error) error {
	if q.ending.Err() != nil {
		return engine.Errorf(engine.Unavailable, "the server is shutting down")
	}
	return err
}

// lines takes lines until they end, as many at a time as are at hand.
func (c *conversation) lines(body io.Reader, control *http.ResponseController) error {
	b := bufio.NewReaderSize(body, 16<<10)
	for number := 1; ; number++ {
		if until, due := c.reading.renew(c.registry.SessionTTL()); due {
			_ = control.SetReadDeadline(until)
			if c.ending.Err() != nil { // it may have set another one just before
				_ = control.SetReadDeadline(time.Now())
			}
		}
		text, err := c.readLine(b)
		if err == nil || err == io.EOF && len(text) > 0 {
			if fault := c.line(text); fault != nil {
				return fmt.Errorf("line %d: %w", number, fault)
			}
		}
		if err == io.EOF && (c.begun || len(c.rows) > 0) {
			return c.end()
		}
		if err == io.EOF {
			return nil
		}
		if err == nil && bytes.IndexByte(peekBuffered(b), '\n') >= 0 && len(c.rows) < maxValues && c.bytes == 0 {
			continue
		}
		if pushed := c.push(); pushed != nil {
			return fmt.Errorf("up to line %d: %w", number, pushed)
		}
		c.drop()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return c.registry.Silent()
		}
		if err != nil {
			return c.unreadable(err)
		}
	}
}

// lease is a deadline that is set a little later than it need be, so that few rows have to set another.
type lease struct {
	until  time.Time
	ctx    context.Context // that lasts until then, once it has been asked for
	cancel context.CancelFunc
}

// renew reports whether the deadline is less than a time away, and has to be set to another one.
func (l *lease) renew(after time.Duration) (until time.Time, due bool) {
	now := time.Now()
	if due = l.until.Sub(now) < after; due {
		l.until = now.Add(after + after/8)
	}
	return l.until, due
}

// context ends with its parent or, not before a time, by itself. The one before is over.
func (l *lease) context(parent context.Context, after time.Duration) context.Context {
	if until, due := l.renew(after); due {
		if l.cancel != nil {
			l.cancel()
		}
		l.ctx, l.cancel = context.WithDeadline(parent, until)
	}
	return l.ctx
}

// peekBuffered is what has arrived and was not read.
func peekBuffered(b *bufio.Reader) []byte {
	text, _ := b.Peek(b.Buffered())
	return text
}

// readLine reads a line that is not too long. What the buffer has no room for is held.
func (c *conversation) readLine(b *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := b.ReadSlice('\n')
		if line == nil && err == nil {
			return part, nil
		}
		if full := c.registry.Hold(len(part)); full != nil {
			return nil, full
		}
		c.bytes += len(part)
		line = append(line, part...)
		if len(line) > maxLine {
			return nil, engine.Errorf(engine.Invalid, "the line is longer than %d bytes", maxLine)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}
