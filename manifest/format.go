package manifest

import (
	"bytes"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// Format returns the canonical form of a manifest in the native syntax:
// indentation of two spaces, aligned equals signs, one line break at the end.
// Line breaks become those of Unix, also inside of text. Formatting twice
// changes nothing more. What cannot be parsed is returned as
// it is.
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
	if _, problems := hclsyntax.ParseConfig(text, "", hcl.InitialPos); problems.HasErrors() {
		return src
	}
	formatted := hclwrite.Format(text)
	formatted = append(bytes.TrimRight(formatted, " \t\n"), '\n')
	if len(formatted) == 1 {
		return nil
	}
	return formatted
}
