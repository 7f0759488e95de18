// Load asks a server of this machine from many connections, and prints as JSON how long each answer took and what went wrong.
// The server is to be measured, not this: requests are bytes that it has before it begins, and it looks for no more in answers
// than whether they are good.
//
//	load [flags] PROTOCOL ADDRESS PATH BODY
//
// A request of http or grpc is the file BODY. Those of the other protocols are parts of one stream for each connection: lines and
// websocket send the file, a row, as a chunk or a message, and stream as a message of gRPC.
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
	rate        = flag.Float64("rate", 0, "`number` of requests a second and connection, each sent when it is due; 0: when the one before is answered")
	begin       = flag.String("begin", "", "`file` of a message that begins each stream")
)

// client is a connection. One goroutine may send while another receives.
type client interface {
	send() error
	receive() error // one answer, in the order of the requests
}

func main() {
	flag.Parse()
	if err := run(flag.Args(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) != 4 || dialers[args[0]] == nil {
		return fmt.Errorf("wanted PROTOCOL ADDRESS PATH BODY, got %q", args)
	}
	t := target{dial: dialers[args[0]], address: args[1], path: args[2]}
	var err error
	if t.body, err = os.ReadFile(args[3]); err != nil {
		return err
	}
	if *begin != "" {
		if t.begin, err = os.ReadFile(*begin); err != nil {
			return err
		}
	}
	var all []client
	for range *connections {
		c, err := t.dial(t)
		if err != nil {
			return err
		}
		all = append(all, c)
	}
	r := &record{Lost: map[string]int{}, left: *requests, began: time.Now()}
	if *rate > 0 {
		r.pace(all)
	} else {
		r.ask(all, t)
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
func (r *record) ask(all []client, t target) {
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
				if c, err = t.dial(t); err != nil { // the server has ended
					return
				}
			}
		})
	}
	asking.Wait()
}

// senders are few, as a goroutine that wakes up for each request would cost more than the request.
const senders = 4

// pace has each client send requests when they are due, those of all spread over the time. How long an answer takes is counted from then.
func (r *record) pace(all []client) {
	r.began = r.began.Add(100 * time.Millisecond)
	each, n := time.Duration(float64(time.Second) / *rate), int(*seconds**rate)
	due := func(i, row int) time.Time {
		return r.began.Add(time.Duration(row)*each + time.Duration(i)*each/time.Duration(len(all)))
	}
	var working sync.WaitGroup
	for s := range senders {
		working.Go(func() {
			for row := range n {
				for i := s; i < len(all); i += senders {
					time.Sleep(time.Until(due(i, row)) - time.Millisecond/2) // rather several at a time
					_ = all[i].send()                                        // there will be no answer
				}
			}
		})
	}
	for i, c := range all {
		working.Go(func() {
			var took []float64
			var err error
			for row := 0; row < n && err == nil; row++ {
				if err = c.receive(); err == nil {
					took = append(took, 1000*time.Since(due(i, row)).Seconds())
				}
			}
			r.add(took, err)
		})
	}
	working.Wait()
}
