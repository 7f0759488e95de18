package cluster

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/outfile"
)

const (
	chunk    = 1 << 20 // bytes that are sent within patience
	maxFiles = 4 << 30 // bytes of files that were used longest ago make way
)

// store has data in files named by its digest: in a folder of its own that only this user reads, or in
// one that is given, where others find them, too, and they stay.
type store struct {
	dir  string
	lock *os.File // nil in one that is given

	mu    sync.Mutex
	files []*file // the one used longest ago first
}

// file is that of a digest.
type file struct {
	digest string
	size   int64

	mu sync.Mutex // held while it is received
}

const (
	storeName = "rnnbin-worker-*"
	lockName  = "lock" // held by the folder's worker
)

// newStore makes a folder unless one is given, and removes those of workers that have left theirs behind.
func newStore(given string) (*store, error) {
	if given != "" {
		return &store{dir: given}, os.MkdirAll(given, 0o700)
	}
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), storeName, lockName))
	for _, path := range left {
		if lock, err := outfile.Lock(path, os.O_RDWR); err == nil {
			_ = os.RemoveAll(filepath.Dir(path))
			lock.Close()
		}
	}
	dir, err := os.MkdirTemp("", storeName)
	if err != nil {
		return nil, err
	}
	lock, err := outfile.Lock(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE)
	return &store{dir: dir, lock: lock}, err
}

func (s *store) close() {
	if s.lock != nil {
		_ = os.RemoveAll(s.dir)
		s.lock.Close()
	}
}

func (s *store) path(f *file) string { return filepath.Join(s.dir, f.digest) }

// use is the file of a digest. Others make way for it.
func (s *store) use(digest string, size int64) *file {
	s.mu.Lock()
	defer s.mu.Unlock()
	var kept []*file
	f, total := &file{digest: digest, size: size}, size
	for _, other := range s.files {
		if other.digest == digest {
			f = other
			continue
		}
		kept, total = append(kept, other), total+other.size
	}
	for len(kept) > 0 && total > maxFiles && s.lock != nil {
		_ = os.Remove(s.path(kept[0]))
		kept, total = kept[1:], total-kept[0].size
	}
	s.files = append(kept, f)
	return f
}

// empty removes all files.
func (s *store) empty() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.files {
		if s.lock != nil {
			_ = os.Remove(s.path(f))
		}
	}
	s.files = nil
}

var digestShape = regexp.MustCompile(`^[0-9a-f]{64}$`)

// receive answers a request for a file.
func (s *store) receive(c net.Conn, q request) error {
	if !digestShape.MatchString(q.Digest) || q.Size < 0 {
		return fmt.Errorf("data of %d bytes with the digest %q", q.Size, q.Digest)
	}
	f := s.use(q.Digest, q.Size)
	f.mu.Lock() // so that of several that have the same only one sends it
	defer f.mu.Unlock()
	if _, err := os.Stat(s.path(f)); err == nil {
		return writeLine(c, reply{Path: s.path(f)})
	}
	if err := writeLine(c, reply{}); err != nil {
		return err
	}
	if err := s.write(c, f); err != nil {
		return errors.Join(err, writeLine(c, reply{Error: err.Error()}))
	}
	return writeLine(c, reply{Path: s.path(f)})
}

// write has a file's data from c.
func (s *store) write(c net.Conn, f *file) (err error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil { // what is old in such places may be cleared away
		return err
	}
	to, err := os.CreateTemp(s.dir, "part-")
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, to.Close()); err == nil {
			err = os.Rename(to.Name(), s.path(f))
		}
		if err != nil {
			_ = os.Remove(to.Name())
		}
	}()
	sum := sha256.New()
	for left := f.size; left > 0; left -= chunk {
		_ = c.SetReadDeadline(time.Now().Add(patience))
		if _, err := io.CopyN(io.MultiWriter(to, sum), c, min(left, chunk)); err != nil {
			return err
		}
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != f.digest {
		return fmt.Errorf("data has the digest %s, not %s", got, f.digest)
	}
	return nil
}
