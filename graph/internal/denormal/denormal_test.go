package denormal

import (
	"math"
	"testing"
)

// half is not inlined, so that the multiplication is done where it is called.
//
//go:noinline
func half(v float32) float32 { return v / 2 }

func TestFlush(t *testing.T) {
	const smallest = 0x1p-126 // of the normal form
	if half(smallest) == 0 {
		t.Fatal("denormals are flushed from the start")
	}
	Flush(func() {
		if v := half(smallest); v != 0 {
			t.Errorf("half the smallest normal number is %v, bits %#x", v, math.Float32bits(v))
		}
	})
	if half(smallest) == 0 {
		t.Error("denormals are still flushed afterwards")
	}
}
