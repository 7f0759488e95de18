package cluster

import (
	"runtime"
	"strings"
	"testing"
)

func TestTheSameBitsByWorkers(t *testing.T) {
	for _, slots := range [][]int{{1}, {4}, {1, 1}} {
		var all []string
		for _, n := range slots {
			address, _ := worker(t, n)
			all = append(all, address)
		}
		f, l := farm(t, all...)
		compare(t, run(t, f, nil), want(t))
		f.Close()
		if l.text != "" {
			t.Errorf("workers with %v slots: %s", slots, l.text)
		}
	}
}

// A worker whose processor rounds otherwise is left out unless that does not matter.
func TestOtherBits(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("oneDNN can play a lesser processor on amd64 alone")
	}
	address, _ := worker(t, 1, "ONEDNN_MAX_CPU_ISA=SSE41")
	o, _ := options(t, address)
	if _, err := NewFarm(t.Context(), o); err == nil || !strings.Contains(err.Error(), address+": its results differ") {
		t.Errorf("%v", err)
	}
	o.Bits = false
	f, err := NewFarm(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}
