package table

import (
	"math"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/float16"
)

// typeOf is the type of a column. It reports false for one that cannot be read.
func typeOf(t arrow.DataType) (Type, bool) {
	switch t := t.(type) {
	case *arrow.FixedSizeBinaryType:
		return Text, t.ByteWidth > 0
	case *arrow.DictionaryType:
		return typeOf(t.ValueType)
	case arrow.ExtensionType:
		return typeOf(t.StorageType())
	case arrow.NestedType:
		return Text, false
	}
	switch id := t.ID(); id {
	case arrow.DATE32, arrow.DATE64:
		return Date, true
	case arrow.TIMESTAMP:
		return Time, true
	case arrow.BOOL:
		return Bool, true
	case arrow.TIME32, arrow.TIME64, arrow.DURATION:
		return Number, true
	case arrow.NULL, arrow.STRING_VIEW, arrow.BINARY_VIEW:
		return Text, true
	default:
		if arrow.IsInteger(id) || arrow.IsFloating(id) || arrow.IsDecimal(id) {
			return Number, true
		}
		return Text, arrow.IsBaseBinary(id)
	}
}

// load takes the values of an array.
func (c *Column) load(a arrow.Array) {
	c.array = a
	switch a := a.(type) {
	case array.ExtensionArray:
		c.load(a.Storage())
		c.array = a
	case *array.Dictionary:
		words := Column{Type: c.Type}
		words.load(a.Dictionary())
		c.text = words.text
		for i := range a.Len() {
			switch {
			case c.Type == Text && a.IsNull(i):
				c.spans = append(c.spans, none)
			case c.Type == Text:
				c.spans = append(c.spans, words.spans[a.GetValueIndex(i)])
			case a.IsNull(i):
				c.numbers = append(c.numbers, math.NaN())
			default:
				c.numbers = append(c.numbers, words.numbers[a.GetValueIndex(i)])
			}
		}
	case *array.Boolean:
		c.numbers = numbersOf(a, func(on bool) float64 {
			if on {
				return 1
			}
			return 0
		})
	case *array.Int8:
		c.numbers = numbersOf(a, toFloat)
	case *array.Int16:
		c.numbers = numbersOf(a, toFloat)
	case *array.Int32:
		c.numbers = numbersOf(a, toFloat)
	case *array.Int64:
		c.numbers = numbersOf(a, toFloat)
	case *array.Uint8:
		c.numbers = numbersOf(a, toFloat)
	case *array.Uint16:
		c.numbers = numbersOf(a, toFloat)
	case *array.Uint32:
		c.numbers = numbersOf(a, toFloat)
	case *array.Uint64:
		c.numbers = numbersOf(a, toFloat)
	case *array.Float32:
		c.numbers = numbersOf(a, toFloat)
	case *array.Float64:
		c.numbers = numbersOf(a, toFloat)
	case *array.Time32:
		c.numbers = numbersOf(a, toFloat)
	case *array.Time64:
		c.numbers = numbersOf(a, toFloat)
	case *array.Duration:
		c.numbers = numbersOf(a, toFloat)
	case *array.Float16:
		c.numbers = numbersOf(a, func(x float16.Num) float64 { return float64(x.Float32()) })
	case *array.Timestamp:
		unit := a.DataType().(*arrow.TimestampType).Unit
		c.numbers = numbersOf(a, func(x arrow.Timestamp) float64 { return Seconds(x.ToTime(unit)) })
	case *array.Date32:
		c.numbers = numbersOf(a, func(x arrow.Date32) float64 { return Seconds(x.ToTime()) })
	case *array.Date64:
		c.numbers = numbersOf(a, func(x arrow.Date64) float64 { return Seconds(x.ToTime()) })
	case *array.Decimal32:
		c.numbers = decimalsOf(a)
	case *array.Decimal64:
		c.numbers = decimalsOf(a)
	case *array.Decimal128:
		c.numbers = decimalsOf(a)
	case *array.Decimal256:
		c.numbers = decimalsOf(a)
	default:
		c.loadText(a)
	}
}

// Seconds is the time since 1970.
func Seconds(t time.Time) float64 { return float64(t.Unix()) + float64(t.Nanosecond())/1e9 }

// loadText takes text or bytes.
func (c *Column) loadText(a arrow.Array) {
	b := Batch{text: []byte{}} // so that nothing but null is nil
	for i := range a.Len() {
		s := none
		if a.IsValid(i) {
			switch a := a.(type) {
			case interface{ Value(int) string }:
				s = b.append([]byte(a.Value(i)))
			case interface{ Value(int) []byte }:
				s = b.append(a.Value(i))
			}
		}
		c.spans = append(c.spans, s)
	}
	c.text = b.text
}

// arrayOf is an array of values of a type.
type arrayOf[T any] interface {
	arrow.Array
	Value(int) T
}

// numbersOf are the values of an array as numbers.
func numbersOf[T any](a arrayOf[T], number func(T) float64) []float64 {
	numbers := make([]float64, a.Len())
	for i := range numbers {
		if numbers[i] = math.NaN(); a.IsValid(i) {
			numbers[i] = number(a.Value(i))
		}
	}
	return numbers
}

func toFloat[T ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64](x T) float64 {
	return float64(x)
}

func decimalsOf[T interface{ ToFloat64(int32) float64 }](a arrayOf[T]) []float64 {
	scale := scaleOf(a)
	return numbersOf(a, func(x T) float64 { return x.ToFloat64(scale) })
}

func scaleOf(a arrow.Array) int32 { return a.DataType().(arrow.DecimalType).GetScale() }

// appendArrow appends value i of an array without text as a CSV file would show it, nothing for null.
func appendArrow(dst []byte, a arrow.Array, i int) []byte {
	if a.IsNull(i) {
		return dst
	}
	switch a := a.(type) {
	case *array.Dictionary:
		return appendArrow(dst, a.Dictionary(), a.GetValueIndex(i))
	case array.ExtensionArray:
		return appendArrow(dst, a.Storage(), i)
	case *array.Float16:
		return appendFloat(dst, float64(a.Value(i).Float32()), 32)
	case *array.Float32:
		return appendFloat(dst, float64(a.Value(i)), 32)
	case *array.Float64:
		return appendFloat(dst, a.Value(i), 64)
	case *array.Date32:
		return a.Value(i).ToTime().AppendFormat(dst, time.DateOnly)
	case *array.Date64:
		return a.Value(i).ToTime().AppendFormat(dst, time.DateOnly)
	case *array.Timestamp:
		t, layout := a.DataType().(*arrow.TimestampType), time.RFC3339Nano
		if t.TimeZone == "" {
			layout = "2006-01-02T15:04:05.999999999"
		}
		return a.Value(i).ToTime(t.Unit).AppendFormat(dst, layout)
	case *array.Time32:
		return strconv.AppendInt(dst, int64(a.Value(i)), 10)
	case *array.Time64:
		return strconv.AppendInt(dst, int64(a.Value(i)), 10)
	case *array.Duration:
		return strconv.AppendInt(dst, int64(a.Value(i)), 10)
	case *array.Decimal32:
		return append(dst, a.Value(i).ToString(scaleOf(a))...)
	case *array.Decimal64:
		return append(dst, a.Value(i).ToString(scaleOf(a))...)
	case *array.Decimal128:
		return append(dst, a.Value(i).ToString(scaleOf(a))...)
	case *array.Decimal256:
		return append(dst, a.Value(i).ToString(scaleOf(a))...)
	}
	return append(dst, a.ValueStr(i)...)
}
