package graph

// TrainingMemory estimates how many bytes a [Session] takes at most, besides what the library
// and its threads do: while it trains on batch windows at a time of a series of so many rows,
// and while its state is read. It is within a factor of two of what is measured, where that
// is more than some ten megabytes.
func (c Config) TrainingMemory(batch, rows int) float64 {
	c = c.WithDefaults()
	weights := float64(c.Parameters())
	steps := 3*float64(c.Inputs()) + 6*float64(c.Outputs()) // values that a step of a window takes
	for _, l := range c.Layers {
		gates := map[Cell]float64{Plain: 1, LSTM: 4, GRU: 3, GRUResetBefore: 3, Dense: 0}[l.Cell]
		steps += (2*gates + 4) * float64(c.width(l))
	}
	if c.Form == FormPortable {
		steps *= 3
	}
	return 3*c.StateBytes() + valueSize*(5*weights+steps*float64(c.Window)*float64(batch)+2*float64(rows)*float64(c.Features+2))
}

// valueSize is the size of a value.
const valueSize = 4

// StateBytes is the size of a [Session]'s state, the optimizer's variables included.
func (c Config) StateBytes() float64 {
	c = c.WithDefaults()
	weights, total := c.network().weights(), 0
	for _, v := range append(weights, c.optimizerVariables(weights)...) {
		total += product(dims(v.shape))
	}
	return valueSize * float64(total)
}
