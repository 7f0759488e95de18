package graph

// ThreadWork is how many floating-point operations of a training step make a
// thread worth its while: a step of the original's size, which one thread does in
// the original's order of additions. A second one makes such a step a sixth
// faster when a processor is idle, and a quarter slower when all are busy.
const ThreadWork = 12e6

// StepWork is the number of floating-point operations of one training step on
// batch windows: the products that threads share, the layers', forward and twice backward.
func (n Network) StepWork(batch int) float64 {
	weights := 0
	for _, st := range (Config{Network: n}).network() {
		if !st.traits().threaded {
			continue
		}
		for _, w := range st.weights() {
			if sizes := dims(w.shape); len(sizes) == 2 {
				weights += product(sizes)
			}
		}
	}
	return 6 * float64(n.Window) * float64(batch) * float64(weights)
}

// SuggestThreads is the number of threads, at most cpus, at which steps on batch
// windows are fastest: one for small steps, and no more than there are windows.
func (n Network) SuggestThreads(batch, cpus int) int {
	return max(1, min(cpus, batch, int(n.StepWork(batch)/ThreadWork)))
}
