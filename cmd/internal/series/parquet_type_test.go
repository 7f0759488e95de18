package series

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// Decimals are numbers, whether they are stored as integers or as bytes.
func TestDecimals(t *testing.T) {
	type row struct {
		Short int64    `parquet:"short,decimal(2:9)"`
		Long  [16]byte `parquet:"long,decimal(2:38)"`
		Label int64    `parquet:"label"`
	}
	minus250 := [16]byte(bytes.Repeat([]byte{0xff}, 16))
	minus250[15] = 0x06
	path := filepath.Join(t.TempDir(), "x.parquet")
	if err := parquet.WriteFile(path, []row{{105, [16]byte{14: 1, 15: 44}, 0}, {-250, minus250, 1}, {1, [16]byte{15: 1}, 0}}); err != nil {
		t.Fatal(err)
	}
	d, err := Read(t.Context(), []string{path}, DefaultOptions())
	if err != nil || !slices.Equal(d.X, []float32{1.05, 3, -2.5, -2.5, .01, .01}) {
		t.Errorf("%v, %v", d, err)
	}
	var out bytes.Buffer
	answerAll(t, path, DefaultOptions(), func(r *Reader) (*Writer, error) { return NewWriter(&out, CSV, r, zeroOrOne) })
	if !strings.Contains(out.String(), "\n1.05,3.00,0,") || !strings.Contains(out.String(), "\n-2.5,-2.50,1,") {
		t.Errorf("written is %s", &out)
	}
}
