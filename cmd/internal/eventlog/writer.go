package eventlog

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"time"

	summarypb "github.com/wamuir/graft/tensorflow/core/framework/summary_go_proto"
	eventpb "github.com/wamuir/graft/tensorflow/core/util/event_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/rnnbin/rnnbin/graph/model"
)

// writer writes an event file: records as those of TFRecord files.
type writer struct {
	file    *os.File
	records []byte // that are not in the file yet
	event   []byte
	flushed time.Time
}

// create begins an event file, the newest of its folder by its name.
func create(folder string, now time.Time) (*writer, error) {
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return nil, err
	}
	path := filepath.Join(folder, fmt.Sprintf("%s%d.%09d", model.EventPrefix, now.Unix(), now.Nanosecond()))
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return nil, err
	}
	w := &writer{file: file, flushed: now}
	return w, w.put(&eventpb.Event{What: &eventpb.Event_FileVersion{FileVersion: "brain.Event:2"}}, now)
}

// add writes values of a step.
func (w *writer) add(at time.Time, step int, values ...value) error {
	return w.put(&eventpb.Event{Step: int64(step), What: &eventpb.Event_Summary{Summary: &summarypb.Summary{Value: values}}}, at)
}

// graph writes a graph, a serialized GraphDef.
func (w *writer) graph(at time.Time, def []byte) error {
	return w.put(&eventpb.Event{What: &eventpb.Event_GraphDef{GraphDef: def}}, at)
}

// start has readers drop what earlier files of the folder have of a step and those after it.
func (w *writer) start(step int, at time.Time) error {
	start := &eventpb.SessionLog{Status: eventpb.SessionLog_START}
	return w.put(&eventpb.Event{Step: int64(step), What: &eventpb.Event_SessionLog{SessionLog: start}}, at)
}

// put writes an event. It is in the file a second later at most, if others follow.
func (w *writer) put(e *eventpb.Event, at time.Time) (err error) {
	e.WallTime = float64(at.UnixMicro()) / 1e6
	if w.event, err = (proto.MarshalOptions{}).MarshalAppend(w.event[:0], e); err != nil {
		return err
	}
	w.records = appendRecord(w.records, w.event)
	if len(w.records) > 1<<16 || at.Sub(w.flushed) > time.Second {
		w.flushed = at
		return w.flush()
	}
	return nil
}

func (w *writer) flush() error {
	_, err := w.file.Write(w.records)
	w.records = w.records[:0]
	return err
}

// end closes the file, after an error of writing to it or nil.
func (w *writer) end(err error) error {
	return cmp.Or(err, errors.Join(w.flush(), w.file.Close()))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendRecord appends a TFRecord: its length, that's checksum, the data, and theirs.
func appendRecord(to, data []byte) []byte {
	length := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	to = append(to, length...)
	to = binary.LittleEndian.AppendUint32(to, masked(length))
	to = append(to, data...)
	return binary.LittleEndian.AppendUint32(to, masked(data))
}

// masked is a CRC-32C as TFRecord has it: a checksum of bytes that contain one would be no good.
func masked(data []byte) uint32 {
	c := crc32.Checksum(data, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}
