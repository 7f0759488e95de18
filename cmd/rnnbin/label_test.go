package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/cpu"

	"github.com/rnnbin/rnnbin/graph/label"
)

// labelCase is data, and the flags of a training on it.
type labelCase struct {
	data    string // a file
	train   string
	columns []string // the features
	follows bool     // predict --follow takes the model
}

// Package label gives the answers of predict to the bit: whole as from a file, and streamed as
// with --follow (without AVX-512 to rounding).
func TestLabelAsPredict(t *testing.T) {
	t.Run("ecg", func(t *testing.T) {
		_, minute5 := splitECG(t)
		labelCase{minute5, "--label qrs --cell gru --units 8 --steps 32 --lookahead 0", []string{"mlii_mv", "v5_mv"}, true}.check(t)
	})
	bursts := filepath.Join(t.TempDir(), "bursts.csv")
	rnnbin(t, "data", "bursts", "--out", bursts)
	t.Run("built-in", labelCase{bursts, "--cell gru --units 4 --steps 16 --lookahead 5", []string{"x"}, true}.check)
	t.Run("two directions", labelCase{bursts, "--cell lstm --units 4 --steps 16 --bidirectional", []string{"x"}, false}.check)
}

// check trains a model, which 8 goroutines then share.
func (c labelCase) check(t *testing.T) {
	t.Chdir(t.TempDir()) // where runs/latest is made
	folder := filepath.Join(t.TempDir(), "model")
	rnnbin(t, append(strings.Fields("train --epochs 2 --folds 0 --members 2 --seed 1 "+c.train),
		"--data", c.data, "--features", strings.Join(c.columns, ","), "--out", folder)...)
	m, err := label.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	x := columnsIn(t, c.data, c.columns)
	want := predicted(t, folder, c.data)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if a, err := m.Label(context.Background(), label.Series{Values: x}); err != nil {
				t.Error(err)
			} else {
				c.compare(t, "whole", m, a, want, 0)
			}
		})
	}
	group.Wait()
	if c.follows {
		want = predicted(t, folder, c.data, "--follow")
	}
	tolerance := 0.0
	if !cpu.X86.HasAVX512F { // where a product's sums depend on how many rows it has, and --follow labels together what is there
		tolerance = 1e-6
	}
	c.compare(t, "streamed", m, streamed(t, m, x, len(c.columns)), want, tolerance)
}

// streamed are the answers of a stream that gets a row at a time.
func streamed(t *testing.T, m *label.Model, x []float32, features int) label.Answers {
	t.Helper()
	var all label.Answers
	add := func(a label.Answers, err error) {
		if err != nil {
			t.Fatal(err)
		}
		all.Class, all.Score = append(all.Class, a.Class...), append(all.Score, a.Score...)
	}
	s := m.Stream()
	for row := range slices.Chunk(x, features) {
		add(s.Push(row))
	}
	add(s.Flush())
	return all
}

// compare compares with rows that predict has written, whose last two columns are the answer.
func (c labelCase) compare(t *testing.T, how string, m *label.Model, a label.Answers, rows [][]string, tolerance float64) {
	t.Helper()
	if a.Len() != len(rows) {
		t.Errorf("%s: %d answers to %d rows", how, a.Len(), len(rows))
		return
	}
	for i, row := range rows {
		last := len(row) - 1
		score, err := strconv.ParseFloat(row[last], 32)
		if err != nil {
			t.Error(err)
			return
		}
		if tolerance == 0 && m.Class(a.Class[i]) != row[last-1] || !(math.Abs(float64(a.Score[i]-float32(score))) <= tolerance) {
			t.Errorf("%s: row %d is %s, %v; predict has %v", how, i, m.Class(a.Class[i]), a.Score[i], row[last-1:])
			return
		}
	}
}

// predicted are the rows that predict writes.
func predicted(t *testing.T, folder, data string, flags ...string) [][]string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "labelled.csv")
	rnnbin(t, append([]string{"predict", folder, data, "-o", out}, flags...)...)
	return readCSV(t, out)[1:]
}

func readCSV(t *testing.T, path string) [][]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// columnsIn are the values of columns of a CSV file, row after row.
func columnsIn(t *testing.T, path string, names []string) []float32 {
	t.Helper()
	rows := readCSV(t, path)
	var x []float32
	for _, row := range rows[1:] {
		for _, name := range names {
			v, err := strconv.ParseFloat(row[slices.Index(rows[0], name)], 32)
			if err != nil {
				t.Fatal(err)
			}
			x = append(x, float32(v))
		}
	}
	return x
}

// program labels a CSV file of numbers with a model. It is another module's.
const program = `package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"log"
	"os"
	"slices"
	"strconv"

	"github.com/rnnbin/rnnbin/graph/label"
)

func main() {
	m, err := label.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	f, err := os.Open(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		log.Fatal(err)
	}
	var x []float32
	for _, row := range rows[1:] {
		for _, name := range m.Task().Features {
			v, err := strconv.ParseFloat(row[slices.Index(rows[0], name)], 32)
			if err != nil {
				log.Fatal(err)
			}
			x = append(x, float32(v))
		}
	}
	a, err := m.Label(context.Background(), label.Series{Values: x})
	if err != nil {
		log.Fatal(err)
	}
	for i, class := range a.Class {
		fmt.Println(m.Class(class), a.Score[i])
	}
}
`

// A program of another module builds against graph/label, which needs nothing of cmd/, and
// labels a file as predict does.
func TestAnotherModuleLabels(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if needed := command(t, root, "go", "list", "-deps", "./graph/label"); strings.Contains(needed, "rnnbin/cmd/") {
		t.Errorf("graph/label needs %s", needed)
	}
	t.Chdir(t.TempDir())
	rnnbin(t, "data", "bursts", "--out", "bursts.csv")
	rnnbin(t, strings.Fields("train bursts.csv --epochs 2 --folds 0 --members 1 --seed 1 --out m")...)

	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	// The module's own requirements, so that nothing has to be looked up.
	text := regexp.MustCompile(`(?m)^module .*`).ReplaceAllString(string(mod), "module example.com/other")
	text += "\nrequire github.com/rnnbin/rnnbin v0.0.0\nreplace github.com/rnnbin/rnnbin => " + root + "\n"
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"go.mod": text, "go.sum": string(sum), "main.go": program} {
		if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	command(t, ".", "go", "build", "-mod=mod", "-o", "other", ".")
	lines := strings.Split(strings.TrimSpace(command(t, ".", "./other", "m", "bursts.csv")), "\n")
	want := predicted(t, "m", "bursts.csv")
	if len(lines) != len(want) {
		t.Fatalf("%d lines for %d rows", len(lines), len(want))
	}
	for i, row := range want {
		if answer := strings.Join(row[len(row)-2:], " "); lines[i] != answer {
			t.Fatalf("row %d: %s, predict has %s", i, lines[i], answer)
		}
	}
}

// command is what a program prints to standard output.
func command(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, errOut.String())
	}
	return string(out)
}
