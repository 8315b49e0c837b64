package parity

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// TextOptions change how a report looks.
type TextOptions struct {
	Color bool
	// Brief leaves out the requests that were answered as they should be, and
	// gathers the reasons of expected differences at the end.
	Brief bool
	// Verbose shows both values of expected differences as well.
	Verbose bool
	// Width is the terminal's, in columns; 0 means 100.
	Width int
}

// WriteText writes the report for a person: one line a request, what differs
// below it, and the counts at the end.
func (r *Report) WriteText(w io.Writer, o TextOptions) {
	p := NewPrinter(w, r.A, r.B, o)
	p.Head()
	for _, result := range r.Results {
		p.Result(result)
	}
	p.Summary(r)
}

// Printer writes a report piece by piece, for a replay that is still running.
type Printer struct {
	w    io.Writer
	a, b Side
	o    TextOptions
}

// NewPrinter returns a printer for the replay of a and b.
func NewPrinter(w io.Writer, a, b Side, o TextOptions) *Printer {
	if o.Width <= 0 {
		o.Width = 100
	}
	return &Printer{w: w, a: a, b: b, o: o}
}

// The colours of a terminal.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	dim    = "2"
)

func (p *Printer) paint(color, text string) string {
	if !p.o.Color || text == "" {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// Columns of the one line that each request has. Name and path share what the
// others leave of the terminal's width.
const (
	markColumn   = 4
	methodColumn = 7
	statusColumn = 3
	timeColumn   = 9
)

func (p *Printer) columns() (name, path int) {
	rest := p.o.Width - (markColumn + 1 + methodColumn + 1 + 1 + statusColumn + 2*timeColumn)
	name = min(max(rest*9/20, 12), 34)
	return name, max(rest-name, 10)
}

// Head writes the two sides and the names of the columns of times.
func (p *Printer) Head() {
	width := max(len(p.a.Name), len(p.b.Name))
	for _, s := range []Side{p.a, p.b} {
		line := fmt.Sprintf("  %-*s  %s", width, s.Name, s.URL)
		if s.Target != "" {
			line += "  " + p.paint(dim, s.Target)
		}
		fmt.Fprintln(p.w, line)
	}
	if p.o.Brief {
		return
	}
	name, path := p.columns()
	left := markColumn + name + 1 + methodColumn + 1 + path + 1 + statusColumn
	fmt.Fprintf(p.w, "\n%s%s\n", strings.Repeat(" ", left),
		p.paint(dim, fmt.Sprintf("%*s%*s", timeColumn, cut(p.a.Name, timeColumn-1), timeColumn, cut(p.b.Name, timeColumn-1))))
}

// Result writes one request and what differs.
func (p *Printer) Result(r Result) {
	if p.o.Brief && (r.Verdict == Same || r.Verdict == Expected) && len(r.Unseen) == 0 {
		return
	}
	mark, color := "✓", green
	switch r.Verdict {
	case Expected:
		mark, color = "≈", yellow
	case Different, Failed:
		mark, color = "✗", red
	}
	status := fmt.Sprintf("%-3d", r.A.Status)
	if r.A.Error != "" {
		status = "-  "
	}
	name, path := p.columns()
	fmt.Fprintf(p.w, "  %s %s %s %s %s%s\n",
		p.paint(color, mark),
		pad(printable(r.Name), name),
		pad(r.Method, methodColumn),
		p.paint(dim, pad(printable(r.Path), path)),
		status,
		p.paint(dim, fmt.Sprintf("%*s%*s", timeColumn, milliseconds(r.A), timeColumn, milliseconds(r.B))))
	p.errors(r)
	p.differences(r.Differences)
	for _, u := range r.Unseen {
		fmt.Fprintf(p.w, "      %s %s was expected to differ and does not: %s\n", p.paint(yellow, "note:"), u.In, u.Reason)
	}
}

func (p *Printer) errors(r Result) {
	for _, side := range []struct {
		name string
		out  Outcome
	}{{p.a.Name, r.A}, {p.b.Name, r.B}} {
		if side.out.Error != "" {
			fmt.Fprintf(p.w, "      %s did not answer: %s\n", p.paint(red, side.name), printable(side.out.Error))
		}
	}
}

// differences writes the unexpected ones with both values, and the expected ones
// by their reasons.
func (p *Printer) differences(found []Difference) {
	var reasons []string
	places := map[string][]string{}
	for _, d := range found {
		if !d.Expected {
			p.values(d, red)
			continue
		}
		if !slices.Contains(reasons, d.Reason) {
			reasons = append(reasons, d.Reason)
		}
		places[d.Reason] = append(places[d.Reason], d.In.String())
	}
	for _, reason := range reasons {
		text := fmt.Sprintf("%s: %s", strings.Join(places[reason], ", "), reason)
		if p.o.Verbose {
			text = "expected: " + reason
		}
		for i, line := range wrap(text, p.o.Width-8) {
			fmt.Fprintf(p.w, "%s%s\n", []string{"      ", "        "}[min(i, 1)], p.paint(dim, line))
		}
		if !p.o.Verbose {
			continue
		}
		for _, d := range found {
			if d.Expected && d.Reason == reason {
				p.values(d, yellow)
			}
		}
	}
}

func (p *Printer) values(d Difference, color string) {
	title := d.In.String()
	if d.Detail != "" {
		title += ": " + d.Detail
	}
	fmt.Fprintf(p.w, "      %s\n", p.paint(color, printable(title)))
	if d.A == "" && d.B == "" {
		return
	}
	width := max(len(p.a.Name), len(p.b.Name))
	for _, side := range []struct{ name, value string }{{p.a.Name, d.A}, {p.b.Name, d.B}} {
		fmt.Fprintf(p.w, "        %s  %s\n", p.paint(dim, fmt.Sprintf("%-*s", width, side.name)), printable(side.value))
	}
}

// Summary writes the counts, and what the file should say otherwise.
func (p *Printer) Summary(r *Report) {
	fmt.Fprintln(p.w)
	if p.o.Brief {
		p.reasons(r)
	}
	for _, note := range r.Notes {
		fmt.Fprintf(p.w, "  %s %s\n", p.paint(yellow, "note:"), note)
	}
	if r.Unseen > 0 {
		fmt.Fprintf(p.w, "  %s %s did not occur: take them out of %s, or find out why\n",
			p.paint(yellow, "note:"), count(r.Unseen, "expected difference"), r.Source)
	}
	color := green
	if !r.OK() {
		color = red
	}
	text := fmt.Sprintf("%s: %d alike, %d differ as expected, %d different", count(len(r.Results), "request"), r.Same, r.Expected, r.Different)
	if r.Failed > 0 {
		text += fmt.Sprintf(", %d not answered", r.Failed)
	}
	fmt.Fprintf(p.w, "  %s\n", p.paint(color, text))
	fmt.Fprintf(p.w, "  %s\n", p.paint(dim, fmt.Sprintf("half of the answers came within %s (%s) and %s (%s)",
		milliseconds(median(r.Results, func(r Result) Outcome { return r.A })), r.A.Name,
		milliseconds(median(r.Results, func(r Result) Outcome { return r.B })), r.B.Name)))
}

// reasons writes each reason of expected differences once, with how many requests
// have it, the most frequent first.
func (p *Printer) reasons(r *Report) {
	requests := map[string]int{}
	var all []string
	for _, result := range r.Results {
		var here []string
		for _, d := range result.Differences {
			if d.Expected && !slices.Contains(here, d.Reason) {
				here = append(here, d.Reason)
			}
		}
		for _, reason := range here {
			if requests[reason] == 0 {
				all = append(all, reason)
			}
			requests[reason]++
		}
	}
	slices.SortStableFunc(all, func(a, b string) int { return requests[b] - requests[a] })
	for _, reason := range all {
		lines := wrap(reason, p.o.Width-9)
		fmt.Fprintf(p.w, "  %s %3d  %s\n", p.paint(yellow, "≈"), requests[reason], lines[0])
		for _, line := range lines[1:] {
			fmt.Fprintf(p.w, "         %s\n", line)
		}
	}
	if len(all) > 0 {
		fmt.Fprintln(p.w)
	}
}

func median(results []Result, side func(Result) Outcome) Outcome {
	var all []float64
	for _, r := range results {
		if out := side(r); out.Error == "" {
			all = append(all, out.Milliseconds)
		}
	}
	if len(all) == 0 {
		return Outcome{Error: "none"}
	}
	slices.Sort(all)
	return Outcome{Milliseconds: all[(len(all)-1)/2]}
}

func milliseconds(o Outcome) string {
	switch {
	case o.Error != "":
		return "-"
	case o.Milliseconds < 9.95:
		return fmt.Sprintf("%.1f ms", o.Milliseconds)
	}
	return fmt.Sprintf("%.0f ms", o.Milliseconds)
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// pad makes a text exactly width columns wide.
func pad(s string, width int) string {
	s = cut(s, width)
	return s + strings.Repeat(" ", width-utf8.RuneCountInString(s))
}

// cut shortens a text to width columns; its end is more telling than its middle.
func cut(s string, width int) string {
	runes := []rune(s)
	if len(runes) <= width {
		return s
	}
	tail := width / 3
	return string(runes[:width-tail-1]) + "…" + string(runes[len(runes)-tail:])
}

// printable replaces what a terminal would act on.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '�'
		}
		return r
	}, s)
}

// wrap breaks a text at its spaces into lines of at most width columns.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(printable(text)) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
