package series

import (
	"fmt"
	"slices"
	"strings"
)

// noLabelNote is the note about files in which no column looks like labels.
const noLabelNote = "no column looks like labels, which are 2 to %d values, each on several rows"

// DropLabel takes the label from the guess, as labels are somewhere else.
func (s *Survey) DropLabel() {
	g := &s.Guess
	before, _, _ := strings.Cut(noLabelNote, ",")
	g.Notes = slices.DeleteFunc(g.Notes, func(note string) bool {
		return strings.HasPrefix(note, before) || g.Classes != nil && strings.HasPrefix(note, fmt.Sprintf("column %q: ", g.Label))
	})
	for i := range s.Columns {
		c := &s.Columns[i]
		if c.Role != "label" {
			continue
		}
		if c.Role = ""; c.Type == WholeNumbers || c.Type == Numbers {
			c.Role = "excluded"
			g.Exclude = append(g.Exclude, c.Name)
		}
	}
	g.Label, g.Classes = "", nil
}
