package manifest

import (
	"fmt"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Severity says whether a problem stops the work.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
)

// Position is a place in a file. Line and Column count from 1, and a column is
// one character as a person sees it; Byte counts from 0.
type Position struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Byte   int `json:"byte"`
}

// Range is a piece of a file; End is behind its last character.
type Range struct {
	// File is relative to the working folder where that is shorter.
	File       string
	Start, End Position
}

// Note points to a second place that a problem has to do with.
type Note struct {
	Message string
	Range   Range
}

// Diagnostic is one problem.
type Diagnostic struct {
	Severity Severity
	// Summary is a few words without a full stop; Detail is sentences that say
	// what to do. Lines of Detail that start with a space are code.
	Summary, Detail string
	// Range is the offending text, or nil if the problem has no place. File is
	// where it is, or "" if there is no file.
	Range *Range
	File  string
	// In names the block around it, such as `service "api"`, or is "".
	In    string
	Notes []Note

	// origin names where a value comes from that is in no file, such as
	// "--var log_level".
	origin string
	// environment is the one that was evaluated when the problem was found, where
	// several are.
	environment string
	// order sorts diagnostics of the same severity before their place counts.
	order order
	// needsWhole: the problem may only be there because the text is not read
	// to its end.
	needsWhole bool
}

// order groups problems by how many others they explain.
type order int

const (
	orderFile   order = iota // the file as a whole
	orderSyntax              // it cannot be parsed
	orderValue               // anything with a place
)

// Diagnostics are the problems of a manifest, the most useful first.
type Diagnostics struct {
	list    []Diagnostic
	sources map[string][]byte
	// files are the names of the sources, the main file first.
	files []string
	// escaped are the strings of the JSON syntax whose text is not what the file
	// has, in its order: places inside of them are not those in the file.
	escaped []hcl.Range
	// hidden are the places whose text is never shown, and the files.
	hidden      []Range
	hiddenFiles map[string]bool
	// environment is the one that is evaluated.
	environment string
}

func newDiagnostics(files ...source) *Diagnostics {
	d := &Diagnostics{sources: map[string][]byte{}}
	for _, f := range files {
		d.sources[f.name] = f.content
		d.files = append(d.files, f.name)
	}
	return d
}

// inFile returns a place that is surely that in the file.
func (d *Diagnostics) inFile(r hcl.Range) hcl.Range {
	for _, whole := range d.escaped {
		if whole.Filename == r.Filename && whole.Start.Byte <= r.Start.Byte && r.Start.Byte < whole.End.Byte {
			return whole
		}
	}
	return r
}

// empty returns diagnostics of the same files, without a problem.
func (d *Diagnostics) empty() *Diagnostics {
	return &Diagnostics{sources: d.sources, files: d.files, hidden: d.hidden, hiddenFiles: d.hiddenFiles}
}

// hide keeps the text of a place, such as a password, out of all output.
func (d *Diagnostics) hide(r Range) { d.hidden = append(d.hidden, r) }

// hideFile is hide for a whole file.
func (d *Diagnostics) hideFile(name string) {
	if d.hiddenFiles == nil {
		d.hiddenFiles = map[string]bool{}
	}
	d.hiddenFiles[name] = true
}

// shows reports whether the text of a place may be shown with its line.
func (d *Diagnostics) shows(r Range) bool {
	if d.hiddenFiles[r.File] {
		return false
	}
	for _, h := range d.hidden {
		if h.File == r.File && r.Start.Line <= h.End.Line && h.Start.Line <= max(r.End.Line, r.Start.Line) {
			return false
		}
	}
	return true
}

// All returns the diagnostics.
func (d *Diagnostics) All() []Diagnostic { return d.list }

// Len returns how many there are.
func (d *Diagnostics) Len() int { return len(d.list) }

// HasErrors reports whether there is an error among them.
func (d *Diagnostics) HasErrors() bool {
	for _, diag := range d.list {
		if diag.Severity == SeverityError {
			return true
		}
	}
	return false
}

// Append adds the diagnostics of another value behind its own.
func (d *Diagnostics) Append(other *Diagnostics) {
	if other == nil {
		return
	}
	d.list = append(d.list, other.list...)
	if d.sources == nil {
		d.sources = map[string][]byte{}
	}
	for file, src := range other.sources {
		d.sources[file] = src
	}
	for _, file := range other.files {
		if !contains(d.files, file) {
			d.files = append(d.files, file)
		}
	}
	for file := range other.hiddenFiles {
		d.hideFile(file)
	}
	for _, r := range other.hidden {
		if !containsRange(d.hidden, r) {
			d.hidden = append(d.hidden, r)
		}
	}
}

func containsRange(list []Range, r Range) bool {
	for _, known := range list {
		if known == r {
			return true
		}
	}
	return false
}

// Err returns d if it has errors, else nil.
func (d *Diagnostics) Err() error {
	if d.HasErrors() {
		return d
	}
	return nil
}

// Error returns the first error in one line, and how many others there are.
// WriteText shows all of them.
func (d *Diagnostics) Error() string {
	var first *Diagnostic
	others := 0
	for i := range d.list {
		switch {
		case d.list[i].Severity != SeverityError:
		case first == nil:
			first = &d.list[i]
		default:
			others++
		}
	}
	if first == nil {
		return "no errors"
	}
	text := first.Summary
	switch {
	case first.Range == nil && first.File != "":
		text = first.File + ": " + text
	case first.Range != nil:
		text = fmt.Sprintf("%s:%d:%d: %s", first.Range.File, first.Range.Start.Line, first.Range.Start.Column, text)
	}
	switch others {
	case 0:
		return text
	case 1:
		return text + " (and 1 more error)"
	}
	return fmt.Sprintf("%s (and %d more errors)", text, others)
}

func (d *Diagnostics) add(diag Diagnostic) {
	if diag.Range != nil {
		diag.File = diag.Range.File
	}
	diag.environment = d.environment
	d.list = append(d.list, diag)
}

// Sort puts errors before warnings, what explains other problems before them,
// and the rest in the order of the files. The same problem at the same place is
// kept once.
func (d *Diagnostics) Sort() { d.sort() }

func (d *Diagnostics) sort() {
	rank := make(map[string]int, len(d.files))
	for i, file := range d.files {
		rank[file] = i + 1
	}
	sort.SliceStable(d.list, func(i, j int) bool {
		a, b := &d.list[i], &d.list[j]
		switch {
		case a.Severity != b.Severity:
			return a.Severity == SeverityError
		case a.order != b.order:
			return a.order < b.order
		case rank[a.File] != rank[b.File]:
			return rank[a.File] < rank[b.File]
		case a.place() != b.place():
			return a.place() < b.place()
		case a.Summary != b.Summary:
			return a.Summary < b.Summary
		}
		return a.Detail < b.Detail
	})
	kept := d.list[:0]
	for _, diag := range d.list {
		if len(kept) > 0 {
			last := &kept[len(kept)-1]
			if last.Summary == diag.Summary && last.Detail == diag.Detail && last.File == diag.File && last.place() == diag.place() {
				if diag.environment == DefaultEnvironment || diag.environment == "" {
					last.environment, last.In = diag.environment, diag.In
				}
				continue
			}
		}
		kept = append(kept, diag)
	}
	d.list = kept
}

func (d *Diagnostic) place() int {
	if d.Range == nil {
		return -1
	}
	return d.Range.Start.Byte
}

func rangeOf(r hcl.Range) Range {
	return Range{
		File:  r.Filename,
		Start: Position{Line: r.Start.Line, Column: r.Start.Column, Byte: r.Start.Byte},
		End:   Position{Line: r.End.Line, Column: r.End.Column, Byte: r.End.Byte},
	}
}

// Annotate adds to where the diagnostic of that number is: what it is about, and
// the environments if they are not all or the one that is always there.
func (d *Diagnostics) Annotate(i int, about string, environments []string) {
	diag := &d.list[i]
	diag.In = strings.TrimPrefix(diag.In+", "+about, ", ")
	if len(environments) == 1 && environments[0] != DefaultEnvironment {
		diag.In += fmt.Sprintf(", environment %q", environments[0])
	}
}
