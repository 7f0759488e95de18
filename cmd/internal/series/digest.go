package series

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
)

// Digest is a SHA-256 of what networks learn from, whatever the names of files and series.
func (d *Data) Digest() string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %v\n", d.Features, d.Classes, d.Shift)
	for _, s := range d.Series {
		fmt.Fprintf(h, "%d %d %q\n", s.Start, s.End, s.Group)
	}
	for values := range slices.Chunk(d.X, 1<<16) {
		_ = binary.Write(h, binary.LittleEndian, values) // a hash returns no error
	}
	_ = binary.Write(h, binary.LittleEndian, d.Labels)
	_ = binary.Write(h, binary.LittleEndian, d.Time)
	return hex.EncodeToString(h.Sum(nil))
}
