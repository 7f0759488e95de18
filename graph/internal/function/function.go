// Package function turns a TensorFlow graph into a function body, which graft
// does not bind.
package function

// #cgo LDFLAGS: -ltensorflow
// #include <stdlib.h>
// #include "tensorflow/c/c_api.h"
import "C"

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	tf "github.com/wamuir/graft/tensorflow"
	functionpb "github.com/wamuir/graft/tensorflow/core/framework/function_go_proto"
	"google.golang.org/protobuf/proto"
)

// FromGraph makes a function of the whole of g: the placeholders inputs become
// its arguments and outputs its results, in that order. What no output depends
// on, by value or by control, is left out when the function is called.
func FromGraph(g *tf.Graph, name string, inputs, outputs []tf.Output) (*functionpb.FunctionDef, error) {
	var def bytes.Buffer
	if _, err := g.WriteTo(&def); err != nil {
		return nil, fmt.Errorf("write the graph of function %s: %w", name, err)
	}
	serialized, err := convert(name, def.Bytes(), inputs, outputs)
	runtime.KeepAlive(g) // inputs and outputs have their names in its memory
	if err != nil {
		return nil, fmt.Errorf("make function %s: %w", name, err)
	}
	f := new(functionpb.FunctionDef)
	if err := proto.Unmarshal(serialized, f); err != nil {
		return nil, fmt.Errorf("read back function %s: %w", name, err)
	}
	return f, nil
}

// convert works on a second copy of the graph, read from its serialized form,
// because graft keeps the C graph to itself.
func convert(name string, def []byte, inputs, outputs []tf.Output) ([]byte, error) {
	status := C.TF_NewStatus()
	defer C.TF_DeleteStatus(status)

	g := C.TF_NewGraph()
	defer C.TF_DeleteGraph(g)
	if err := importDef(g, def, status); err != nil {
		return nil, err
	}
	in, err := endpoints(g, inputs)
	if err != nil {
		return nil, err
	}
	out, err := endpoints(g, outputs)
	if err != nil {
		return nil, err
	}

	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	f := C.TF_GraphToFunction(g, cname, 0, -1, nil,
		C.int(len(in)), unsafe.SliceData(in), C.int(len(out)), unsafe.SliceData(out),
		nil, nil, nil, status)
	if err := statusError(status); err != nil {
		return nil, err
	}
	defer C.TF_DeleteFunction(f)

	buf := C.TF_NewBuffer()
	defer C.TF_DeleteBuffer(buf)
	C.TF_FunctionToFunctionDef(f, buf, status)
	if err := statusError(status); err != nil {
		return nil, err
	}
	return C.GoBytes(buf.data, C.int(buf.length)), nil
}

func importDef(g *C.TF_Graph, def []byte, status *C.TF_Status) error {
	buf := C.TF_NewBufferFromString(unsafe.Pointer(unsafe.SliceData(def)), C.size_t(len(def)))
	defer C.TF_DeleteBuffer(buf)
	opts := C.TF_NewImportGraphDefOptions()
	defer C.TF_DeleteImportGraphDefOptions(opts)
	C.TF_GraphImportGraphDef(g, buf, opts, status)
	return statusError(status)
}

// endpoints finds in g the outputs that have the same names in the original.
func endpoints(g *C.TF_Graph, outputs []tf.Output) ([]C.TF_Output, error) {
	found := make([]C.TF_Output, len(outputs))
	for i, o := range outputs {
		name := C.CString(o.Op.Name())
		found[i] = C.TF_Output{oper: C.TF_GraphOperationByName(g, name), index: C.int(o.Index)}
		C.free(unsafe.Pointer(name))
		if found[i].oper == nil {
			return nil, fmt.Errorf("operation %q is not in the graph", o.Op.Name())
		}
	}
	return found, nil
}

func statusError(status *C.TF_Status) error {
	if C.TF_GetCode(status) == C.TF_OK {
		return nil
	}
	return errors.New(C.GoString(C.TF_Message(status)))
}
