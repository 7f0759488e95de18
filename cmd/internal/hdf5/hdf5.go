// Package hdf5 reads arrays of floats from an HDF5 file as libraries write it by
// default: a superblock of version 0 or 1, groups as symbol tables, object headers of
// version 1, and data in one piece. Other ways to lay a file out are refused by name;
// attributes are skipped.
//
// Sections in comments are those of the HDF5 File Format Specification, version 3.0
// (https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html). All numbers in a
// file are little-endian.
package hdf5

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"path"
	"slices"
)

// File is what a file holds. Paths have no slash before them.
type File struct {
	groups   map[string]bool
	datasets map[string]*Dataset
}

// Read reads a whole file.
func Read(data []byte) (*File, error) {
	r := &reader{
		data: data,
		seen: map[uint64]bool{},
		file: &File{groups: map[string]bool{}, datasets: map[string]*Dataset{}},
	}
	root, err := r.superblock()
	if err != nil {
		return nil, err
	}
	return r.file, r.object("", root)
}

// Groups are the paths of all groups but the root, sorted.
func (f *File) Groups() []string { return slices.Sorted(maps.Keys(f.groups)) }

// Dataset is the array at a path, nil where there is none.
func (f *File) Dataset(path string) *Dataset { return f.datasets[path] }

// Dataset is an array.
type Dataset struct {
	Shape []int // empty for a single value

	width int    // of a value, in bytes
	data  []byte // nil where fault says why
	fault error
}

// Float32s are the values in row-major order, those of float64 rounded. Arrays of
// another type, and such as are stored in another way than in one piece, are an error.
func (d *Dataset) Float32s() ([]float32, error) {
	if d.fault != nil {
		return nil, d.fault
	}
	values := make([]float32, len(d.data)/d.width)
	for i := range values {
		at := d.data[i*d.width:]
		if d.width == 8 {
			values[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(at)))
		} else {
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(at))
		}
	}
	return values, nil
}

// errDamaged is what every file is that points to where it cannot.
var errDamaged = errors.New("the HDF5 file is damaged or cut short")

// reader walks through a file from its root group.
type reader struct {
	data  []byte
	file  *File
	seen  map[uint64]bool // addresses of objects and nodes: none may be reached twice
	work  int             // messages and entries so far
	depth int             // nodes within nodes
}

// A damaged file, whose parts may overlap, is not to be read for ever, nor too deep.
const (
	maxWork  = 1 << 22
	maxDepth = 1 << 8
)

const signature = "\x89HDF\r\n\x1a\n"

// superblock returns the address of the root group's object header (II.A, versions 0
// and 1).
func (r *reader) superblock() (root uint64, err error) {
	c := r.at(0)
	if string(c.bytes(len(signature))) != signature {
		return 0, errors.New("not an HDF5 file")
	}
	version := c.u8()
	if version > 1 {
		return 0, fmt.Errorf("HDF5 with a superblock of version %d is not supported, only 0 and 1, which h5py writes by default", version)
	}
	c.skip(4) // versions and a reserved byte
	offsets, lengths := c.u8(), c.u8()
	if c.ok() && (offsets != 8 || lengths != 8) {
		return 0, fmt.Errorf("HDF5 with addresses of %d and lengths of %d bytes is not supported, only 8", offsets, lengths)
	}
	c.skip(1 + 2 + 2 + 4) // reserved, sizes of B-trees, flags
	if version == 1 {
		c.skip(4) // another such size
	}
	if base := c.u64(); base != 0 {
		return 0, errors.New("HDF5 that begins within a file is not supported")
	}
	c.skip(3 * 8) // free space, end of the file, driver
	c.skip(8)     // the root's entry (III.C): its name
	root = c.u64()
	return root, c.fault()
}

// visit returns a cursor at an address that has not been visited.
func (r *reader) visit(address uint64) (*cursor, error) {
	if r.seen[address] {
		return nil, errDamaged
	}
	r.seen[address] = true
	return r.at(address), nil
}

// more counts what has been read.
func (r *reader) more() error {
	if r.work++; r.work > maxWork {
		return errDamaged
	}
	return nil
}

// Types of messages in an object header (IV.A.2).
const (
	messageDataspace    = 0x0001
	messageLinkInfo     = 0x0002
	messageDatatype     = 0x0003
	messageLayout       = 0x0008
	messageContinuation = 0x0010
	messageSymbolTable  = 0x0011
)

// messages are an object's, by type.
type messages map[uint16]message

type message struct {
	content *cursor
	shared  bool // the content is elsewhere
}

// object reads the group or the array whose object header is at address.
func (r *reader) object(name string, address uint64) error {
	m, err := r.header(address)
	if err != nil {
		return err
	}
	if table, ok := m[messageSymbolTable]; ok {
		if name != "" {
			r.file.groups[name] = true
		}
		return r.group(name, table.content)
	}
	if _, ok := m[messageLinkInfo]; ok {
		return fmt.Errorf("HDF5 group %q holds links in the newer format, which is not supported: write the file with h5py's default libver", name)
	}
	if _, ok := m[messageLayout]; !ok {
		return nil // a named type
	}
	d, err := r.dataset(m)
	if err != nil {
		return fmt.Errorf("%w (array %q)", err, name)
	}
	r.file.datasets[name] = d
	return nil
}

// header reads the messages of an object header (IV.A.1.a, version 1), the last of each
// type.
func (r *reader) header(address uint64) (messages, error) {
	c, err := r.visit(address)
	if err != nil {
		return nil, err
	}
	version := c.u8()
	if c.ok() && version == 'O' { // "OHDR"
		return nil, errors.New("HDF5 with object headers of version 2 is not supported: write the file with h5py's default libver")
	}
	if version != 1 {
		return nil, errDamaged
	}
	c.skip(1)
	left := int(c.u16())
	c.skip(4) // references
	size := c.u32()
	c.skip(4) // padding
	all := messages{}
	blocks := []*cursor{c.part(uint64(size))}
	for left > 0 {
		if len(blocks) == 0 {
			return nil, errDamaged
		}
		b := blocks[0]
		blocks = blocks[1:]
		for ; left > 0 && b.left() >= 8; left-- {
			if err := r.more(); err != nil {
				return nil, err
			}
			kind, size, flags := b.u16(), b.u16(), b.u8()
			b.skip(3)
			content := b.part(uint64(size))
			if kind == messageContinuation { // IV.A.2.q
				next, err := r.visit(content.u64())
				if err != nil {
					return nil, err
				}
				blocks = append(blocks, next.part(content.u64()))
				continue
			}
			all[kind] = message{content, flags&2 != 0}
		}
		if err := b.fault(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// group reads what a symbol table message (IV.A.2.r) names.
func (r *reader) group(name string, table *cursor) error {
	tree, heap := table.u64(), r.at(table.u64())
	if string(heap.bytes(4)) != "HEAP" { // III.D
		return errDamaged
	}
	heap.skip(4) // version
	size := heap.u64()
	heap.skip(8) // free list
	return r.node(name, tree, r.at(heap.u64()).part(size))
}

// node reads a node of a group's B-tree (III.A.1), whose children are nodes or tables of
// symbols.
func (r *reader) node(group string, address uint64, names *cursor) error {
	if r.depth++; r.depth > maxDepth {
		return errDamaged
	}
	defer func() { r.depth-- }()
	c, err := r.visit(address)
	if err != nil {
		return err
	}
	switch string(c.bytes(4)) {
	case "SNOD":
		return r.symbols(group, c, names)
	case "TREE":
	default:
		return errDamaged
	}
	if kind := c.u8(); kind != 0 { // of groups
		return errDamaged
	}
	c.skip(1) // level
	entries := c.u16()
	c.skip(2 * 8) // siblings
	for range entries {
		if err := r.more(); err != nil {
			return err
		}
		c.skip(8) // key
		child := c.u64()
		if !c.ok() {
			break
		}
		if err := r.node(group, child, names); err != nil {
			return err
		}
	}
	return c.fault()
}

// symbols reads a group's members (III.B, III.C). Symbolic links are none.
func (r *reader) symbols(group string, c, names *cursor) error {
	c.skip(2) // version
	entries := c.u16()
	for range entries {
		if err := r.more(); err != nil {
			return err
		}
		name, address, kind := names.text(c.u64()), c.u64(), c.u32()
		c.skip(4 + 16) // reserved, scratch
		const link = 2
		if !c.ok() || !names.ok() {
			return errDamaged
		}
		if kind == link {
			continue
		}
		if err := r.object(path.Join(group, name), address); err != nil {
			return err
		}
	}
	return c.fault()
}

// dataset reads an array's description. What is only of no use is its fault, so that
// others in the file can be read.
func (r *reader) dataset(m messages) (*Dataset, error) {
	d := new(Dataset)
	space, ok := m[messageDataspace]
	if !ok || space.shared {
		return nil, errDamaged
	}
	values, err := d.space(space.content)
	if err != nil {
		return nil, err
	}
	kind, ok := m[messageDatatype]
	switch {
	case !ok:
		return nil, errDamaged
	case kind.shared:
		d.fault = errors.New("its type is stored elsewhere, which is not supported")
		return d, nil
	}
	if d.fault = d.datatype(kind.content); d.fault != nil {
		return d, nil
	}
	d.data, d.fault = r.contiguous(m[messageLayout].content, values*uint64(d.width))
	return d, nil
}

// maxValues is how many an array may have.
const maxValues = 1 << 40

// space reads a dataspace message (IV.A.2.b) and returns the number of values.
func (d *Dataset) space(c *cursor) (values uint64, err error) {
	version, rank := c.u8(), int(c.u8())
	switch version {
	case 1:
		c.skip(6) // flags, reserved
	case 2:
		c.skip(2) // flags, type
	default:
		return 0, errDamaged
	}
	values = 1
	for range rank {
		n := c.u64()
		if !c.ok() || n > maxValues {
			return 0, errDamaged
		}
		if values *= n; values > maxValues {
			return 0, errDamaged
		}
		d.Shape = append(d.Shape, int(n))
	}
	return values, c.fault()
}

// float is a datatype message's properties of an IEEE number (IV.A.2.d): where sign,
// exponent and mantissa are.
type float struct {
	sign                          uint8
	offset, precision             uint16
	exponentAt, exponentSize      uint8
	mantissaAt, mantissaSize      uint8
	bias                          uint32
	bigEndian, otherNormalisation bool
}

var floats = map[uint32]float{
	4: {sign: 31, precision: 32, exponentAt: 23, exponentSize: 8, mantissaSize: 23, bias: 127},
	8: {sign: 63, precision: 64, exponentAt: 52, exponentSize: 11, mantissaSize: 52, bias: 1023},
}

// datatype reads a datatype message (IV.A.2.d).
func (d *Dataset) datatype(c *cursor) error {
	const floatingPoint = 1
	class := c.u8() & 0xf
	order, sign := c.u8(), c.u8()
	c.skip(1)
	size := c.u32()
	if class != floatingPoint {
		return fmt.Errorf("its values are not floats (HDF5 type class %d)", class)
	}
	got := float{sign: sign, bigEndian: order&0x41 != 0, otherNormalisation: order>>4&3 != 2}
	got.offset, got.precision = c.u16(), c.u16()
	got.exponentAt, got.exponentSize, got.mantissaAt, got.mantissaSize = c.u8(), c.u8(), c.u8(), c.u8()
	got.bias = c.u32()
	if err := c.fault(); err != nil {
		return err
	}
	if want, ok := floats[size]; !ok || got != want {
		return fmt.Errorf("its values are floats of %d bytes in a layout that is not supported, only little-endian float32 and float64", size)
	}
	d.width = int(size)
	return nil
}

// contiguous returns the bytes that a layout message names (IV.A.2.i, versions 3 and 4).
func (r *reader) contiguous(c *cursor, size uint64) ([]byte, error) {
	version, class := c.u8(), c.u8()
	if !c.ok() || version < 3 || version > 4 {
		return nil, fmt.Errorf("its layout is of version %d, which is not supported", version)
	}
	const compact, contiguous = 0, 1
	var data *cursor
	switch class {
	case compact:
		data = c.part(uint64(c.u16()))
	case contiguous:
		address, length := c.u64(), c.u64()
		if size == 0 {
			return nil, nil
		}
		if address == math.MaxUint64 {
			return nil, errors.New("its values were never written")
		}
		data = r.at(address).part(length)
	default:
		return nil, errors.New("it is stored in chunks or compressed, which is not supported")
	}
	if !data.ok() || uint64(data.left()) < size {
		return nil, errDamaged
	}
	return data.bytes(int(size)), nil
}
