package train

import (
	"math/rand/v2"
	"slices"
)

// Shuffle returns a function for Run.Shuffle that deals the windows anew to the
// batches. An epoch's order depends on the seed and on the epoch alone.
func Shuffle(seed int64) func(epoch int, batches [][]int32) {
	return func(epoch int, batches [][]int32) {
		all := slices.Concat(batches...)
		slices.Sort(all) // whatever the epoch before has left
		rand.New(rand.NewPCG(uint64(seed), uint64(epoch))).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, batch := range batches {
			n := copy(batch, all)
			all = all[n:]
		}
	}
}
