//go:build linux

package main

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/sys/unix"
)

// wire is a connection of one stream or, where the protocol has that, of several. The runtime does not watch it: a goroutine that
// wakes up for each answer would cost more than the answer.
type wire struct {
	fd      int
	streams []stream
	out     []byte // that is to be sent
	in      []byte // that has arrived, and is no whole answer
	answers func(w *wire, in []byte, answer func(stream int)) (rest []byte, err error)
}

// stream sends the same bytes for each row.
type stream struct {
	row      []byte
	answered int
}

// streamers connect for streams.
var streamers = map[string]func(target) (*wire, error){"lines": dialLines, "websocket": dialSocket, "stream": dialStreams}

// wire takes a connection from the runtime.
func (c *connection) wire(answers func(*wire, []byte, func(int)) ([]byte, error), rows ...[]byte) (*wire, error) {
	w := &wire{answers: answers}
	for _, row := range rows {
		w.streams = append(w.streams, stream{row: row})
	}
	w.in, _ = c.in.Peek(c.in.Buffered())
	raw, err := c.Conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return nil, err
	}
	if controlled := raw.Control(func(fd uintptr) { w.fd, err = unix.Dup(int(fd)) }); controlled != nil {
		return nil, controlled
	}
	c.Close()
	return w, err
}

func dialLines(t target) (*wire, error) {
	c, err := t.open(http.StatusOK, "POST %s HTTP/1.1\r\nHost: %s\r\nTransfer-Encoding: chunked\r\n\r\n", t.path, t.address)
	if err != nil {
		return nil, err
	}
	return c.wire(texts, fmt.Appendf(nil, "%x\r\n%s\r\n", len(t.body), t.body))
}

// short is how long a WebSocket's message may be for its length to be one byte.
const short = 125

func dialSocket(t target) (*wire, error) {
	c, err := t.open(http.StatusSwitchingProtocols, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OTAxMjM0NQ==\r\n\r\n", t.path, t.address)
	if err != nil {
		return nil, err
	}
	if len(t.body) > short {
		return nil, fmt.Errorf("the row has more than %d bytes", short)
	}
	const text, masked = 0x81, 0x80
	return c.wire(texts, append([]byte{text, masked | byte(len(t.body)), 0, 0, 0, 0}, t.body...)) // masked by zeros
}

// texts takes answers in JSON, whatever lies between them.
func texts(_ *wire, in []byte, answer func(int)) ([]byte, error) {
	const good = `{"row"`
	for {
		at := bytes.IndexByte(in, '{')
		if at < 0 {
			return nil, nil
		}
		if in = in[at:]; len(in) < len(good) {
			return in, nil
		}
		if string(in[:len(good)]) != good {
			return nil, fmt.Errorf("answer %.80q", in)
		}
		in = in[len(good):]
		answer(0)
	}
}

// dialStreams has as many streams of gRPC on a connection as share it.
func dialStreams(t target) (*wire, error) {
	c, err := t.grpc()
	if err != nil {
		return nil, err
	}
	var rows [][]byte
	for ; len(rows) < *share; c.call += 2 {
		c.writeHeader()
		_ = c.frames.WriteData(c.call, false, message(t.begin))
		var row bytes.Buffer
		_ = http2.NewFramer(&row, nil).WriteData(c.call, false, message(t.body))
		rows = append(rows, row.Bytes())
	}
	if err := c.flush(); err != nil {
		return nil, err
	}
	w, err := c.connection.wire(messages, rows...)
	for i := range w.streams {
		w.streams[i].answered = -1 // the message that begins it has an answer, too
	}
	return w, err
}

// messages takes gRPC's messages, and answers what the server asks the connection.
func messages(w *wire, in []byte, answer func(int)) ([]byte, error) {
	for {
		h, err := http2.ReadFrameHeader(bytes.NewReader(in))
		end := 9 + int(h.Length)
		if err != nil || len(in) < end {
			return in, nil // which is no whole frame
		}
		body, ack := in[9:end], h.Flags.Has(http2.FlagPingAck)
		in = in[end:]
		switch {
		case h.Type == http2.FrameData:
			for len(body) >= 5 {
				body = body[min(len(body), 5+int(binary.BigEndian.Uint32(body[1:]))):]
				answer(int(h.StreamID) / 2)
			}
		case h.Type == http2.FrameSettings && !ack, h.Type == http2.FramePing && !ack:
			var out bytes.Buffer
			if h.Type == http2.FrameSettings {
				body = nil
			}
			_ = http2.NewFramer(&out, nil).WriteRawFrame(h.Type, http2.FlagPingAck, 0, body)
			w.out = append(w.out, out.Bytes()...)
		case h.Type == http2.FrameHeaders && h.Flags.Has(http2.FlagHeadersEndStream), h.Type == http2.FrameRSTStream, h.Type == http2.FrameGoAway:
			return nil, fmt.Errorf("the stream ended: %v %q", h, body)
		}
	}
}

// write sends what there is, as much as the connection takes.
func (w *wire) write() error {
	if len(w.out) == 0 {
		return nil
	}
	n, err := unix.Write(w.fd, w.out)
	if errors.Is(err, unix.EAGAIN) {
		return nil
	}
	w.out = w.out[:copy(w.out, w.out[max(n, 0):])]
	return err
}

// pace has each stream send rows when they are due, those of all spread over the time. How long an answer takes is counted from then.
func (r *record) pace(t target) error {
	var all []*wire
	for range *connections {
		w, err := streamers[t.protocol](t)
		if err != nil {
			return err
		}
		all = append(all, w)
	}
	r.began = time.Now().Add(100 * time.Millisecond)
	l := loop{record: r, all: all}
	err := l.run()
	r.add(l.took, err)
	return nil
}

// tick is the time between two looks for rows that are due, and for answers, which take so much longer. Each row by itself would have
// the client wake up, and wake the server, a hundred thousand times a second.
const tick = 500 * time.Microsecond

// loop is the rows of all connections.
type loop struct {
	*record
	all  []*wire
	next int // number of the next row, of all streams together
	took []float64
}

// due is when a row of the streams together is.
func (l *loop) due(row int) time.Time {
	return l.began.Add(time.Duration(float64(row) / (*rate * float64(len(l.all)**share)) * float64(time.Second)))
}

func (l *loop) run() error {
	poll, err := unix.EpollCreate1(0)
	if err != nil {
		return err
	}
	left := 0
	for i, w := range l.all {
		if err := unix.EpollCtl(poll, unix.EPOLL_CTL_ADD, w.fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)}); err != nil {
			return err
		}
		for _, s := range w.streams {
			left += int(*seconds**rate) - s.answered
		}
	}
	events, buffer := make([]unix.EpollEvent, len(l.all)), make([]byte, 1<<16)
	for left > 0 {
		_ = unix.Nanosleep(&unix.Timespec{Nsec: int64(tick)}, nil)
		n, err := unix.EpollWait(poll, events, 0)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		for _, e := range events[:max(n, 0)] {
			answers, err := l.receive(int(e.Fd), buffer)
			if left -= answers; err != nil {
				return err
			}
		}
		if err := l.send(); err != nil {
			return err
		}
	}
	return nil
}

// receive takes what has arrived on a connection.
func (l *loop) receive(number int, buffer []byte) (answers int, err error) {
	w := l.all[number]
	n, err := unix.Read(w.fd, buffer)
	if n <= 0 {
		return 0, cmp.Or(err, io.EOF)
	}
	now := time.Now()
	w.in = append(w.in, buffer[:n]...)
	rest, err := w.answers(w, w.in, func(i int) {
		s := &w.streams[i]
		if s.answered >= 0 {
			due := l.due((s.answered**share+i)*len(l.all) + number)
			l.took = append(l.took, 1000*now.Sub(due).Seconds())
		}
		s.answered++
		answers++
	})
	w.in = w.in[:copy(w.in, rest)]
	return answers, err
}

// send sends the rows that are due.
func (l *loop) send() error {
	streams := len(l.all) * *share
	for now := time.Now(); l.next < streams*int(*seconds**rate) && !l.due(l.next).After(now); l.next++ {
		of := l.next % streams
		w := l.all[of%len(l.all)]
		w.out = append(w.out, w.streams[of/len(l.all)].row...)
	}
	for _, w := range l.all {
		if err := w.write(); err != nil {
			return err
		}
	}
	return nil
}
