package label

import (
	"math"

	"github.com/rnnbin/rnnbin/graph"
)

// prediction is what the network says.
type prediction struct {
	Probability []float32
	State       []float32
}

func (l *Labeler) predict(x []float32, batch int, state []float32) (prediction, error) {
	c := l.network.Config()
	n, T := len(x)/batch, c.Steps*c.Features
	if _, ok := l.network.(*graph.Session); !ok {
		T = n
	}
	padded := make([]float32, batch*T)
	for i := range batch {
		copy(padded[i*T:], x[i*n:(i+1)*n])
	}
	p, err := l.network.Predict(padded, batch, state)
	if err != nil {
		return prediction{}, err
	}
	out := prediction{State: p.State}
	for i := range batch {
		for k := range n / c.Features {
			out.Probability = append(out.Probability, probability(p, c, i*T/c.Features+k))
		}
	}
	return out, nil
}

func probability(p graph.Prediction, c graph.Config, at int) float32 {
	if c.Loss == graph.MSE {
		return max(0, min(1, p.Outputs[at]))
	}
	return float32(1 / (1 + math.Exp(float64(p.Outputs[2*at])-float64(p.Outputs[2*at+1]))))
}
