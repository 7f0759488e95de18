package modeltest

import (
	"io"
	"net"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// Idle has 10,000 connections to a server in this process, or as many as the limit of open files allows, each of
// which says a text and no more. Meanwhile, ask must take less than 10 seconds each time (where connections come
// faster than they are taken, TCP tries again after seconds), and what is held for a connection, by both sides,
// must not be more than so many bytes.
func Idle(t *testing.T, address, say string, most int, ask func() error) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	n := int(min(10_000, (limit.Cur-200)/2))
	before := held()
	for range n {
		c, err := net.Dial("tcp", address)
		if err == nil {
			defer c.Close()
			_, err = io.WriteString(c, say)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var longest time.Duration
	for range 100 {
		begun := time.Now()
		if err := ask(); err != nil {
			t.Fatal(err)
		}
		longest = max(longest, time.Since(begun))
	}
	each := (held() - before) / n
	t.Logf("%d connections, %d bytes each; others wait %v at most", n, each, longest)
	if longest > 10*time.Second || each > most {
		t.Error("that is too much")
	}
}

// held are the bytes of the heap and of stacks.
func held() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}
