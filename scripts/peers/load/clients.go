//go:build linux

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
	protocol, address, path string
	body, begin             []byte
}

// dialers connect for requests one after the other.
var dialers = map[string]func(target) (client, error){"http": dialHTTP, "grpc": dialGRPC}

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

// grpcClient is calls one after the other. Frames come from the receiving goroutine, but for requests.
type grpcClient struct {
	*connection
	frames *http2.Framer
	out    bytes.Buffer // of frames
	header []byte
	call   uint32
	taken  uint32 // bytes of answers that the server has not been told of
}

// window is how many bytes the server may send ahead.
const window = 1 << 30

func dialGRPC(t target) (client, error) {
	c, err := t.grpc()
	if err != nil {
		return nil, err
	}
	return c, c.flush()
}

// grpc connects, and has the beginning of the connection to be sent.
func (t target) grpc() (*grpcClient, error) {
	conn, err := t.connect()
	if err != nil {
		return nil, err
	}
	c := &grpcClient{connection: conn, call: 1}
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
	return c, nil
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
	c.writeHeader()
	_ = c.frames.WriteData(c.call, true, message(c.body))
	return c.flush()
}

func (c *grpcClient) receive() error {
	for {
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
			if c.taken += f.Length; c.taken > window/2 {
				_ = c.frames.WriteWindowUpdate(0, c.taken)
				c.taken = 0
			}
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
}

// ended is the error of a call, whose answer ends with its status.
func (c *grpcClient) ended(f *http2.MetaHeadersFrame) error {
	c.call += 2
	for _, field := range f.Fields {
		if field.Name == "grpc-status" && field.Value == "0" {
			return nil
		}
	}
	return fmt.Errorf("the call ended: %v", f.Fields)
}
