package plot

import (
	"fmt"
	"strings"
)

// paint is a colour, one for light and one for dark faces.
type paint int

const (
	ink   paint = iota // text, features, and what is wrong
	quiet              // axes
	grid
	back
	classes // the first class; the others follow
)

// colours are those of Okabe and Ito, which people who see few colours can tell apart, for
// classes: grey for the first, which often is the background. There are more classes than
// colours; then they begin anew.
var colours = []struct{ name, light, dark string }{
	{"ink", "#1b1d22", "#e6e8ec"},
	{"quiet", "#565c68", "#a3a9b5"},
	{"grid", "#d5d8df", "#3a3f49"},
	{"back", "#ffffff", "#16181c"},
	{"c0", "#999999", "#8a8a8a"},
	{"c1", "#d55e00", "#d55e00"},
	{"c2", "#0072b2", "#3a9bd9"},
	{"c3", "#009e73", "#009e73"},
	{"c4", "#e69f00", "#e69f00"},
	{"c5", "#cc79a7", "#cc79a7"},
	{"c6", "#56b4e9", "#56b4e9"},
	{"c7", "#f0e442", "#f0e442"},
}

// classPaint is the colour of a class, the same in all figures.
func classPaint(class int) paint { return classes + paint(class%(len(colours)-int(classes))) }

// Swatch is a square of the colour of a class; below 0 of that of mistakes.
func Swatch(class int) *Figure {
	c := &canvas{}
	p := ink
	if class >= 0 {
		p = classPaint(class)
	}
	c.area(p, 0, rect(0, 0, 11, 11))
	return &Figure{width: 11, height: 11, shapes: c.shapes}
}

// Style is the CSS that figures need to be dark where the reader's screen is.
func Style() string {
	var text strings.Builder
	text.WriteString("@media screen and (prefers-color-scheme:dark){")
	for _, c := range colours {
		fmt.Fprintf(&text, ".l.%[1]s{stroke:%[2]s}.a.%[1]s,.t.%[1]s{fill:%[2]s}", c.name, c.dark)
	}
	text.WriteString("}")
	return text.String()
}
