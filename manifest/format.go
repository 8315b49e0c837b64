package manifest

import (
	"bytes"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// Format returns the canonical form of a manifest in the native syntax:
// indentation of two spaces, aligned equals signs, one line break at the end. There
// is at most one blank line in a row, none behind an opening brace and before a
// closing one, and one between two blocks of the file unless both have one line.
// Line breaks become those of Unix, also inside of text. Formatting twice
// changes nothing more. What cannot be parsed is returned as it is.
func Format(src []byte) []byte {
	if guardText(src, "") != nil {
		return src
	}
	text := bytes.TrimPrefix(src, []byte("\uFEFF"))
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	tokens, _ := hclsyntax.LexConfig(text, "", hcl.InitialPos)
	if guardTokens(tokens) != nil {
		return src
	}
	file, problems := hclsyntax.ParseConfig(text, "", hcl.InitialPos)
	body, ok := file.Body.(*hclsyntax.Body)
	if problems.HasErrors() || !ok {
		return src
	}
	// Only what stands within a line changes behind this.
	formatted := hclwrite.Format(spaced(text, body, tokens))
	formatted = append(bytes.TrimRight(formatted, " \t\n"), '\n')
	if len(formatted) == 1 {
		return nil
	}
	return formatted
}

// FormatFile is Format with the reasons why a text cannot be formatted: its syntax
// errors. name is how they call the file; they do not show its lines if values of
// variables may be among them. The JSON syntax has no canonical form
// here, and is returned as it is.
func FormatFile(src []byte, name string) ([]byte, *Diagnostics) {
	d := newDiagnostics(source{name, src})
	if isJSONName(name) {
		return src, d
	}
	// Which variables are sensitive, the other files may say.
	if isValues(name) || bytes.Contains(src, []byte("variable")) {
		d.hideFile(name)
	}
	tree := parse(src, name, false, d)
	(&loader{diags: d}).hideDetails()
	d.sort()
	if tree == nil || tree.broken >= 0 {
		return src, d
	}
	return Format(src), d.empty()
}
