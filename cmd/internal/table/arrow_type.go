package table

import (
	"fmt"
	"math"
	"reflect"
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
	case arrow.NestedType: // lists; openFields opens others
		return Text, false
	}
	switch id := t.ID(); id {
	case arrow.DATE32, arrow.DATE64:
		return Date, true
	case arrow.TIMESTAMP:
		return Time, true
	case arrow.BOOL:
		return Bool, true
	case arrow.DURATION:
		return Number, true
	case arrow.NULL, arrow.TIME32, arrow.TIME64, arrow.STRING_VIEW, arrow.BINARY_VIEW:
		return Text, true
	default:
		if arrow.IsInteger(id) || arrow.IsFloating(id) || arrow.IsDecimal(id) {
			return Number, true
		}
		return Text, arrow.IsBaseBinary(id)
	}
}

// plainType is the type of the values that an array stands for.
func plainType(t arrow.DataType) arrow.DataType {
	switch t := t.(type) {
	case *arrow.DictionaryType:
		return plainType(t.ValueType)
	case arrow.ExtensionType:
		return plainType(t.StorageType())
	}
	return t
}

// load takes the values of an array.
func (c *Column) load(a arrow.Array) {
	c.array = a
	if c.Type == Text {
		c.loadText(a)
		return
	}
	switch a := a.(type) { // the usual ones, for speed
	case *array.Float64:
		c.numbers = numbersOf(c.numbers, a)
	case *array.Float32:
		c.numbers = numbersOf(c.numbers, a)
	case *array.Int64:
		c.numbers = numbersOf(c.numbers, a)
	case *array.Int32:
		c.numbers = numbersOf(c.numbers, a)
	default:
		t := plainType(a.DataType())
		for i := range a.Len() {
			c.numbers = append(c.numbers, numberOf(array.ValueAsAny(a, i), t))
		}
	}
}

// loadText takes text, bytes or times of the day.
func (c *Column) loadText(a arrow.Array) {
	b := Batch{text: []byte{}} // so that nothing but null is nil
	for i := range a.Len() {
		s := none
		switch v := array.ValueAsAny(a, i).(type) {
		case nil:
		case string:
			s = b.append([]byte(v))
		case []byte:
			s = b.append(v)
		case fmt.Stringer: // a UUID
			s = b.append([]byte(v.String()))
		default: // a time of the day
			s = b.append(appendValue(nil, v, plainType(a.DataType())))
		}
		c.spans = append(c.spans, s)
	}
	c.text = b.text
}

// numbersOf appends the values of an array as numbers.
func numbersOf[T int32 | int64 | float32 | float64](numbers []float64, a interface {
	arrow.Array
	Value(int) T
}) []float64 {
	for i := range a.Len() {
		x := math.NaN()
		if a.IsValid(i) {
			x = float64(a.Value(i))
		}
		numbers = append(numbers, x)
	}
	return numbers
}

// decimal is a number with a scale, which its type has.
type decimal interface {
	ToFloat64(scale int32) float64
	ToString(scale int32) string
}

// numberOf is a value of a type as a number, NaN for nil.
func numberOf(v any, t arrow.DataType) float64 {
	switch v := v.(type) {
	case nil:
		return math.NaN()
	case bool:
		if v {
			return 1
		}
		return 0
	case float16.Num:
		return float64(v.Float32())
	case decimal:
		return v.ToFloat64(t.(arrow.DecimalType).GetScale())
	case arrow.Duration:
		return float64(v) * t.(*arrow.DurationType).Unit.Multiplier().Seconds()
	case arrow.Timestamp:
		return Seconds(v.ToTime(t.(*arrow.TimestampType).Unit))
	case interface{ ToTime() time.Time }: // a date
		return Seconds(v.ToTime())
	}
	switch v := reflect.ValueOf(v); {
	case v.CanInt():
		return float64(v.Int())
	case v.CanUint():
		return float64(v.Uint())
	default:
		return v.Float()
	}
}

// Seconds is the time since 1970.
func Seconds(t time.Time) float64 { return float64(t.Unix()) + float64(t.Nanosecond())/1e9 }

// appendValue appends a value of a type as a CSV file would show it, nothing for nil.
func appendValue(dst []byte, v any, t arrow.DataType) []byte {
	switch v := v.(type) {
	case nil:
		return dst
	case bool:
		return strconv.AppendBool(dst, v)
	case float16.Num:
		return appendFloat(dst, float64(v.Float32()), 32)
	case float32:
		return appendFloat(dst, float64(v), 32)
	case float64:
		return appendFloat(dst, v, 64)
	case arrow.Duration:
		return appendFloat(dst, numberOf(v, t), 64)
	case decimal:
		return append(dst, v.ToString(t.(arrow.DecimalType).GetScale())...)
	case arrow.Timestamp:
		of, layout := t.(*arrow.TimestampType), time.RFC3339Nano
		if of.TimeZone == "" {
			layout = "2006-01-02T15:04:05.999999999"
		}
		return v.ToTime(of.Unit).AppendFormat(dst, layout)
	case arrow.Time32:
		return append(dst, v.FormattedString(t.(*arrow.Time32Type).Unit)...)
	case arrow.Time64:
		return append(dst, v.FormattedString(t.(*arrow.Time64Type).Unit)...)
	case interface{ ToTime() time.Time }:
		return v.ToTime().AppendFormat(dst, time.DateOnly)
	}
	if v := reflect.ValueOf(v); v.CanUint() {
		return strconv.AppendUint(dst, v.Uint(), 10)
	}
	return strconv.AppendInt(dst, reflect.ValueOf(v).Int(), 10)
}
