package answer

import "github.com/rnnbin/rnnbin/cmd/internal/series"

// Reach is the stretch of a series, from which a part is, that has to be
// labelled so that the part's rows get, to rounding, the answers that they get in the
// whole series: it begins with a window and with the history that the part's first
// answer rests on, and ends with what the last one waits for.
func (l *Labeler) Reach(whole, part series.Range) series.Range {
	blocks := max(0, part.Start-whole.Start-l.lead-l.before-l.span) / l.block
	part.Start = whole.Start + blocks*l.block
	behind := l.wait()
	if l.whole {
		behind += l.span
	}
	part.End = min(whole.End, part.End+behind)
	return part
}
