package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// target is what is asked.
type target struct {
	dial          func(target) (client, error)
	address, path string
	body, begin   []byte
}

var dialers = map[string]func(target) (client, error){
	"http": dialHTTP, "lines": dialLines, "websocket": dialSocket, "grpc": dialCalls, "stream": dialStream,
}

// connection sends the same bytes for each request.
type connection struct {
	target
	net.Conn
	in      *bufio.Reader
	request []byte
}

func (t target) connect() (*connection, error) {
	c, err := net.Dial("tcp", t.address)
	if err != nil {
		return nil, err
	}
	return &connection{target: t, Conn: c, in: bufio.NewReader(c)}, nil
}

func (c *connection) send() error {
	_, err := c.Write(c.request)
	return err
}

// open connects, sends what begins a stream over HTTP, and reads the header of the answer.
func (t target) open(status int, format string, args ...any) (*connection, error) {
	c, err := t.connect()
	if err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(c, format, args...); err != nil {
		return nil, err
	}
	r, err := http.ReadResponse(c.in, nil)
	if err == nil && r.StatusCode != status {
		err = fmt.Errorf("status %d", r.StatusCode)
	}
	return c, err
}

type httpClient struct{ *connection }

func dialHTTP(t target) (client, error) {
	c, err := t.connect()
	if err != nil {
		return nil, err
	}
	c.request = fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", t.path, t.address, len(t.body), t.body)
	return httpClient{c}, nil
}

func (c httpClient) receive() error {
	r, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return err
	}
	if r.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", r.StatusCode)
	}
	if r.Close {
		c.Close()
		c.Conn = nil
	}
	return nil
}

func (c httpClient) send() error {
	if c.Conn == nil {
		again, err := c.connect()
		if err != nil {
			return err
		}
		c.Conn, c.in = again.Conn, again.in
	}
	return c.connection.send()
}

type lineClient struct{ *connection }

func dialLines(t target) (client, error) {
	c, err := t.open(http.StatusOK, "POST %s HTTP/1.1\r\nHost: %s\r\nTransfer-Encoding: chunked\r\n\r\n", t.path, t.address)
	if err != nil {
		return nil, err
	}
	c.request = fmt.Appendf(nil, "%x\r\n%s\r\n", len(t.body), t.body)
	return lineClient{c}, nil
}

// receive skips what lies between chunks.
func (c lineClient) receive() error {
	for {
		line, err := c.in.ReadSlice('\n')
		switch {
		case err != nil:
			return err
		case bytes.HasPrefix(line, []byte(`{"row"`)):
			return nil
		case line[0] == '{':
			return fmt.Errorf("answer %s", line)
		}
	}
}

// socketClient is a WebSocket, whose messages may have several answers, a line each.
type socketClient struct {
	*connection
	ready int // answers that have arrived
}

func dialSocket(t target) (client, error) {
	c, err := t.open(http.StatusSwitchingProtocols, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OTAxMjM0NQ==\r\n\r\n", t.path, t.address)
	if err != nil {
		return nil, err
	}
	if len(t.body) > short {
		return nil, fmt.Errorf("the row has more than %d bytes", short)
	}
	const text, masked = 0x81, 0x80
	c.request = append([]byte{text, masked | byte(len(t.body)), 0, 0, 0, 0}, t.body...) // masked by zeros
	return &socketClient{connection: c}, nil
}

// short is how long a message may be for its length to be one byte.
const short = 125

func (c *socketClient) receive() error {
	if c.ready > 0 {
		c.ready--
		return nil
	}
	var head [4]byte
	_, err := io.ReadFull(c.in, head[:2])
	n := int(head[1])
	if err == nil && n > short {
		_, err = io.ReadFull(c.in, head[2:])
		n = int(binary.BigEndian.Uint16(head[2:]))
	}
	message := make([]byte, n)
	if err == nil {
		_, err = io.ReadFull(c.in, message)
	}
	if err == nil && !bytes.HasPrefix(message, []byte(`{"row"`)) {
		err = fmt.Errorf("answer %q", message)
	}
	c.ready = bytes.Count(message, []byte("\n")) // but for the first, as the last has no line feed
	return err
}

// grpcClient is calls one after the other, or one that is a stream. Frames come from the receiving goroutine, but for requests.
type grpcClient struct {
	*connection
	frames *http2.Framer
	out    bytes.Buffer // of frames
	header []byte
	stream bool
	call   uint32
	taken  uint32 // bytes of answers that the server has not been told of
	rest   []byte // of a stream, that are no whole message
	ready  int    // messages of a stream that have arrived
}

// window is how many bytes the server may send ahead.
const window = 1 << 30

func dialCalls(t target) (client, error)  { return dialGRPC(t, false) }
func dialStream(t target) (client, error) { return dialGRPC(t, true) }

func dialGRPC(t target, stream bool) (client, error) {
	conn, err := t.connect()
	if err != nil {
		return nil, err
	}
	c := &grpcClient{connection: conn, stream: stream, call: 1}
	c.frames = http2.NewFramer(&c.out, c.in)
	c.frames.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	var header bytes.Buffer
	h := hpack.NewEncoder(&header)
	h.SetMaxDynamicTableSize(0) // so that all calls have the same bytes
	for _, field := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":path", t.path}, {":authority", t.address}, {"content-type", "application/grpc"}, {"te", "trailers"}} {
		_ = h.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}) // to memory, as all frames
	}
	c.header = header.Bytes()
	c.out.WriteString(http2.ClientPreface)
	_ = c.frames.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: window})
	_ = c.frames.WriteWindowUpdate(0, window)
	if !stream {
		return c, c.flush()
	}
	c.writeHeader()
	_ = c.frames.WriteData(c.call, false, message(t.begin))
	if err := c.flush(); err != nil {
		return nil, err
	}
	var row bytes.Buffer
	_ = http2.NewFramer(&row, nil).WriteData(c.call, false, message(t.body))
	c.request = row.Bytes()
	return c, c.receive()
}

// message has gRPC's prefix.
func message(body []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(body))), body...)
}

func (c *grpcClient) writeHeader() {
	_ = c.frames.WriteHeaders(http2.HeadersFrameParam{StreamID: c.call, BlockFragment: c.header, EndHeaders: true})
}

func (c *grpcClient) flush() error {
	_, err := c.out.WriteTo(c.Conn)
	return err
}

func (c *grpcClient) send() error {
	if c.stream {
		return c.connection.send()
	}
	c.writeHeader()
	_ = c.frames.WriteData(c.call, true, message(c.body))
	return c.flush()
}

func (c *grpcClient) receive() error {
	for c.ready == 0 {
		f, err := c.frames.ReadFrame()
		if err != nil {
			return err
		}
		switch f := f.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = c.frames.WriteSettingsAck()
			}
		case *http2.PingFrame:
			if !f.IsAck() {
				_ = c.frames.WritePing(true, f.Data)
			}
		case *http2.DataFrame:
			c.take(f.Data())
		case *http2.MetaHeadersFrame:
			if f.StreamEnded() {
				return c.ended(f)
			}
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			return fmt.Errorf("%v", f)
		}
		if err := c.flush(); err != nil {
			return err
		}
	}
	c.ready--
	return nil
}

// take counts what arrives, of a stream also messages.
func (c *grpcClient) take(data []byte) {
	if c.taken += uint32(len(data)); c.taken > window/2 {
		_ = c.frames.WriteWindowUpdate(0, c.taken)
		c.taken = 0
	}
	if !c.stream {
		return
	}
	for c.rest = append(c.rest, data...); len(c.rest) >= 5; c.ready++ {
		n := 5 + int(binary.BigEndian.Uint32(c.rest[1:]))
		if len(c.rest) < n {
			return
		}
		c.rest = c.rest[n:]
	}
}

// ended is the error of a call, whose answer ends with its status.
func (c *grpcClient) ended(f *http2.MetaHeadersFrame) error {
	c.call += 2
	for _, field := range f.Fields {
		if field.Name == "grpc-status" && field.Value == "0" && !c.stream {
			return nil
		}
	}
	return fmt.Errorf("the call ended: %v", f.Fields)
}
