package metrics

import (
	"encoding/json"
	"math"
	"strconv"
)

// Number is a metric, NaN when it is not defined.
type Number float64

// undefined is the metric of nothing.
var undefined = Number(math.NaN())

// ratio is a/b, undefined when b is 0.
func ratio(a, b int) Number {
	if b == 0 {
		return undefined
	}
	return Number(a) / Number(b)
}

// MarshalJSON writes null for an undefined metric, which JSON has no number for.
func (n Number) MarshalJSON() ([]byte, error) {
	if n != n {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// UnmarshalJSON is the reverse of MarshalJSON.
func (n *Number) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*n = undefined
		return nil
	}
	return json.Unmarshal(text, (*float64)(n))
}

// String shows four decimals, or "n/a".
func (n Number) String() string {
	if n != n {
		return "n/a"
	}
	return strconv.FormatFloat(float64(n), 'f', 4, 64)
}
