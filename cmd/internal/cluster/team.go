package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"time"

	"github.com/rnnbin/rnnbin/graph"
)

// team is slots that do a job together. The first one's server has the network's state, and calls
// those of the others.
type team []*link

// there are those that are not lost.
func (t team) there() team {
	return slices.DeleteFunc(t, func(l *link) bool { return l.lost.Err() != nil })
}

// ping reports whether one is lost.
func (t team) ping() bool {
	for _, l := range t {
		l.ping()
	}
	return slices.ContainsFunc(t, func(l *link) bool { return l.lost.Err() != nil && !errors.Is(context.Cause(l.lost), errGivenUp) })
}

// close gives up all slots.
func (t team) close() {
	for _, l := range t {
		l.close(errGivenUp)
	}
}

// leave has the slots do other jobs.
func (t team) leave() {
	for _, l := range t {
		select {
		case l.back <- struct{}{}:
		case <-l.lost.Done():
		}
	}
}

// turn is a job's training at a slot, after which it answers, as the only one there, and another gets
// ready.
type turn struct {
	*link
	trained func()
	answers bool
}

func (t *turn) Lock() { t.trains.Lock() }

func (t *turn) Unlock() {
	t.trains.Unlock()
	t.link.answers.Lock()
	t.answers = true
	t.trained()
}

func (t *turn) end() {
	if t.answers {
		t.link.answers.Unlock()
	}
}

// do has a job done by all slots, and by one alone calls trained when another can get ready there.
// When one is lost, so are the others: calls of it may never end.
func (t team) do(config *tls.Config, trained func(), job func(at *graph.Server) error) error {
	lead := t[0]
	if len(t) == 1 {
		at, its := lead.at, &turn{link: lead, trained: trained}
		defer its.end()
		at.Turn = its
		return job(&at)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	at := graph.Server{Target: lead.at.Target, Put: lead.at.Put}
	var peers []peer
	for _, l := range t {
		defer context.AfterFunc(l.lost, t.close)()
		if l != lead {
			p := peer{ownAddress(l.reply.Port).String(), l.address, l.reply.Slot}
			peers, at.Others = append(peers, p), append(at.Others, &graph.Server{Target: p.Listen, Put: l.at.Put})
		}
	}
	if err := lead.reach(ctx, config, peers); err != nil {
		return &graph.ServerError{Server: &at, Err: err}
	}
	return job(&at)
}

// reach has the slot's server reach others until ctx ends.
func (l *link) reach(ctx context.Context, config *tls.Config, peers []peer) error {
	c, err := dial(l.lost, l.address, config, request{Protocol: protocol, Slot: l.reply.Slot, Peers: peers})
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { c.Close() })
	context.AfterFunc(l.lost, func() { c.Close() })
	var r reply
	if err := readLine(c, &r); err != nil {
		return err
	}
	if r.Error != "" {
		return errors.New(r.Error)
	}
	return c.SetDeadline(time.Time{})
}
