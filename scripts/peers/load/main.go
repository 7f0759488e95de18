//go:build linux

// Load asks a server of this machine from many connections, and prints as JSON how long each answer took and what went wrong.
// The server is to be measured, not this: requests are bytes that it has before it begins, and it looks for no more in answers
// than whether they are good.
//
//	load [flags] PROTOCOL ADDRESS PATH BODY
//
// A request of http or grpc is the file BODY, sent when the one before is answered. The other protocols are of streams, which send the
// file, a row, at a rate: lines as a chunk, websocket as a message and stream as a message of gRPC.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

var (
	connections = flag.Int("connections", 64, "`number` of connections")
	requests    = flag.Int("requests", 0, "`number` of requests, of all connections together; 0: as many as the time allows")
	seconds     = flag.Float64("seconds", 10, "`seconds` to ask for")
	rate        = flag.Float64("rate", 1, "`number` of rows a second of each stream, each sent when it is due")
	share       = flag.Int("share", 1, "`number` of streams of gRPC that share a connection")
	begin       = flag.String("begin", "", "`file` of a message that begins each stream")
)

// client is a connection for requests one after the other.
type client interface {
	send() error
	receive() error // the answer
}

func main() {
	flag.Parse()
	if err := run(flag.Args(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) != 4 || dialers[args[0]] == nil && streamers[args[0]] == nil {
		return fmt.Errorf("wanted PROTOCOL ADDRESS PATH BODY, got %q", args)
	}
	t := target{protocol: args[0], address: args[1], path: args[2]}
	var err error
	if t.body, err = os.ReadFile(args[3]); err != nil {
		return err
	}
	if *begin != "" {
		if t.begin, err = os.ReadFile(*begin); err != nil {
			return err
		}
	}
	r := &record{Lost: map[string]int{}, left: *requests}
	if streamers[t.protocol] != nil {
		err = r.pace(t)
	} else {
		err = r.ask(t)
	}
	if err != nil {
		return err
	}
	r.Seconds = time.Since(r.began).Seconds()
	return json.NewEncoder(out).Encode(r)
}

// record is what came of all requests.
type record struct {
	Seconds float64        `json:"seconds"`
	Took    []float64      `json:"ms"`
	Lost    map[string]int `json:"lost"` // requests without an answer, by the error

	mu    sync.Mutex
	left  int // requests that are to be sent, if their number is given
	began time.Time
}

func (r *record) add(took []float64, lost error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Took = append(r.Took, took...)
	if at := (*net.OpError)(nil); errors.As(lost, &at) {
		lost = at.Err // without the addresses
	}
	if lost != nil {
		r.Lost[lost.Error()]++
	}
}

// next reports whether there is another request to send.
func (r *record) next(now time.Time) bool {
	if *requests == 0 {
		return now.Sub(r.began).Seconds() < *seconds
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left--
	return r.left >= 0
}

// ask has each client send a request when the one before is answered.
func (r *record) ask(t target) error {
	dial := dialers[t.protocol]
	var all []client
	for range *connections {
		c, err := dial(t)
		if err != nil {
			return err
		}
		all = append(all, c)
	}
	r.began = time.Now()
	var asking sync.WaitGroup
	for _, c := range all {
		asking.Go(func() {
			var took []float64
			defer func() { r.add(took, nil) }()
			for now := time.Now(); r.next(now); {
				err := c.send()
				if err == nil {
					err = c.receive()
				}
				since := now
				if now = time.Now(); err == nil {
					took = append(took, 1000*now.Sub(since).Seconds())
					continue
				}
				r.add(nil, err)
				if c, err = dial(t); err != nil { // the server has ended
					return
				}
			}
		})
	}
	asking.Wait()
	return nil
}
