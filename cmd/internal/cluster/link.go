package cluster

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rnnbin/rnnbin/graph"
)

// link is a slot of a worker, as seen from the run.
type link struct {
	address string // of the worker
	at      graph.Server
	reply   reply
	trains  sync.Mutex    // held by the job that does
	answers sync.Mutex    // by one that has trained
	back    chan struct{} // where it is given back after a job
	lost    context.Context
	lose    context.CancelCauseFunc
	sent    atomic.Int64 // bytes of series

	local  *net.TCPListener // where sessions connect to
	pinged sync.Mutex
	holder net.Conn
}

// connect takes a slot of a worker.
func connect(ctx context.Context, address string, config *tls.Config) (*link, error) {
	c, err := dial(ctx, address, config, request{Protocol: protocol})
	if err != nil {
		return nil, err
	}
	l := &link{address: address, holder: c, back: make(chan struct{})}
	_ = c.SetDeadline(time.Now().Add(6 * patience)) // a process starts
	stop := context.AfterFunc(ctx, func() { c.Close() })
	err = readLine(c, &l.reply)
	switch {
	case !stop():
		err = ctx.Err()
	case err != nil:
		err = refused(err)
	case l.reply.Busy:
		err = errBusy
	case l.reply.Error != "":
		err = refusedError{errors.New(l.reply.Error)}
	}
	if err == nil {
		l.local, err = net.ListenTCP("tcp", ownAddress(l.reply.Port))
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	l.at.Target = "grpc://" + l.local.Addr().String()
	l.at.Put = func(data []byte) (string, error) { return l.put(config, data) }
	l.lost, l.lose = context.WithCancelCause(context.Background())
	context.AfterFunc(l.lost, func() { c.Close() })
	go l.watch()
	go func() {
		l.close(tunnel(l.lost, l.local, config, address, l.reply.Slot))
		l.refuse()
	}()
	return l, nil
}

// put has data in a file of the worker's, unless it is there.
func (l *link) put(config *tls.Config, data []byte) (path string, err error) {
	sum := sha256.Sum256(data)
	c, err := dial(l.lost, l.address, config, request{Protocol: protocol, Digest: hex.EncodeToString(sum[:]), Size: int64(len(data))})
	if err != nil {
		return "", err
	}
	defer c.Close()
	defer context.AfterFunc(l.lost, func() { c.Close() })()
	_ = c.SetDeadline(time.Time{}) // others may be sending the same
	var r reply
	if err := readLine(c, &r); err != nil || r.Path != "" {
		return r.Path, err
	}
	for part := range slices.Chunk(data, chunk) {
		_ = c.SetDeadline(time.Now().Add(patience))
		if _, err := c.Write(part); err != nil {
			return "", err
		}
		l.sent.Add(int64(len(part)))
	}
	_ = c.SetDeadline(time.Now().Add(6 * patience)) // the disk may be slow
	if err := readLine(c, &r); err != nil {
		return "", err
	}
	if r.Error != "" {
		return "", errors.New(r.Error)
	}
	return r.Path, nil
}

// close gives up the slot, for a reason. Calls of its sessions end with an error.
func (l *link) close(err error) { l.lose(err) }

// refuse answers what comes still: where a connection breaks, TensorFlow's client connects and
// calls again, and waits without end for an answer.
func (l *link) refuse() {
	const aborted = 10 // of gRPC's codes
	var plain http.Protocols
	plain.SetUnencryptedHTTP2(true)
	answer := func(out http.ResponseWriter, _ *http.Request) {
		out.Header().Set("Content-Type", "application/grpc")
		out.Header().Set("Grpc-Status", fmt.Sprint(aborted))
		out.Header().Set("Grpc-Message", "worker "+l.address+" is lost")
	}
	_ = l.local.SetDeadline(time.Time{})
	_ = (&http.Server{Handler: http.HandlerFunc(answer), Protocols: &plain}).Serve(l.local)
}

// watch asks now and then whether the process is there.
func (l *link) watch() {
	for tick := time.NewTicker(pingEvery); ; {
		select {
		case <-l.lost.Done():
			tick.Stop()
			return
		case <-tick.C:
			l.ping()
		}
	}
}

// ping asks whether the process is there.
func (l *link) ping() {
	l.pinged.Lock()
	defer l.pinged.Unlock()
	_ = l.holder.SetDeadline(time.Now().Add(patience))
	b := []byte{'.'}
	_, err := l.holder.Write(b)
	if err == nil {
		_, err = io.ReadFull(l.holder, b)
	}
	var timeout net.Error
	switch {
	case err == nil:
	case errors.As(err, &timeout) && timeout.Timeout():
		l.close(fmt.Errorf("no answer for %v", patience))
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		l.close(errors.New("it has ended"))
	default:
		l.close(err)
	}
}
