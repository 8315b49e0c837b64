package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/twofoldhq/twofold/manifest"
)

// terminal is what a command says things to. It knows whether a person is
// looking: without one there is no colour and no line that is written over.
type terminal struct {
	in       io.Reader
	out, err io.Writer
	color    bool
	width    int
	progress *progress
}

const defaultWidth = 100

func newTerminal(s Streams) *terminal {
	t := &terminal{in: s.In, out: s.Out, err: s.Err, width: defaultWidth}
	file, ok := s.Err.(*os.File)
	person := ok && term.IsTerminal(int(file.Fd()))
	if person {
		if w, _, err := term.GetSize(int(file.Fd())); err == nil && w > 20 {
			t.width = w
		}
	}
	t.color = person && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	t.progress = newProgress(s.Err, person && os.Getenv("TERM") != "dumb" && os.Getenv("CI") == "", t.style)
	return t
}

// The styles that output is drawn in, as SGR codes of ECMA-48.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

func (t *terminal) style(code, text string) string {
	if !t.color || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (t *terminal) fail(message string) {
	t.progress.stop()
	fmt.Fprintf(t.err, "%s %s\n", t.style(red, "error:"), message)
}

func (t *terminal) hint(text string) {
	if text != "" {
		fmt.Fprintf(t.err, "%s %s\n", t.style(cyan, "hint:"), text)
	}
}

func (t *terminal) warn(message string) {
	t.progress.line(fmt.Sprintf("%s %s", t.style(yellow, "warning:"), message))
}

func (t *terminal) note(message string) { t.progress.line(message) }

// done reports a step that is over: what, on which service, and how long it took.
func (t *terminal) done(service, message string, took time.Duration) {
	mark := t.style(green, "✓")
	t.progress.line(fmt.Sprintf("%s %s %s %s", mark, t.style(bold, service), message, t.style(dim, seconds(took))))
}

func (t *terminal) diagnostics(d *manifest.Diagnostics) {
	t.progress.stop()
	d.WriteText(t.err, manifest.TextOptions{Color: t.color, Width: t.width})
}

// json writes a value to standard output as indented JSON.
func (t *terminal) json(v any) error {
	e := json.NewEncoder(t.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// table writes rows to standard output in columns.
func (t *terminal) table(rows [][]string) error {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell)
			if i < len(row)-1 {
				line.WriteString(strings.Repeat(" ", widths[i]-len([]rune(cell))+2))
			}
		}
		if _, err := fmt.Fprintln(t.out, strings.TrimRight(line.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

func seconds(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	default:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
}

func size(bytes int64) string {
	switch {
	case bytes < 1000:
		return fmt.Sprintf("%d B", bytes)
	case bytes < 1000*1000:
		return fmt.Sprintf("%.1f kB", float64(bytes)/1e3)
	case bytes < 1000*1000*1000:
		return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
	default:
		return fmt.Sprintf("%.1f GB", float64(bytes)/1e9)
	}
}

// short returns a digest in the length that a person compares by eye. Every
// command takes it where it takes a digest.
func short(digest string) string {
	algorithm, hex, ok := strings.Cut(digest, ":")
	if !ok || len(hex) < 12 {
		return digest
	}
	return algorithm + ":" + hex[:12]
}
