package eventlog

import (
	"context"
	"math"
	"slices"
	"time"

	summarypb "github.com/wamuir/graft/tensorflow/core/framework/summary_go_proto"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/graph"
)

// value is one of a summary.
type value = *summarypb.Summary_Value

func scalar(tag string, v float32) value {
	return &summarypb.Summary_Value{Tag: tag, Value: &summarypb.Summary_Value_SimpleValue{SimpleValue: v}}
}

// Bytes is about how many bytes the events of a run take at most.
func Bytes(p fit.Planned) float64 {
	const update, epoch, buckets, graph, other = 120, 200, 600, 2e5, 1e6
	return other + p.AtMost(func(q fit.Plan, final bool) float64 {
		bytes := float64(update*q.Steps*q.Epochs + epoch*q.Epochs)
		if final {
			bytes += graph + buckets*float64(len(q.Config.Weights()))*histogramsIn(q.Epochs)
		}
		return bytes
	})
}

// histogramsIn is how often there are histograms, at most, in so many epochs.
func histogramsIn(epochs int) float64 {
	if epochs <= rarer {
		return float64(epochs)
	}
	return rarer * (2 + math.Log(float64(epochs)/rarer))
}

const (
	// rarer is how many histograms there are before they are no longer those of each epoch, and
	// the part of the epochs that were made before the next one's.
	rarer = 32

	// histogramShare bounds the part of a training's time that histograms take.
	histogramShare = 0.02

	// firstGradients is what it takes, about, to add gradients to a session's graph.
	firstGradients = 60 * time.Millisecond
)

// histograms are those of a job's weights, and their gradients': of the last epoch, of gradients
// that of the first member, and of epochs before as long as there is time for them, the rarer the
// later. What cannot be read is left out.
func (l *Log) histograms(ctx context.Context, j *job, epoch int, last bool) (all []value) {
	begin := l.now()
	left := time.Duration(histogramShare*float64(begin.Sub(j.begun))) - j.spent
	if (left <= 0 || epoch < j.next) && !last {
		return nil
	}
	j.next = epoch + max(1, epoch/rarer)
	state, err := j.Session.Variables()
	if !j.read { // which prepares to read them, as is needed at the end in any case
		j.read, begin = true, l.now()
	}
	if err == nil {
		weights := j.Session.Config().Weights() // before the optimizer's variables
		all = histogramsOf("weights", state[:len(weights)])
	}
	if left > j.slow || last && j.Job.Member == 0 {
		at := l.now()
		if gradients, err := j.Session.Gradients(ctx, j.starts); err == nil {
			all = append(all, histogramsOf("gradients", gradients)...)
		}
		j.slow = l.now().Sub(at)
	}
	j.spent += l.now().Sub(begin)
	return all
}

func histogramsOf(name string, variables []graph.Variable) []value {
	var all []value
	for _, v := range variables {
		histo := &summarypb.Summary_Value_Histo{Histo: histogram(v.Value)}
		all = append(all, &summarypb.Summary_Value{Tag: name + "/" + v.Name, Value: histo})
	}
	return all
}

// histogram counts values, of which there is one at least, in buckets of one width.
func histogram(values []float32) *summarypb.HistogramProto {
	const buckets = 30
	least, most := float64(slices.Min(values)), float64(slices.Max(values))
	h := &summarypb.HistogramProto{Min: least, Max: most, Num: float64(len(values))}
	n := buckets
	if least == most {
		n = 1
	}
	h.Bucket = make([]float64, n)
	width := (most - least) / float64(n)
	for i := range n {
		h.BucketLimit = append(h.BucketLimit, least+width*float64(i+1))
	}
	h.BucketLimit[n-1] = most
	for _, v := range values {
		x := float64(v)
		h.Sum += x
		h.SumSquares += x * x
		i := 0
		if n > 1 {
			i = min(int((x-least)/width), n-1)
		}
		h.Bucket[i]++
	}
	return h
}
