package train

import (
	"slices"
	"testing"
)

func TestShuffleDependsOnSeedAndEpochAlone(t *testing.T) {
	var starts []int32
	for i := range 50 {
		starts = append(starts, int32(7*i))
	}
	order := func(seed int64, epochs ...int) [][]int32 {
		batches := Cut(starts, 8)
		shuffle := Shuffle(seed)
		for _, e := range epochs {
			shuffle(e, batches)
		}
		return batches
	}
	flat := func(b [][]int32) []int32 { return slices.Concat(b...) }

	third := order(5, 0, 1, 2)
	if len(third) != 7 || len(third[0]) != 8 || len(third[6]) != 2 {
		t.Errorf("batches %v", third)
	}
	if sorted := slices.Sorted(slices.Values(flat(third))); !slices.Equal(sorted, starts) {
		t.Errorf("windows %v, want %v", sorted, starts)
	}
	if !slices.Equal(flat(third), flat(order(5, 2))) {
		t.Error("the order depends on the epochs before")
	}
	for _, other := range [][][]int32{order(6, 2), order(5, 1), Cut(starts, 8)} {
		if slices.Equal(flat(third), flat(other)) {
			t.Errorf("the same order twice: %v", other)
		}
	}
}
