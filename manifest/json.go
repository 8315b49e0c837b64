package manifest

import (
	"bytes"
	"encoding/json"
)

type jsonRange struct {
	Start Position `json:"start"`
	End   Position `json:"end"`
}

// jsonSnippet is the source around a problem: whole lines, and which bytes of
// Code are the offending text.
type jsonSnippet struct {
	StartLine      int    `json:"start_line"`
	Code           string `json:"code"`
	HighlightStart int    `json:"highlight_start"`
	HighlightEnd   int    `json:"highlight_end"`
}

type jsonNote struct {
	Message string       `json:"message"`
	File    string       `json:"file"`
	Range   jsonRange    `json:"range"`
	Snippet *jsonSnippet `json:"snippet,omitempty"`
}

type jsonDiagnostic struct {
	Severity Severity     `json:"severity"`
	Summary  string       `json:"summary"`
	Detail   string       `json:"detail"`
	In       string       `json:"in,omitempty"`
	File     string       `json:"file,omitempty"`
	Range    *jsonRange   `json:"range,omitempty"`
	Snippet  *jsonSnippet `json:"snippet,omitempty"`
	Notes    []jsonNote   `json:"notes,omitempty"`
}

// MarshalJSON returns an array, empty if there is no diagnostic. It holds what
// WriteText shows.
func (d *Diagnostics) MarshalJSON() ([]byte, error) {
	out := []jsonDiagnostic{}
	for _, diag := range d.list {
		j := jsonDiagnostic{Severity: diag.Severity, Summary: diag.Summary, Detail: diag.Detail, In: diag.In, File: diag.File}
		if diag.Range != nil {
			j.Range, j.Snippet = &jsonRange{diag.Range.Start, diag.Range.End}, d.jsonSnippet(*diag.Range)
		}
		for _, n := range diag.Notes {
			j.Notes = append(j.Notes, jsonNote{n.Message, n.Range.File, jsonRange{n.Range.Start, n.Range.End}, d.jsonSnippet(n.Range)})
		}
		out = append(out, j)
	}
	return json.Marshal(out)
}

// maxSnippetCode bounds the code of a snippet, for files with endless lines.
const maxSnippetCode = 1000

// jsonSnippet returns nil for text that is never shown.
func (d *Diagnostics) jsonSnippet(r Range) *jsonSnippet {
	if !d.shows(r) {
		return nil
	}
	src := d.sources[r.File]
	start, end := clampRange(src, r)
	from := bytes.LastIndexByte(src[:start], '\n') + 1
	to := end
	if i := bytes.IndexByte(src[end:], '\n'); i >= 0 {
		to += i
	} else {
		to = len(src)
	}
	if to-from > maxSnippetCode {
		from, end = start, min(end, start+maxSnippetCode)
		to = end
	}
	return &jsonSnippet{
		StartLine:      r.Start.Line,
		Code:           string(bytes.ToValidUTF8(src[from:to], []byte("\uFFFD"))),
		HighlightStart: start - from,
		HighlightEnd:   end - from,
	}
}

// clampRange returns the bytes of a range, within src whatever the range says.
func clampRange(src []byte, r Range) (start, end int) {
	start = min(max(r.Start.Byte, 0), len(src))
	end = min(max(r.End.Byte, start), len(src))
	return start, end
}
