package main

import (
	"strings"
	"testing"
	"time"
)

func TestProgress(t *testing.T) {
	var out strings.Builder
	p := &progress{out: &out}
	p.addRead(5)
	p.last = time.Now().Add(-2 * time.Second)
	p.addRead(6)
	p.add(7)
	p.end()
	if text := out.String(); !strings.HasPrefix(text, "\rrnnbin: 11 rows read, ") || !strings.HasSuffix(text, " a second \n") {
		t.Errorf("%q", text)
	}
}
