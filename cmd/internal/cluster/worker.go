package cluster

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/tflib"
	"github.com/rnnbin/rnnbin/graph/remote"
)

// Worker trains for runs on other machines.
type Worker struct {
	Slots int // processes that train, at most
	Build Build
	TLS   *tls.Config
	Data  string // folder for the rows that runs send, which stay there; "": one for as long as they need them
	Log   func(format string, args ...any)

	// Command starts a process that calls [Slot].
	Command func() *exec.Cmd

	files   *store
	mu      sync.Mutex
	slots   map[string]string // addresses of their servers
	waiting []net.Conn        // that have not shown yet that they know the secret, the oldest first
	refused time.Time         // when one was, with a line
}

// maxWaiting is how many connections may be waiting. The oldest make way for new ones.
const maxWaiting = 128

// Serve answers connections until ctx ends.
func (w *Worker) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	files, err := newStore(w.Data)
	if err != nil {
		cancel()
		return err
	}
	defer files.close()
	w.slots, w.files = map[string]string{}, files
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	context.AfterFunc(ctx, func() { l.Close() })
	for {
		c, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE):
			time.Sleep(100 * time.Millisecond) // others will have made way
		case err != nil:
			return err
		default:
			w.wait(c)
			group.Go(func() {
				stop := context.AfterFunc(ctx, func() { c.Close() })
				defer stop()
				defer c.Close()
				w.answer(ctx, c)
			})
		}
	}
}

// wait adds a connection to those that are waiting.
func (w *Worker) wait(c net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting = append(w.waiting, c); len(w.waiting) > maxWaiting {
		w.waiting[0].Close()
		w.waiting = w.waiting[1:]
	}
}

// admit takes a connection from those that are waiting.
func (w *Worker) admit(c net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, other := range w.waiting {
		if other == c {
			w.waiting = append(w.waiting[:i:i], w.waiting[i+1:]...)
			return
		}
	}
}

// answer answers a connection.
func (w *Worker) answer(ctx context.Context, raw net.Conn) {
	c := tls.Server(raw, w.TLS)
	defer c.Close()
	_ = raw.SetDeadline(time.Now().Add(patience))
	var q request
	err := c.HandshakeContext(ctx)
	if err == nil {
		err = readLine(c, &q)
	}
	w.admit(raw)
	if err != nil {
		w.refuse(raw, err)
		return
	}
	_ = raw.SetDeadline(time.Time{})
	switch {
	case q.Digest != "":
		err = w.files.receive(c, q)
	case len(q.Peers) > 0:
		err = w.reach(ctx, c, q.Peers)
	case q.Slot != "":
		w.pass(c, q.Slot)
	default:
		err = w.slot(ctx, c, q)
	}
	if err != nil && ctx.Err() == nil {
		w.Log("a connection of %v ended: %v", raw.RemoteAddr(), err)
	}
}

// refuse has a line for one of many connections that are of no worth.
func (w *Worker) refuse(c net.Conn, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now := time.Now(); now.Sub(w.refused) > time.Second {
		w.refused = now
		w.Log("refused %v: %v", c.RemoteAddr(), err)
	}
}

// pass has a slot's server answer.
func (w *Worker) pass(c net.Conn, slot string) {
	w.mu.Lock()
	address := w.slots[slot]
	w.mu.Unlock()
	if address == "" {
		return
	}
	if to, err := net.Dial("tcp", address); err == nil {
		splice(c, to)
	}
}

// reach has other slots reached from this machine while c lasts.
func (w *Worker) reach(ctx context.Context, c net.Conn, peers []peer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, p := range peers {
		at, err := net.ResolveTCPAddr("tcp", p.Listen)
		if err == nil && !at.IP.IsLoopback() {
			err = fmt.Errorf("%v is no address of this machine's alone", at)
		}
		var l *net.TCPListener
		if err == nil {
			l, err = net.ListenTCP("tcp", at)
		}
		if err != nil {
			return errors.Join(err, writeLine(c, reply{Error: err.Error()}))
		}
		defer l.Close()
		go func() { _ = tunnel(ctx, l, w.TLS, p.Worker, p.Slot) }()
	}
	if err := writeLine(c, reply{}); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, c)
	return nil
}

// take takes a slot, if there is one.
func (w *Worker) take() (id string, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.slots) >= w.Slots {
		return "", false
	}
	random := make([]byte, 16)
	_, _ = rand.Read(random)
	id = hex.EncodeToString(random)
	w.slots[id] = ""
	return id, true
}

// leave gives up a slot. Behind the last one nothing remains.
func (w *Worker) leave(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.slots, id)
	if len(w.slots) == 0 {
		w.files.empty()
	}
}

// slot has a process with a server for as long as c lasts.
func (w *Worker) slot(ctx context.Context, c net.Conn, q request) error {
	if q.Protocol != protocol {
		return writeLine(c, reply{Error: fmt.Sprintf("it speaks protocol %d, not %d", protocol, q.Protocol), Build: w.Build})
	}
	id, ok := w.take()
	if !ok {
		return writeLine(c, reply{Busy: true})
	}
	defer w.leave(id)
	p, err := w.start()
	if err != nil {
		return errors.Join(err, writeLine(c, reply{Error: err.Error()}))
	}
	defer p.end()
	w.mu.Lock()
	w.slots[id] = p.address
	w.mu.Unlock()
	if err := writeLine(c, reply{Slot: id, Port: p.port, Slots: w.Slots, Build: w.Build}); err != nil {
		return err
	}
	w.Log("a slot is taken by %v", c.RemoteAddr())
	defer w.Log("a slot is free")
	context.AfterFunc(ctx, p.end)
	go func() {
		for { // pings, which stop where the other side hangs
			_ = c.SetReadDeadline(time.Now().Add(6 * patience))
			if _, err := io.CopyN(p.in, c, 1); err != nil {
				p.end()
				return
			}
		}
	}()
	if _, err = io.Copy(c, p.out); errors.Is(err, os.ErrClosed) { // until the process has ended, or is to
		return nil
	}
	return err
}

// process is one with a server.
type process struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     io.Reader
	address string
	port    int
	end     func()
}

func (w *Worker) start() (*process, error) {
	p := &process{cmd: w.Command()}
	said, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if p.in, err = p.cmd.StdinPipe(); err != nil { // it ends with this process, and so does the other one
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		for lines := bufio.NewScanner(said); lines.Scan(); {
			if text := lines.Text(); !tflib.Remark(text) {
				w.Log("a slot says: %s", text)
			}
		}
		_, _ = io.Copy(io.Discard, said) // behind a line that is too long
	}()
	p.end = sync.OnceFunc(func() { _ = p.in.Close(); _ = p.cmd.Process.Kill(); _ = p.cmd.Wait() })
	var line started
	if err := readLine(p.out, &line); err != nil {
		line.Error = "the process that trains does not start: " + err.Error()
	}
	if line.Error != "" {
		p.end()
		return nil, errors.New(line.Error)
	}
	p.address = line.Address
	if at, err := net.ResolveTCPAddr("tcp", p.address); err == nil {
		p.port = at.Port
	}
	return p, nil
}

// started is the first line of a slot's process.
type started struct {
	Address string `json:"address"` // of its server
	Error   string `json:"error,omitempty"`
}

// Slot has a server in this process until in ends. What else comes there goes out.
func Slot(in io.Reader, out io.Writer) error {
	var line started
	address, err := remote.Serve()
	if line.Address = address; err != nil {
		line.Error = err.Error()
	}
	if err := writeLine(out, line); err != nil || line.Error != "" {
		return err
	}
	_, err = io.Copy(out, in)
	if errors.Is(err, syscall.EPIPE) {
		return nil
	}
	return err
}
