package main

import (
	"io"
	"os"
	"strconv"

	"golang.org/x/term"
)

// widestHelp is the most columns that help takes: longer lines are hard to read.
const widestHelp = 100

// widthOf is how many columns help and tables may have on w.
func widthOf(w io.Writer) int {
	if n := columnsOf(w); n > 0 {
		return max(60, min(n, widestHelp))
	}
	return widestHelp
}

// columnsOf is COLUMNS, if that is set, or the width of the terminal that w is; 0 for none.
func columnsOf(w io.Writer) int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if lines, is := w.(*firstWriteError); is {
		w = lines.Writer
	}
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	n, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return n
}
