package engine

import (
	"encoding/binary"
	"math"
)

// numbers are how the numbers of a tensor lie in bytes, little endian, by the Open Inference Protocol's names of types.
var numbers = map[string]struct {
	width  int
	number func([]byte) float64
}{
	"FP32":  {4, func(b []byte) float64 { return float64(math.Float32frombits(binary.LittleEndian.Uint32(b))) }},
	"FP64":  {8, func(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) }},
	"INT32": {4, func(b []byte) float64 { return float64(int32(binary.LittleEndian.Uint32(b))) }},
	"INT64": {8, func(b []byte) float64 { return float64(int64(binary.LittleEndian.Uint64(b))) }},
}

// Decode reads the bytes of a tensor of FP32, FP64, INT32 or INT64.
func Decode(datatype string, data []byte) ([]float64, error) {
	of, ok := numbers[datatype]
	switch {
	case !ok:
		return nil, Errorf(Invalid, "datatype %q is none of FP32, FP64, INT32 and INT64", datatype)
	case len(data)%of.width != 0:
		return nil, Errorf(Invalid, "%d bytes are no numbers of %d", len(data), of.width)
	}
	values := make([]float64, len(data)/of.width)
	for i := range values {
		values[i] = of.number(data[i*of.width:])
	}
	return values, nil
}

// AppendFloats appends the bytes of a tensor of FP32.
func AppendFloats(dst []byte, values []float32) []byte {
	for _, v := range values {
		dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(v))
	}
	return dst
}

// AppendText appends an element of a tensor of BYTES: their number, and then they.
func AppendText[T string | []byte](dst []byte, text T) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(text))), text...)
}
