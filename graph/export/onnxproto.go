package export

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// What is needed of ONNX's messages, onnx.proto of version 8 of the representation, by the
// numbers of their fields. There is no package of ONNX's for Go that is kept.

// ONNX's types of elements.
const (
	onnxFloat  = 1
	onnxInt32  = 6
	onnxInt64  = 7
	onnxString = 8
	onnxDouble = 11
)

const (
	onnxRepresentation = 8
	onnxOperations     = 17 // the version of the set of operations
)

// pb is an encoded message.
type pb []byte

func (m pb) bytes(field protowire.Number, v []byte) pb {
	return protowire.AppendBytes(protowire.AppendTag(m, field, protowire.BytesType), v)
}

func (m pb) text(field protowire.Number, v string) pb { return m.bytes(field, []byte(v)) }

func (m pb) int(field protowire.Number, v int64) pb {
	return protowire.AppendVarint(protowire.AppendTag(m, field, protowire.VarintType), uint64(v))
}

// onnxAttribute is an AttributeProto.
func onnxAttribute(name string, value any) pb {
	a := pb(nil).text(1, name)
	switch v := value.(type) {
	case int:
		return a.int(3, int64(v)).int(20, 2)
	case []int64:
		for _, n := range v {
			a = a.int(8, n)
		}
		return a.int(20, 7)
	case []string:
		for _, text := range v {
			a = a.text(9, text)
		}
		return a.int(20, 8)
	case pb: // a graph
		return a.bytes(6, v).int(20, 5)
	}
	panic(fmt.Sprintf("an attribute of type %T", value)) // none of ours
}

// onnxTensor is a TensorProto of raw or, of strings, of listed values.
func onnxTensor(name string, kind int64, dims []int64, raw []byte, texts [][]byte) pb {
	var t pb
	for _, n := range dims {
		t = t.int(1, n)
	}
	t = t.int(2, kind)
	for _, v := range texts {
		t = t.bytes(6, v)
	}
	t = t.text(8, name)
	if kind != onnxString {
		t = t.bytes(9, raw)
	}
	return t
}

// onnxValue is a ValueInfoProto; a dimension is a number, or has a name if it may be any.
func onnxValue(name string, kind int64, dims []any) pb {
	var shape pb
	for _, d := range dims {
		switch d := d.(type) {
		case string:
			shape = shape.bytes(1, pb(nil).text(2, d))
		case int64:
			shape = shape.bytes(1, pb(nil).int(1, d))
		}
	}
	v := pb(nil).text(1, name)
	if kind == 0 { // inferred
		return v
	}
	return v.bytes(2, pb(nil).bytes(1, pb(nil).int(1, kind).bytes(2, shape)))
}
