package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Limits of a manifest's text. The parsers below us are recursive and a stack
// that overflows cannot be caught, so these hold before anything is parsed.
const (
	// maxFile is the size of the largest manifest in bytes. 5,000 services with
	// ten attributes each take less than half of it.
	maxFile = 4 << 20
	// maxDepth is how deep brackets, braces and templates nest.
	maxDepth = 100
	// maxChain is how many operators follow each other in one expression.
	maxChain = 500
	// maxNumber is how many characters a number has.
	maxNumber = 100
)

// guardText returns what makes the text no text at all, or nil.
func guardText(src []byte, file string) *Diagnostic {
	if len(src) > maxFile {
		return &Diagnostic{
			Summary: "The manifest is too big",
			Detail:  fmt.Sprintf("%s has more than %d MiB, which is the limit. Is it a manifest at all?", file, maxFile>>20),
		}
	}
	at := bytes.IndexByte(src, 0)
	summary := "The manifest holds a zero byte"
	if at < 0 && !utf8.Valid(src) {
		summary = "The manifest is not UTF-8"
		for at = 0; at < len(src); {
			r, size := utf8.DecodeRune(src[at:])
			if r == utf8.RuneError && size == 1 {
				break
			}
			at += size
		}
	}
	if at < 0 {
		return nil
	}
	r := Range{File: file, Start: positionOf(src, at), End: positionOf(src, at)}
	r.End.Byte, r.End.Column = r.End.Byte+1, r.End.Column+1
	return &Diagnostic{
		Summary: summary,
		Detail:  "A manifest is text in UTF-8. Save it again in that encoding; if it is a binary file, name another one.",
		Range:   &r,
	}
}

// positionOf finds line and column of a byte; columns count code points.
func positionOf(src []byte, at int) Position {
	line := bytes.Count(src[:at], []byte{'\n'}) + 1
	start := bytes.LastIndexByte(src[:at], '\n') + 1
	return Position{Line: line, Column: utf8.RuneCount(src[start:at]) + 1, Byte: at}
}

// guardTokens returns the first place where the tokens of the native syntax
// nest too deep for the parser or the evaluation, or nil.
func guardTokens(tokens hclsyntax.Tokens) *Diagnostic {
	levels := []guardLevel{{opener: hclsyntax.TokenOBrace}}
	for _, t := range tokens {
		top := &levels[len(levels)-1]
		switch t.Type {
		case hclsyntax.TokenTemplateControl:
			// A directive such as if nests what follows it at the same level.
			top.chain++
			levels = append(levels, guardLevel{opener: t.Type})
		case hclsyntax.TokenOBrack, hclsyntax.TokenTemplateInterp:
			top.chain++
			levels = append(levels, guardLevel{opener: t.Type})
		case hclsyntax.TokenOBrace, hclsyntax.TokenOParen, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc:
			levels = append(levels, guardLevel{opener: t.Type})
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen,
			hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
			if len(levels) > 1 {
				levels = levels[:len(levels)-1]
			}
		case hclsyntax.TokenComma:
			top.chain = 0
		case hclsyntax.TokenNewline:
			if top.opener == hclsyntax.TokenOBrace {
				top.chain = 0
			}
		case hclsyntax.TokenNumberLit:
			if len(t.Bytes) > maxNumber {
				return tooDeep(t.Range, "The number is too long", fmt.Sprintf("A number has at most %d characters.", maxNumber))
			}
		case hclsyntax.TokenStringLit, hclsyntax.TokenQuotedLit, hclsyntax.TokenIdent, hclsyntax.TokenComment:
		default:
			top.chain++
		}
		if len(levels) > maxDepth {
			return tooDeep(t.Range, "The manifest nests too deep", fmt.Sprintf("Brackets, braces and templates nest at most %d deep. Give the inner parts a name in a locals block.", maxDepth))
		}
		if top.chain > maxChain && top.opener != hclsyntax.TokenOQuote && top.opener != hclsyntax.TokenOHeredoc || top.chain > maxChain*20 {
			return tooDeep(t.Range, "The expression is too long", fmt.Sprintf("An expression has at most %d operators. Give its parts a name in a locals block.", maxChain))
		}
	}
	return nil
}

// guardLevel is one open bracket: what opened it, and how many operators came
// in it since the last thing that ends an expression.
type guardLevel struct {
	opener hclsyntax.TokenType
	chain  int
}

func tooDeep(r hcl.Range, summary, detail string) *Diagnostic {
	place := rangeOf(r)
	return &Diagnostic{Summary: summary, Detail: detail, Range: &place, order: orderSyntax}
}

// guardJSON does for the JSON syntax what guardTokens does for the native one,
// the templates in its strings included.
func guardJSON(src []byte, file string) *Diagnostic {
	depth := 0
	for i := 0; i < len(src); i++ {
		switch c := src[i]; {
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return jsonPlace(src, file, i, i+1, "The manifest nests too deep", fmt.Sprintf("Brackets and braces nest at most %d deep.", maxDepth))
			}
		case c == '}' || c == ']':
			depth--
		case c >= '0' && c <= '9':
			start := i
			for i+1 < len(src) && strings.IndexByte("0123456789.eE+-", src[i+1]) >= 0 {
				i++
			}
			if i+1-start > maxNumber {
				return jsonPlace(src, file, start, i+1, "The number is too long", fmt.Sprintf("A number has at most %d characters.", maxNumber))
			}
		case c == '"':
			start := i
			for i++; i < len(src) && src[i] != '"'; i++ {
				if src[i] == '\\' {
					i++
				}
			}
			end := min(i+1, len(src))
			if d := guardJSONString(src[start:end]); d != nil {
				return jsonPlace(src, file, start, end, d.Summary, d.Detail)
			}
		}
	}
	return nil
}

func guardJSONString(literal []byte) *Diagnostic {
	if !bytes.Contains(literal, []byte("${")) && !bytes.Contains(literal, []byte("%{")) && !bytes.Contains(literal, []byte(`\u`)) {
		return nil
	}
	var text string
	if json.Unmarshal(literal, &text) != nil {
		return nil // The parser says what is wrong with it.
	}
	tokens, _ := hclsyntax.LexTemplate([]byte(text), "", hcl.InitialPos)
	return guardTokens(tokens)
}

func jsonPlace(src []byte, file string, start, end int, summary, detail string) *Diagnostic {
	return &Diagnostic{
		Summary: summary, Detail: detail, order: orderSyntax,
		Range: &Range{File: file, Start: positionOf(src, start), End: positionOf(src, end)},
	}
}
