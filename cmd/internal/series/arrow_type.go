package series

import (
	"math"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// arrowType is what a column's values mean.
type arrowType struct {
	number bool
	time   bool // values are seconds since 1970
	date   bool // of days
}

// newArrowType is the type of a column. It reports false for one that cannot be read.
func newArrowType(t arrow.DataType) (arrowType, bool) {
	switch t := t.(type) {
	case *arrow.FixedSizeBinaryType:
		return arrowType{}, t.ByteWidth > 0
	case *arrow.DictionaryType:
		return newArrowType(t.ValueType)
	case arrow.ExtensionType:
		return newArrowType(t.StorageType())
	case arrow.NestedType:
		return arrowType{}, false
	}
	switch id := t.ID(); id {
	case arrow.DATE32, arrow.DATE64:
		return arrowType{number: true, time: true, date: true}, true
	case arrow.TIMESTAMP:
		return arrowType{number: true, time: true}, true
	case arrow.BOOL, arrow.TIME32, arrow.TIME64, arrow.DURATION:
		return arrowType{number: true}, true
	default:
		number := arrow.IsInteger(id) || arrow.IsFloating(id) || arrow.IsDecimal(id)
		return arrowType{number: number}, number || id == arrow.NULL || id == arrow.STRING_VIEW || id == arrow.BINARY_VIEW || arrow.IsBaseBinary(id)
	}
}

// arrowValue is value i of a column as a field: a number (seconds for timestamps and dates),
// else text. What text it takes is appended to scratch.
func arrowValue(column arrow.Array, i int, scratch *[]byte) value {
	column, i = arrowPlain(column, i)
	if column.IsNull(i) {
		return value{kind: nullKind}
	}
	switch a := column.(type) {
	case *array.Boolean:
		return boolean(a.Value(i))
	case *array.Float16:
		return value{kind: numberKind, number: float64(a.Value(i).Float32())}
	case *array.Float32:
		return value{kind: numberKind, number: float64(a.Value(i))}
	case *array.Float64:
		return value{kind: numberKind, number: a.Value(i)}
	}
	if t, ok := arrowTime(column, i); ok {
		return value{kind: numberKind, number: float64(t.Unix()) + float64(t.Nanosecond())/1e9}
	}
	from := len(*scratch)
	if n, ok := arrowInteger(column, i); ok {
		v := value{kind: numberKind, number: float64(n)}
		if math.Abs(v.number) >= exactInt {
			*scratch = strconv.AppendInt(*scratch, n, 10)
			v.text = (*scratch)[from:]
		}
		return v
	}
	switch a := column.(type) {
	case *array.Uint64:
		v := value{kind: numberKind, number: float64(a.Value(i))}
		if v.number >= exactInt {
			*scratch = strconv.AppendUint(*scratch, a.Value(i), 10)
			v.text = (*scratch)[from:]
		}
		return v
	case *array.Decimal32, *array.Decimal64, *array.Decimal128, *array.Decimal256:
		number, text := arrowDecimal(a, i)
		*scratch = append(*scratch, text...)
		return value{kind: numberKind, number: number, text: (*scratch)[from:]}
	}
	*scratch = appendArrowBytes(*scratch, column, i)
	return value{text: (*scratch)[from:]}
}

// arrowPlain is where value i of a column is stored, if that is in a dictionary.
func arrowPlain(column arrow.Array, i int) (arrow.Array, int) {
	for {
		switch a := column.(type) {
		case *array.Dictionary:
			if a.IsNull(i) {
				return a, i
			}
			column, i = a.Dictionary(), a.GetValueIndex(i)
		case array.ExtensionArray:
			column = a.Storage()
		default:
			return column, i
		}
	}
}

// arrowTime is a timestamp or a date.
func arrowTime(column arrow.Array, i int) (t time.Time, ok bool) {
	switch a := column.(type) {
	case *array.Timestamp:
		return a.Value(i).ToTime(a.DataType().(*arrow.TimestampType).Unit), true
	case *array.Date32:
		return a.Value(i).ToTime(), true
	case *array.Date64:
		return a.Value(i).ToTime(), true
	}
	return t, false
}

// arrowInteger is an integer that 64 bits with a sign hold, also that of a time of day or of
// a duration, in their own units.
func arrowInteger(column arrow.Array, i int) (n int64, ok bool) {
	switch a := column.(type) {
	case *array.Int8:
		return int64(a.Value(i)), true
	case *array.Int16:
		return int64(a.Value(i)), true
	case *array.Int32:
		return int64(a.Value(i)), true
	case *array.Int64:
		return a.Value(i), true
	case *array.Uint8:
		return int64(a.Value(i)), true
	case *array.Uint16:
		return int64(a.Value(i)), true
	case *array.Uint32:
		return int64(a.Value(i)), true
	case *array.Time32:
		return int64(a.Value(i)), true
	case *array.Time64:
		return int64(a.Value(i)), true
	case *array.Duration:
		return int64(a.Value(i)), true
	}
	return 0, false
}

// arrowDecimal is a decimal number, and its digits.
func arrowDecimal(column arrow.Array, i int) (float64, string) {
	var d interface {
		ToFloat64(scale int32) float64
		ToString(scale int32) string
	}
	switch a := column.(type) {
	case *array.Decimal32:
		d = a.Value(i)
	case *array.Decimal64:
		d = a.Value(i)
	case *array.Decimal128:
		d = a.Value(i)
	case *array.Decimal256:
		d = a.Value(i)
	}
	scale := column.DataType().(arrow.DecimalType).GetScale()
	return d.ToFloat64(scale), d.ToString(scale)
}

// appendArrowBytes appends text or bytes.
func appendArrowBytes(dst []byte, column arrow.Array, i int) []byte {
	switch a := column.(type) {
	case interface{ Value(int) string }:
		return append(dst, a.Value(i)...)
	case interface{ Value(int) []byte }:
		return append(dst, a.Value(i)...)
	}
	return dst
}

// appendArrowText appends value i of a column as a CSV file would show it. It reports false
// for null.
func appendArrowText(dst []byte, column arrow.Array, i int) ([]byte, bool) {
	column, i = arrowPlain(column, i)
	if column.IsNull(i) {
		return dst, false
	}
	switch a := column.(type) {
	case *array.Float16:
		return strconv.AppendFloat(dst, float64(a.Value(i).Float32()), 'g', -1, 32), true
	case *array.Float32:
		return strconv.AppendFloat(dst, float64(a.Value(i)), 'g', -1, 32), true
	case *array.Float64:
		return strconv.AppendFloat(dst, a.Value(i), 'g', -1, 64), true
	}
	if t, ok := arrowTime(column, i); ok {
		layout := time.RFC3339Nano
		if stamp, ok := column.DataType().(*arrow.TimestampType); ok && stamp.TimeZone == "" {
			layout = "2006-01-02T15:04:05.999999999"
		}
		if column.DataType().ID() != arrow.TIMESTAMP {
			layout = time.DateOnly
		}
		return t.AppendFormat(dst, layout), true
	}
	var scratch []byte
	return arrowValue(column, i, &scratch).appendText(dst), true
}
