package rpc

import (
	"context"
	"math"
	"net"
	"sync"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
)

// counting has what connections have sent of messages that are not whole yet count among the bytes of all requests.
// Only a transport's credentials see a connection and, as what is known of its client, the calls on it.
type counting struct {
	credentials.TransportCredentials
	registry *engine.Registry
}

func (c counting) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, _, err := c.TransportCredentials.ServerHandshake(raw)
	if err != nil {
		return nil, nil, err
	}
	a := &arriving{Conn: conn, registry: c.registry}
	return a, a, nil
}

// arriving is a connection that counts what it reads.
type arriving struct {
	net.Conn
	registry     *engine.Registry
	mu           sync.Mutex
	unread, held int // bytes that no whole message has been made of, and those of them that count
}

const (
	overhead = 1 << 10 // more bytes than what comes with a message: headers and frames
	free     = 1 << 16 // bytes of a connection that do not count: small messages are refused when they are whole
)

func (*arriving) AuthType() string { return "" }

// arrivingOf is the connection of a call.
func arrivingOf(ctx context.Context) *arriving {
	from, ok := peer.FromContext(ctx)
	if !ok {
		panic("a call without a connection")
	}
	return from.AuthInfo.(*arriving)
}

// Read fails, which ends the connection, where there is no room for what it has read.
func (a *arriving) Read(p []byte) (int, error) {
	n, err := a.Conn.Read(p)
	if full := a.count(n); full != nil {
		return 0, full
	}
	return n, err
}

func (a *arriving) Close() error {
	_ = a.count(math.MinInt / 2)
	return a.Conn.Close()
}

// count adds to the bytes, or takes some away, of which there may be fewer.
func (a *arriving) count(n int) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	unread := max(0, a.unread+n)
	held := max(0, unread-free)
	if held < a.held {
		a.registry.Drop(a.held - held)
	} else if err := a.registry.Hold(held - a.held); err != nil {
		return err
	}
	a.unread, a.held = unread, held
	return nil
}
