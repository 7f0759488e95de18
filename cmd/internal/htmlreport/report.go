// Package htmlreport writes a page about a model that needs nothing but itself: it asks for nothing
// from outside, and can be read offline, on a phone and in print.
package htmlreport

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"

	"github.com/rnnbin/rnnbin/cmd/internal/plot"
)

// Page is what a report tells.
type Page struct {
	Title    string
	Lead     []string // before the first section
	Sections []Section
}

// Section is a part of a page. What it does not have is left out.
type Section struct {
	Title    string
	Text     []string
	Facts    [][2]string
	Tables   []Table
	Charts   []*plot.Figure // side by side where there is space
	Classes  []string       // a legend of the figures that follow
	Figures  []Figure
	Commands []string // to paste
	Code     string   // that few want to see
}

// Table has a row for each thing, its name first.
type Table struct {
	Title string
	Head  []string
	Rows  [][]string
	Bold  int // a row that stands out, from 1; 0 for none
}

// Figure is one that takes the width of the page.
type Figure struct {
	*plot.Figure
	Caption string
}

//go:embed page.html
var page string

//go:embed page.css
var style string

//go:embed page.js
var script string

var functions = template.FuncMap{
	"svg":    func(f *plot.Figure) template.HTML { return template.HTML(f.SVG()) }, //nolint:gosec // which escapes names
	"swatch": func(class int) template.HTML { return template.HTML(plot.Swatch(class).SVG()) },
	"style":  func() template.CSS { return template.CSS(style + plot.Style()) },
	"script": func() template.JS { return template.JS(script) },
	"policy": func() string {
		sum := sha256.Sum256([]byte(script))
		return "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	},
	"bold": func(t Table, row int) bool { return t.Bold == row+1 },
}

var pages = template.Must(template.New("page").Funcs(functions).Parse(page))

// Write writes the page.
func (p *Page) Write(w io.Writer) error { return pages.Execute(w, p) }
