package manifest

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/apparentlymart/go-textseg/v15/textseg"
)

// TextOptions say how diagnostics are written for people.
type TextOptions struct {
	// Color uses ANSI escapes.
	Color bool
	// Width is the terminal's, in columns; 0 is 80. Text is wrapped there, at
	// most at 100, and longer source lines are cut.
	Width int
}

const (
	defaultWidth = 80
	widestText   = 100
	// maxShown is how many diagnostics are written out. Nobody reads more, and
	// a broken file can have many thousands.
	maxShown = 100
	tabWidth = 4
)

// WriteText writes the diagnostics for people: what is wrong, where, the line
// with the offending text underlined, and what to do.
func (d *Diagnostics) WriteText(w io.Writer, o TextOptions) error {
	t := &textWriter{color: o.Color, width: o.Width, sources: d.sources, shows: d.shows, lines: map[string][]int{}}
	if t.width <= 0 {
		t.width = defaultWidth
	}
	t.width = max(t.width, 30)
	for i, diag := range d.list {
		if i > 0 {
			t.out.WriteByte('\n')
		}
		if i == maxShown {
			fmt.Fprintf(&t.out, "... and %d more\n", len(d.list)-maxShown)
			break
		}
		t.diagnostic(diag)
	}
	_, err := w.Write(t.out.Bytes())
	return err
}

type textWriter struct {
	out     bytes.Buffer
	color   bool
	width   int
	sources map[string][]byte
	shows   func(Range) bool
	lines   map[string][]int // where the lines of a file start
}

// ANSI escapes.
const (
	reset  = "\x1b[0m"
	bold   = "\x1b[1m"
	red    = "\x1b[1;31m"
	yellow = "\x1b[1;33m"
	blue   = "\x1b[34m"
)

func (t *textWriter) paint(color, text string) string {
	if !t.color || text == "" {
		return text
	}
	return color + text + reset
}

func (t *textWriter) diagnostic(d Diagnostic) {
	word, color := "Error", red
	if d.Severity == SeverityWarning {
		word, color = "Warning", yellow
	}
	fmt.Fprintf(&t.out, "%s%s\n", t.paint(color, word+": "), t.paint(bold, visible(d.Summary)))
	if d.Range == nil && d.File != "" {
		fmt.Fprintf(&t.out, "  %s\n", t.paint(blue, visible(d.File)))
	}
	if d.Range != nil {
		place := fmt.Sprintf("%s:%d:%d", visible(d.Range.File), d.Range.Start.Line, d.Range.Start.Column)
		if d.In != "" {
			place += ", in " + visible(d.In)
		}
		fmt.Fprintf(&t.out, "  %s\n", t.paint(blue, place))
		if t.shows(*d.Range) {
			t.out.WriteByte('\n')
		}
		gutter := len(strconv.Itoa(d.Range.Start.Line))
		for _, n := range d.Notes {
			gutter = max(gutter, len(strconv.Itoa(n.Range.Start.Line)))
		}
		t.snippet(*d.Range, color, "^", "", gutter)
		for _, n := range d.Notes {
			place := fmt.Sprintf("%s:%d:%d", visible(n.Range.File), n.Range.Start.Line, n.Range.Start.Column)
			if !t.shows(n.Range) {
				fmt.Fprintf(&t.out, "  %s\n", t.paint(blue, place+", "+n.Message))
			} else if n.Range.File != d.Range.File {
				fmt.Fprintf(&t.out, "  %s\n", t.paint(blue, place))
			}
			t.snippet(n.Range, blue, "-", n.Message, gutter)
		}
	}
	if d.Detail != "" {
		t.out.WriteByte('\n')
		for _, line := range wrap(visible(d.Detail), min(t.width, widestText)-2) {
			if line != "" {
				line = "  " + line
			}
			fmt.Fprintf(&t.out, "%s\n", line)
		}
	}
}

// snippet writes the first line of a range and underlines it.
func (t *textWriter) snippet(r Range, color, mark, message string, gutter int) {
	src := t.sources[r.File]
	if len(src) == 0 || !t.shows(r) {
		return
	}
	start, end := clampRange(src, r)
	lineStart := bytes.LastIndexByte(src[:start], '\n') + 1
	lineEnd := len(src)
	if i := bytes.IndexByte(src[start:], '\n'); i >= 0 {
		lineEnd = start + i
	}
	if mark := len("\uFEFF"); lineStart == 0 && start >= mark && bytes.HasPrefix(src, []byte("\uFEFF")) {
		lineStart = mark // An editor's byte order mark is no part of the line.
	}
	line := bytes.TrimRight(src[lineStart:lineEnd], "\r")
	from := min(start-lineStart, len(line))
	to := min(max(end-lineStart, from), len(line))
	// Of a text of several lines the first is underlined, up to its last word.
	if end > lineEnd {
		to = max(from, len(bytes.TrimRight(line, " \t")))
	}
	code, markAt, markWidth := layout(line, from, to, t.width-gutter-6)
	number := fmt.Sprintf("%*d", gutter+2, r.Start.Line)
	before, marked, after := code[0], code[1], code[2]
	fmt.Fprintf(&t.out, "%s %s\n", t.paint(blue, number+" |"), strings.TrimRight(before+t.paint(color, marked)+after, " "))
	underline := strings.Repeat(" ", markAt) + t.paint(color, strings.TrimRight(strings.Repeat(mark, markWidth)+" "+message, " "))
	fmt.Fprintf(&t.out, "%s %s\n", t.paint(blue, strings.Repeat(" ", gutter+2)+" |"), underline)
}

// layout turns a source line into what a terminal shows: tabs expanded,
// invisible characters made visible, cut to width columns around the marked
// bytes. It returns the text before, in and behind the mark, the column of the
// mark and its width, which is at least one.
func layout(line []byte, from, to, width int) (code [3]string, markAt, markWidth int) {
	type cell struct {
		text  string
		part  int
		width int
	}
	var cells []cell
	// Only the surroundings of the mark can be shown, whatever the line's length.
	skipped := max(0, from-4*width)
	for skipped > 0 && skipped < from && line[skipped]&0xC0 == 0x80 {
		skipped++
	}
	column := 0
	for at := skipped; at < len(line) && at < to+8*width+64; {
		size, cluster, err := textseg.ScanGraphemeClusters(line[at:], true)
		if err != nil || size <= 0 {
			size, cluster = 1, line[at:at+1]
		}
		part := 1
		if at < from {
			part = 0
		} else if at >= to {
			part = 2
		}
		text := visible(string(cluster))
		if text == "\t" {
			text = strings.Repeat(" ", tabWidth-column%tabWidth)
		}
		c := cell{text, part, displayWidth(text)}
		cells = append(cells, c)
		column += c.width
		at += size
	}
	before, marked, total := 0, 0, 0
	for _, c := range cells {
		total += c.width
		switch c.part {
		case 0:
			before += c.width
		case 1:
			marked += c.width
		}
	}
	// The window begins so that the mark, or as much of it as fits, is inside.
	first, last := 0, total
	if skipped > 0 || total > width {
		first = 0
		if before+min(marked, width/2)+2 > width-3 || skipped > 0 {
			first = max(before-width/4, 0)
		}
		last = first + width - 6
	}
	column = 0
	if first > 0 || skipped > 0 {
		code[0] = "..."
		markAt = 3
	}
	cut := false
	for _, c := range cells {
		if column >= first && column+c.width <= last {
			code[c.part] += c.text
			switch c.part {
			case 0:
				markAt += c.width
			case 1:
				markWidth += c.width
			}
		} else if column >= first {
			cut = true
		}
		column += c.width
	}
	if cut {
		code[2] += "..."
	}
	return code, markAt, max(markWidth, 1)
}

// wrap breaks text into lines of at most width columns. Lines that begin with
// a space are code and stay as they are, and so do long words.
func wrap(text string, width int) []string {
	var lines []string
	for _, paragraph := range strings.Split(strings.Trim(text, "\n"), "\n") {
		if paragraph == "" || strings.HasPrefix(paragraph, " ") {
			lines = append(lines, paragraph)
			continue
		}
		current, used := "", 0
		for _, word := range strings.Fields(paragraph) {
			w := displayWidth(word)
			if used > 0 && used+1+w > width {
				lines = append(lines, current)
				current, used = "", 0
			}
			if used > 0 {
				current += " "
				used++
			}
			current += word
			used += w
		}
		lines = append(lines, current)
	}
	return lines
}
