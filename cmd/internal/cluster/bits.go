package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"sync"

	"github.com/rnnbin/rnnbin/cmd/internal/tflib"
	"github.com/rnnbin/rnnbin/graph"
)

// bitsError is returned for a worker whose results are other bits than this process's.
type bitsError struct{ is, want []string } // instruction sets

func (e *bitsError) Error() string {
	return fmt.Sprintf("its results differ from this machine's in their last bits (instruction sets: %s; here: %s); --bits=false uses it nevertheless", strings.Join(e.is, ", "), strings.Join(e.want, ", "))
}

// ownBits are those of this process.
var ownBits = sync.OnceValues(func() (string, error) { return bits(nil) })

// bits is a digest of what some trainings come to at a server, or here: of networks like those that
// a run compares.
func bits(at *graph.Server) (string, error) {
	h := sha256.New()
	for _, layers := range [][]graph.Layer{nil, {{Cell: graph.Dense, Units: 64}}, {{Cell: graph.GRU, Units: 16}}, {{Cell: graph.LSTM, Units: 64}}} {
		c := graph.Config{Network: graph.Network{Window: 32, Features: 40, Layers: layers, Bidirectional: len(layers) > 0 && layers[0].Cell != graph.Dense, Classes: 3}}
		state, err := trained(at, c)
		if err != nil {
			return "", err
		}
		for _, v := range state {
			_ = binary.Write(h, binary.LittleEndian, v.Value) // a hash returns no error
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// trained is the state of a network after some updates.
func trained(at *graph.Server, c graph.Config) ([]graph.Variable, error) {
	const rows = 400
	s, err := tflib.NewSession(at, c)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	d := graph.Series{X: make([]float32, rows*c.Features), Y: make([]float32, rows)}
	for i := range d.X {
		d.X[i] = float32(math.Sin(float64(i*i%997) / 7))
	}
	for i := range d.Y {
		d.Y[i] = float32(i / 9 % c.Classes)
	}
	if err := s.SetSeries(d); err != nil {
		return nil, err
	}
	var p graph.Plan
	for k := range 8 {
		var starts []int32
		for b := range 24 {
			starts = append(starts, int32((k*31+b*17)%(rows-c.Window)))
		}
		p.Starts = append(p.Starts, starts)
	}
	if _, err := s.Train(context.Background(), p); err != nil {
		return nil, err
	}
	return s.Variables()
}
