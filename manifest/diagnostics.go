package manifest

import (
	"fmt"
	"sort"

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
}

func newDiagnostics(file string, src []byte) *Diagnostics {
	return &Diagnostics{sources: map[string][]byte{file: src}}
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
	d.list = append(d.list, diag)
}

// sort puts errors before warnings, what explains other problems before them,
// and the rest in the order of the file. The same problem at the same place is
// kept once.
func (d *Diagnostics) sort() {
	sort.SliceStable(d.list, func(i, j int) bool {
		a, b := &d.list[i], &d.list[j]
		if a.Severity != b.Severity {
			return a.Severity == SeverityError
		}
		if a.order != b.order {
			return a.order < b.order
		}
		return a.place() < b.place()
	})
	kept := d.list[:0]
	for i, diag := range d.list {
		if i > 0 && len(kept) > 0 {
			last := &kept[len(kept)-1]
			if last.Summary == diag.Summary && last.Detail == diag.Detail && last.place() == diag.place() {
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
