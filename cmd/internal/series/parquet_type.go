package series

import (
	"math"
	"math/big"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// parquetType is what a column's values mean.
type parquetType struct {
	number   bool
	unsigned bool
	unit     float64        // what an integer of 1 stands for; decimals and timestamps have their own
	stamp    *time.Duration // the unit of timestamps, nil for other columns
	scale    int32          // digits behind the point of decimals that are bytes
	decimal  bool           // values are such
	date     bool
}

// day is the unit of dates, in seconds.
const day = 24 * 60 * 60

// isTime reports whether values are times, as seconds since 1970.
func (p parquetType) isTime() bool { return p.stamp != nil || p.date }

func newParquetType(t parquet.Type) parquetType {
	p := parquetType{number: t.Kind() < parquet.ByteArray, unit: 1}
	if t.Kind() == parquet.Int96 { // as older programs write timestamps
		nanosecond := time.Nanosecond
		p.stamp = &nanosecond
	}
	logical := t.LogicalType()
	if logical == nil {
		return p
	}
	switch l := logical.Value.(type) {
	case *format.IntType:
		p.unsigned = !l.IsSigned
	case *format.DecimalType:
		p.unit = math.Pow10(-int(l.Scale))
		const most = 76                                                            // digits, that any writer has
		p.decimal, p.scale = !p.number && l.Scale >= 0 && l.Scale <= most, l.Scale // others are integers
		p.number = p.number || p.decimal
	case *format.TimestampType:
		unit := stampUnit(l.Unit)
		p.unit, p.stamp = unit.Seconds(), &unit
	case *format.DateType:
		p.unit, p.date = day, true
	}
	return p
}

func stampUnit(u format.TimeUnit) time.Duration {
	switch u.Value.(type) {
	case *format.MilliSeconds:
		return time.Millisecond
	case *format.MicroSeconds:
		return time.Microsecond
	}
	return time.Nanosecond
}

// value is v as a field: a number in its unit (seconds for timestamps and dates), else text.
func (p parquetType) value(v parquet.Value) value {
	switch v.Kind() {
	case parquet.Boolean:
		return boolean(v.Boolean())
	case parquet.Int32, parquet.Int64:
		return p.integer(v)
	case parquet.Float:
		return value{kind: numberKind, number: float64(v.Float())}
	case parquet.Double:
		return value{kind: numberKind, number: v.Double()}
	}
	if v.IsNull() {
		return value{kind: nullKind}
	}
	if v.Kind() == parquet.Int96 {
		t := int96Time(v)
		return value{kind: numberKind, number: float64(t.Unix()) + float64(t.Nanosecond())/1e9}
	}
	if p.decimal {
		text := p.appendDecimal(nil, v)
		x, _ := strconv.ParseFloat(string(text), 64)
		return value{kind: numberKind, number: x, text: text}
	}
	return value{text: v.ByteArray()}
}

// appendDecimal appends the digits of a decimal that is bytes: a two's complement, the
// highest byte first.
func (p parquetType) appendDecimal(dst []byte, v parquet.Value) []byte {
	text := v.ByteArray()
	unscaled := new(big.Int).SetBytes(text)
	if len(text) > 0 && text[0]>>7 == 1 {
		unscaled.Sub(unscaled, new(big.Int).Lsh(big.NewInt(1), uint(8*len(text))))
	}
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(p.scale)), nil)
	return append(dst, new(big.Rat).SetFrac(unscaled, unit).FloatString(int(p.scale))...)
}

func (p parquetType) integer(v parquet.Value) value {
	x := float64(signed(v))
	if p.unsigned {
		x = float64(unsigned(v))
	}
	field := value{kind: numberKind, number: x * p.unit}
	if math.Abs(x) >= exactInt {
		field.text = p.appendText(nil, v)
	}
	return field
}

func signed(v parquet.Value) int64 {
	if v.Kind() == parquet.Int32 {
		return int64(v.Int32())
	}
	return v.Int64()
}

func unsigned(v parquet.Value) uint64 {
	if v.Kind() == parquet.Int32 {
		return uint64(v.Uint32())
	}
	return v.Uint64()
}

// appendText appends v as a CSV file would show it.
func (p parquetType) appendText(dst []byte, v parquet.Value) []byte {
	switch v.Kind() {
	case parquet.Boolean:
		return strconv.AppendBool(dst, v.Boolean())
	case parquet.Float:
		return strconv.AppendFloat(dst, float64(v.Float()), 'g', -1, 32)
	case parquet.Double:
		return strconv.AppendFloat(dst, v.Double(), 'g', -1, 64)
	case parquet.Int32, parquet.Int64:
		switch {
		case p.stamp != nil:
			return p.time(v.Int64()).AppendFormat(dst, time.RFC3339Nano)
		case p.date:
			return time.Unix(signed(v)*day, 0).UTC().AppendFormat(dst, time.DateOnly)
		case p.unit != 1:
			return strconv.AppendFloat(dst, float64(signed(v))*p.unit, 'g', -1, 64)
		case p.unsigned:
			return strconv.AppendUint(dst, unsigned(v), 10)
		}
		return strconv.AppendInt(dst, signed(v), 10)
	}
	if v.Kind() == parquet.Int96 {
		return int96Time(v).AppendFormat(dst, time.RFC3339Nano)
	}
	return append(dst, p.value(v).text...)
}

// int96Time is the timestamp of 96 bits: nanoseconds of a day, and the day's Julian number.
func int96Time(v parquet.Value) time.Time {
	const epoch = 2440588 // Julian number of 1970-01-01
	words := v.Int96()
	nanoseconds := int64(words[1])<<32 | int64(words[0])
	return time.Unix((int64(words[2])-epoch)*day, nanoseconds).UTC()
}

// time is the timestamp n.
func (p parquetType) time(n int64) time.Time {
	switch *p.stamp {
	case time.Millisecond:
		return time.UnixMilli(n).UTC()
	case time.Microsecond:
		return time.UnixMicro(n).UTC()
	}
	return time.Unix(0, n).UTC()
}
