package manifest

import (
	"bytes"
	"sort"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// spaced returns the text with its blank lines in canonical form: at most one in a
// row, none behind an opening brace or bracket and before a closing one, and one
// between two blocks of the file of which either has several lines. Nothing but
// blank lines is added or removed, and none within text or comments.
func spaced(src []byte, body *hclsyntax.Body, tokens hclsyntax.Tokens) []byte {
	lines := describeLines(src, tokens)
	separate := separations(body, lines)
	var b bytes.Buffer
	kept, pending := -1, false // the line that was written last; a blank line behind it
	for i := range lines {
		line := &lines[i]
		if line.blank && !line.inside {
			pending = true
			continue
		}
		behind := kept >= 0 && !(lines[kept].opens || line.closes)
		if kept >= 0 && (pending && behind || separate[kept]) && !line.inside {
			b.WriteByte('\n')
		}
		b.Write(line.text)
		kept, pending = i, false
	}
	return b.Bytes()
}

// lineFacts is what the blank lines around a line depend on.
type lineFacts struct {
	// text has the line break at its end, if there is one.
	text  []byte
	blank bool
	// inside: it begins within text of several lines, or within a comment.
	inside bool
	// opens: it ends with a brace or bracket that opens something, apart from a
	// comment; closes: it begins with one that closes.
	opens, closes bool
}

func describeLines(src []byte, tokens hclsyntax.Tokens) []lineFacts {
	var lines []lineFacts
	starts := []int{}
	at := 0
	for line := range bytes.Lines(src) {
		lines = append(lines, lineFacts{text: line, blank: len(bytes.TrimSpace(line)) == 0})
		starts = append(starts, at)
		at += len(line)
	}
	depth, from := 0, 0
	protect := func(from, to int) {
		for i := sort.SearchInts(starts, from+1); i < len(starts) && starts[i] < to; i++ {
			lines[i].inside = true
		}
	}
	seen := make([]bool, len(lines))
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOHeredoc, hclsyntax.TokenOQuote:
			if depth == 0 {
				from = t.Range.Start.Byte
			}
			depth++
		case hclsyntax.TokenCHeredoc, hclsyntax.TokenCQuote:
			if depth--; depth == 0 {
				protect(from, t.Range.End.Byte)
			}
		case hclsyntax.TokenComment:
			if bytes.HasPrefix(t.Bytes, []byte("/*")) {
				protect(t.Range.Start.Byte, t.Range.End.Byte)
			}
		}
		first, last := t.Range.Start.Line-1, t.Range.End.Line-1
		switch {
		case t.Type == hclsyntax.TokenNewline, t.Type == hclsyntax.TokenEOF, first >= len(lines):
			continue
		case t.Type != hclsyntax.TokenComment && last < len(lines):
			lines[last].opens = t.Type == hclsyntax.TokenOBrace || t.Type == hclsyntax.TokenOBrack
		}
		if !seen[first] {
			lines[first].closes = t.Type == hclsyntax.TokenCBrace || t.Type == hclsyntax.TokenCBrack
			seen[first] = true
		}
	}
	return lines
}

// separations are the lines behind which a blank line is missing: those that end
// a block of the file where the next one begins without a blank line between.
func separations(body *hclsyntax.Body, lines []lineFacts) map[int]bool {
	type item struct {
		first, last int
		block       bool
	}
	var items []item
	for _, a := range body.Attributes {
		items = append(items, item{first: a.SrcRange.Start.Line - 1, last: a.SrcRange.End.Line - 1})
	}
	for _, b := range body.Blocks {
		items = append(items, item{b.TypeRange.Start.Line - 1, b.CloseBraceRange.End.Line - 1, true})
	}
	sort.Slice(items, func(i, j int) bool { return items[i].first < items[j].first })
	missing := map[int]bool{}
	for i := 1; i < len(items); i++ {
		before, after := items[i-1], items[i]
		if !before.block || !after.block || before.last == before.first && after.last == after.first {
			continue
		}
		blank := false
		for n := before.last + 1; n < after.first; n++ {
			blank = blank || lines[n].blank && !lines[n].inside
		}
		// A comment that begins on the line of the brace belongs to it.
		end := before.last
		for end+1 < after.first && lines[end+1].inside {
			end++
		}
		if !blank {
			missing[end] = true
		}
	}
	return missing
}
