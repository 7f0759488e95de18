package series

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

func TestEncodings(t *testing.T) {
	const text = "größe;wer;label\n1,5;Zoë €;0\n2;x;1\n"
	little, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	big, err := unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	latin, err := charmap.Windows1252.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ text, warning string }{
		"UTF-8":                {text, ""},
		"UTF-16":               {little, "UTF-16 is read as UTF-8"},
		"UTF-16, big end":      {big, "UTF-16 is read as UTF-8"},
		"UTF-16, compressed":   {compress(t, table.Zstd, little), "UTF-16 is read as UTF-8"},
		"Latin-1":              {latin, "some of the text is not UTF-8, and taken as Latin-1"},
		"Latin-1, compressed":  {compress(t, table.Gzip, latin), "some of the text is not UTF-8, and taken as Latin-1"},
		"a byte order mark":    {"\ufeff" + text, ""},
		"an accent amid UTF-8": {strings.Replace(text, "ë", "\xeb", 1), "some of the text is not UTF-8"},
	} {
		path := writeFile(t, "x.csv", test.text)
		o := Options{Label: "label", Features: []string{"größe"}, Missing: MissingError}
		d, err := Read(context.Background(), []string{path}, o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !slices.Equal(d.X, []float32{1.5, 2}) {
			t.Errorf("%s: %v", name, d.X)
		}
		if said := fmt.Sprint(d.Warnings); test.warning != "" && !strings.Contains(said, path+": "+test.warning) || test.warning == "" && strings.Contains(said, "UTF") {
			t.Errorf("%s: %v", name, d.Warnings)
		}
		var out bytes.Buffer
		answerAll(t, path, o, func(r *Reader) (*Writer, error) { return NewWriter(&out, "", r, zeroOrOne) })
		if want := "größe;wer;label;predicted_label;predicted_probability\n1,5;Zoë €;0;0;0,75\n2;x;1;1;0,75\n"; out.String() != want {
			t.Errorf("%s: written is %q", name, &out)
		}
	}
}

// A line of a stream is there when it has arrived, whatever its last character is.
func TestFollowedLatin1(t *testing.T) {
	in, feed := io.Pipe()
	go io.WriteString(feed, "a,who\n1,\xe9\n")
	r, err := open(context.Background(), table.Stdin, in, Options{Features: []string{"a"}, Series: "who", LabelOptional: true, Follow: true, Missing: MissingError}, newRoster(MaxOpen))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := new(Chunk)
	if err := r.Next(c); err != nil || c.Begun[0].Name != "é" {
		t.Errorf("%v, %v", c.Begun, err)
	}
	feed.Close()
}
