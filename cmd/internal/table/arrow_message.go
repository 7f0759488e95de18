package table

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"io"
	"strings"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/apache/arrow-go/v18/arrow/ipc"
)

// openArrow reads what precedes the first batch. A file is a stream between two magic numbers,
// with a table of contents at its end, so that both are read from the start.
func (d *arrowDecoder) openArrow(s *source) error {
	body := s.body
	if s.format == Arrow {
		var err error
		if body, err = s.arrowStream(); err != nil {
			return err
		}
	}
	allocator := newArrowAllocator(0)
	if s.plain {
		allocator = newArrowAllocator(s.size)
	}
	options := []ipc.Option{ipc.WithAllocator(allocator), ipc.WithBodySizeLimit(int64(allocator.most))}
	messages := ipc.NewMessageReader(&arrowMessages{r: body, ends: s.format == Arrow}, options...)
	r, err := ipc.NewReaderFromMessageReader(messages, options...)
	if err != nil {
		return err
	}
	d.batches = r
	d.describe(r.Schema())
	return nil
}

// arrowStream is the stream in a file. Polars leaves out what is in front of the first message, a mark and the length,
// and has dictionaries behind the batches that they are for: then the table of contents tells.
func (s *source) arrowStream() (io.Reader, error) {
	head := make([]byte, len(arrowMagic)+2+4)
	if _, err := io.ReadFull(s.body, head); err != nil {
		return nil, noEOF(err)
	}
	first := head[len(head)-4:]
	if binary.LittleEndian.Uint32(first) != flatbuffers.SizeUOffsetT { // where the table of a message is, that no length can be
		return io.MultiReader(bytes.NewReader(first), s.body), nil
	}
	stored, size := s.stored, s.size
	if !s.plain {
		var err error
		if stored, size, err = s.copied(io.MultiReader(bytes.NewReader(head), s.body)); err != nil {
			return nil, err
		}
	}
	from := int64(len(head) - 4)
	blocks, end, err := arrowBlocks(stored, size)
	for _, b := range blocks {
		end = min(end, b.from)
	}
	if err != nil || end < from || end-from > arrowMost {
		return nil, cmp.Or(err, errArrowLength)
	}
	prefix := binary.LittleEndian.AppendUint32([]byte(arrowMessage), uint32(end-from))
	parts := []io.Reader{bytes.NewReader(prefix), io.NewSectionReader(stored, from, end-from)}
	for _, b := range blocks {
		parts = append(parts, io.NewSectionReader(stored, b.from, b.size))
	}
	return io.MultiReader(append(parts, strings.NewReader(arrowEnd))...), nil
}

// arrowBlock is where a message and what belongs to it are in a file.
type arrowBlock struct{ from, size int64 }

// arrowBlocks are those of dictionaries and then of batches, by the table of contents at the end of a file, whose fields
// are in Arrow's File.fbs. They end before some place.
func arrowBlocks(r io.ReaderAt, size int64) (all []arrowBlock, end int64, err error) {
	const dictionaries, batches, bytesOfBlock = 2, 3, 24
	tail := make([]byte, 4+len(arrowMagic))
	at := size - int64(len(tail))
	if _, err := r.ReadAt(tail, at); err != nil || string(tail[4:]) != arrowMagic {
		return nil, 0, io.ErrUnexpectedEOF
	}
	length := int64(binary.LittleEndian.Uint32(tail))
	if length > min(at, arrowMost) || length < flatbuffers.SizeUOffsetT {
		return nil, 0, errArrowLength
	}
	text := make([]byte, length)
	if _, err := r.ReadAt(text, at-length); err != nil {
		return nil, 0, noEOF(err)
	}
	t := arrowTable{flatbuffers.Table{Bytes: text, Pos: flatbuffers.GetUOffsetT(text)}}
	for _, field := range []int{dictionaries, batches} {
		start, n, err := t.vector(field, bytesOfBlock)
		if err != nil {
			return nil, 0, err
		}
		for i := range n {
			b := start + flatbuffers.UOffsetT(i*bytesOfBlock)
			all = append(all, arrowBlock{t.GetInt64(b), int64(t.GetInt32(b+8)) + t.GetInt64(b+16)})
		}
	}
	return all, at - length - int64(len(arrowEnd)), nil
}

// arrowMessages passes a stream of Arrow messages on after a look at the lengths in their
// tables, as the Arrow library allocates what stands there.
type arrowMessages struct {
	r    io.Reader
	ends bool      // there is a mark at the end, which a stream may do without
	now  io.Reader // the rest of a message
	done bool
}

func (m *arrowMessages) Read(p []byte) (int, error) {
	for {
		if m.now != nil {
			if n, err := m.now.Read(p); n > 0 || err != io.EOF {
				return n, err
			}
		}
		if m.done {
			return 0, io.EOF
		}
		if err := m.next(); err != nil {
			return 0, err
		}
	}
}

// next reads what is in front of a message's body: a mark, which old streams lack, a length
// and a table of that length. A length of 0 is the end.
func (m *arrowMessages) next() error {
	prefix := make([]byte, 4, 8)
	if _, err := io.ReadFull(m.r, prefix); err != nil {
		if err == io.EOF && m.ends {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	if string(prefix) == arrowMessage {
		prefix = prefix[:8]
		if _, err := io.ReadFull(m.r, prefix[4:]); err != nil {
			return noEOF(err)
		}
	}
	length := int64(binary.LittleEndian.Uint32(prefix[len(prefix)-4:]))
	if m.done = length == 0; length > arrowMost {
		return errArrowLength
	}
	var head bytes.Buffer // grows with what there is
	if _, err := io.CopyN(&head, m.r, length); err != nil {
		return noEOF(err)
	}
	body := int64(0)
	if !m.done {
		var err error
		if body, err = checkArrow(head.Bytes()); err != nil {
			return err
		}
	}
	m.now = io.MultiReader(bytes.NewReader(prefix), &head, io.LimitReader(m.r, body))
	return nil
}

// noEOF is err where data must not end.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Fields of the tables in Arrow's Message.fbs and Schema.fbs, by their places there.
const (
	messageKind, messageHeader, messageBody, messageMetadata = 1, 2, 3, 4
	kindSchema, kindDictionary, kindBatch                    = 1, 2, 3
	schemaFields, schemaMetadata                             = 1, 2
	fieldChildren, fieldMetadata                             = 5, 6
	dictionaryBatch                                          = 1
	batchBuffers, batchVariadic                              = 2, 4
)

// checkArrow checks the lengths in the table of a message, and returns that of its body. It
// may panic, as the library may, see arrowDecoder.guard.
func checkArrow(text []byte) (body int64, err error) {
	t := arrowTable{flatbuffers.Table{Bytes: text, Pos: flatbuffers.GetUOffsetT(text)}}
	body = t.GetInt64Slot(slot(messageBody), 0)
	if _, _, err := t.vector(messageMetadata, flatbuffers.SizeUOffsetT); err != nil || body < 0 {
		return 0, errArrowLength
	}
	header, ok := t.table(messageHeader)
	kind := t.GetByteSlot(slot(messageKind), 0)
	if kind == kindDictionary && ok {
		header, ok = header.table(dictionaryBatch)
	}
	switch {
	case !ok:
	case kind == kindSchema:
		err = header.checkFields(schemaFields, schemaMetadata, 0)
	case kind == kindDictionary, kind == kindBatch:
		err = header.checkBatch()
	}
	return body, err
}

// arrowTable is a table of a flat buffer.
type arrowTable struct{ flatbuffers.Table }

// slot is where a table has the place of field i.
func slot(i int) flatbuffers.VOffsetT { return flatbuffers.VOffsetT(4 + 2*i) }

// table is that of field i, if it is there.
func (t arrowTable) table(i int) (arrowTable, bool) {
	at := t.Offset(slot(i))
	if at == 0 {
		return t, false
	}
	return t.to(t.Pos + flatbuffers.UOffsetT(at)), true
}

// to is the table that a place refers to.
func (t arrowTable) to(at flatbuffers.UOffsetT) arrowTable {
	return arrowTable{flatbuffers.Table{Bytes: t.Bytes, Pos: t.Indirect(at)}}
}

// vector is where field i begins and how many elements of the given size it has.
func (t arrowTable) vector(i, size int) (start flatbuffers.UOffsetT, length int, err error) {
	at := flatbuffers.UOffsetT(t.Offset(slot(i)))
	if at == 0 {
		return 0, 0, nil
	}
	start, length = t.Vector(at), t.VectorLen(at)
	if length > (len(t.Bytes)-int(start))/size {
		return 0, 0, errArrowLength
	}
	return start, length, nil
}

// checkFields checks the fields of a schema, or those within a field.
func (t arrowTable) checkFields(fields, metadata, depth int) error {
	const most = 64 // levels
	_, _, err := t.vector(metadata, flatbuffers.SizeUOffsetT)
	if err != nil || depth > most {
		return errArrowLength
	}
	start, length, err := t.vector(fields, flatbuffers.SizeUOffsetT)
	for i := 0; i < length && err == nil; i++ {
		field := t.to(start + flatbuffers.UOffsetT(i*flatbuffers.SizeUOffsetT))
		err = field.checkFields(fieldChildren, fieldMetadata, depth+1)
	}
	return err
}

// checkBatch checks the number of buffers of views.
func (t arrowTable) checkBatch() error {
	const bufferSize = 16
	_, buffers, err := t.vector(batchBuffers, bufferSize)
	if err != nil {
		return err
	}
	start, length, err := t.vector(batchVariadic, flatbuffers.SizeInt64)
	for i := 0; i < length && err == nil; i++ {
		if n := t.GetInt64(start + flatbuffers.UOffsetT(i*flatbuffers.SizeInt64)); n < 0 || n > int64(buffers) {
			err = errArrowLength
		}
	}
	return err
}
