// Package cluster has the jobs of a run trained on other machines, by sessions of TensorFlow's
// own server.
//
// A [Worker] waits for connections, with TLS by a secret that both sides know, or by certificates.
// A [Farm], of a run, takes slots of it. For each slot the worker starts a process ([Slot]) with a
// server that only its machine reaches, for as long as the slot's first connection lasts, over
// which the run asks now and then whether the process is alive. Further connections of the slot
// are passed on to the server: they come from a port of the run's machine, which is the target of
// its sessions. No session, memory or computation outlives the first connection, and a fatal
// error within TensorFlow ends no worker.
//
// Where several slots train a network together, the worker of the first has its server reach the
// others' in the same way.
//
// Who knows the secret can run any graph of TensorFlow as the worker's user, which includes
// reading and writing files.
package cluster

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"time"
)

const pingEvery = 2 * time.Second

// patience is how long the other side may be silent.
var patience = 10 * time.Second

// Build is what decides whether a worker computes what this process would.
type Build struct {
	Program    string   `json:"program"`
	Library    string   `json:"libtensorflow"`
	Operations string   `json:"operations"`       // a digest of what they take and give
	Sets       []string `json:"instruction_sets"` // of the processor, the best first
}

// differs names what of b is not as in other; "" if nothing that matters is.
func (b Build) differs(other Build) string {
	var all []string
	for _, part := range []struct{ name, is, want string }{
		{"rnnbin", b.Program, other.Program}, {"libtensorflow", b.Library, other.Library}, {"operations", b.Operations, other.Operations},
	} {
		if part.is != part.want {
			all = append(all, fmt.Sprintf("%s %s, not %s", part.name, part.is, part.want))
		}
	}
	return strings.Join(all, "; ")
}

// request is what a connection begins with.
type request struct {
	Protocol int    `json:"protocol"`
	Slot     string `json:"slot,omitempty"`  // whose server is to answer what follows; "": a new slot
	Peers    []peer `json:"peers,omitempty"` // other slots that this one's server is to reach while the connection lasts

	Digest string `json:"digest,omitempty"` // of data that is to be in a file; it follows unless it is there
	Size   int64  `json:"size,omitempty"`   // of that
}

const protocol = 1

// peer is a slot of another worker, or of the same.
type peer struct {
	Listen string `json:"listen"` // where it is to be reached on the machine of who asks
	Worker string `json:"worker"`
	Slot   string `json:"slot"`
}

// reply is the answer to a request for a slot, after which what follows comes back as it is, or for
// a file.
type reply struct {
	Error string `json:"error,omitempty"`
	Path  string `json:"path,omitempty"` // of the file; "": its data is wanted
	Busy  bool   `json:"busy,omitempty"` // there is no free slot
	Slot  string `json:"slot,omitempty"`
	Port  int    `json:"port,omitempty"`  // of the slot's server
	Slots int    `json:"slots,omitempty"` // that the worker has
	Build Build  `json:"build,omitzero"`
}

const maxLine = 1 << 16

// tunnel has what connects to l reach a slot of a worker, until ctx ends.
func tunnel(ctx context.Context, l *net.TCPListener, config *tls.Config, worker, slot string) error {
	defer context.AfterFunc(ctx, func() { _ = l.SetDeadline(time.Now()) })()
	for {
		c, err := l.AcceptTCP()
		if err != nil {
			return err
		}
		go func() { // each session connects anew
			defer c.Close()
			to, err := dial(ctx, worker, config, request{Protocol: protocol, Slot: slot})
			if err != nil {
				return
			}
			_ = to.SetDeadline(time.Time{})
			defer context.AfterFunc(ctx, func() { c.Close(); to.Close() })()
			splice(c, to)
		}()
	}
}

// ownAddress is one of this machine's, which nothing else uses, with the port of a server
// elsewhere: TensorFlow has servers of a cluster reached at the port that each has itself.
func ownAddress(port int) *net.TCPAddr {
	ip := net.IPv4(127, 0, 0, 1).To4()
	if runtime.GOOS == "linux" { // where all of 127/8 is this machine's
		_, _ = rand.Read(ip[1:])
		ip[3] |= 2 // no other than 127.0.0.1
	}
	return &net.TCPAddr{IP: ip, Port: port}
}

// readLine reads a value that is a line of JSON, and no byte behind it.
func readLine(r io.Reader, to any) error {
	var line []byte
	for b := []byte{0}; len(line) < maxLine; line = append(line, b[0]) {
		if _, err := io.ReadFull(r, b); err != nil {
			return err
		}
		if b[0] == '\n' {
			return json.Unmarshal(line, to)
		}
	}
	return errors.New("the line is too long")
}

func writeLine(w io.Writer, v any) error {
	line, err := json.Marshal(v)
	if err == nil {
		_, err = w.Write(append(line, '\n'))
	}
	return err
}

// splice passes bytes both ways until one side ends.
func splice(a, b net.Conn) {
	done := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		go func() { _, _ = io.Copy(way[0], way[1]); done <- struct{}{} }()
	}
	<-done
	a.Close()
	b.Close()
	<-done
}

// refusedError is returned for a worker that cannot be used, however often it is asked.
type refusedError struct{ error }

func (e refusedError) Unwrap() error { return e.error }

// errBusy is returned by a worker all of whose slots are taken.
var errBusy = errors.New("all its slots are taken")

// dial connects to a worker.
func dial(ctx context.Context, address string, config *tls.Config, r request) (net.Conn, error) {
	d := tls.Dialer{Config: config, NetDialer: &net.Dialer{Timeout: patience}}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, refused(err)
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	if err := writeLine(c, r); err != nil {
		c.Close()
		return nil, refused(err)
	}
	return c, nil
}

// refused is a *refusedError if the other side will not do.
func refused(err error) error {
	var record tls.RecordHeaderError
	var alert *net.OpError // of the other side
	var certificate *tls.CertificateVerificationError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &record), errors.As(err, &syntax):
		return refusedError{errors.New("it is no rnnbin worker")}
	case errors.Is(err, errSecret):
		return refusedError{errSecret}
	case errors.As(err, &alert) && alert.Op == "remote error", errors.As(err, &certificate):
		return refusedError{err}
	}
	return err
}
