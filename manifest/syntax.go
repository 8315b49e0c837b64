package manifest

import (
	"bytes"
	"fmt"
	"regexp"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

const summaryUnclosed = "The block is not closed"

// syntaxWords says in the words of this project what the parsers say in
// theirs: by the summary, and by a piece of the detail where that is needed.
var syntaxWords = []struct {
	summary, inDetail     string
	newSummary, newDetail string
}{
	{"Invalid argument name", "", "A name in quotes", "The name of an attribute has no quotes. Write it without them."},
	{"Unclosed configuration block", "", summaryUnclosed, "The closing brace } is missing. It may also be missing in a block inside this one."},
	{"Argument or block definition required", "equals sign", "An equals sign or a block is missing", "Write name = value to set an attribute, or name { ... } for a block."},
	{"Argument or block definition required", "", "An attribute or a block is wanted here", "Write name = value to set an attribute, or name { ... } for a block. A bracket too many before this line is a common cause."},
	{"Argument definition required", "", "A block in one line holds one attribute", "Put each attribute or block on a line of its own."},
	{"Invalid block definition", "equals sign", "A block has no equals sign", "Write name \"label\" { ... } without an equals sign."},
	{"Invalid block definition", "delimited by", "The opening brace is missing", "A block's content stands between { and }. The { stands on the line of the block's name."},
	{"Invalid block definition", "", "A label in quotes or { is wanted here", "A block is written name \"label\" { ... }."},
	{"Invalid single-argument block definition", "include only one", "A block in one line holds one attribute", "Put each attribute on a line of its own:\n\n    health {\n      path  = \"/healthz\"\n      start = \"10s\"\n    }"},
	{"Invalid single-argument block definition", "", "The block has to end on this line", "Put the closing brace on the same line, or each attribute on a line of its own."},
	{"Missing newline after block definition", "", "Something stands behind the closing brace", "A block ends with its line. Put what follows on the next line."},
	{"Missing newline after argument", "", "Something stands behind the value", "An attribute ends with its line. If the value is text, put it in quotes; otherwise put what follows on the next line."},
	{"Missing false expression in conditional", "", "A condition without its second result", "Write condition ? result : other result."},
	{"Unexpected comma after argument", "", "A comma behind the value", "Attributes end with their line; there is no comma between them. Commas separate the items of lists and maps."},
	{"Missing expression", "", "A value is missing", "The file ends where a value is wanted."},
	{"Invalid expression", "", "A value is wanted here", "Write a value: text in double quotes, a number, true or false, a list in [ ] or a map in { }."},
	{"Invalid string literal", "Template sequences", "A label cannot be computed", "The labels of blocks are text as it is, without ${ }. Several alike services come from for_each."},
	{"Invalid number literal", "", "Not a number", "Write the number in decimal digits, or put text in quotes."},
	{"Unbalanced parentheses", "", "A closing parenthesis is missing", "The expression has more ( than )."},
	{"Unterminated function call", "", "A closing parenthesis is missing", "The function's arguments end with )."},
	{"Missing argument separator", "", "A comma is missing", "The arguments of a function are separated by commas."},
	{"Unterminated tuple constructor expression", "", "The list is not closed", "The closing bracket ] is missing."},
	{"Missing item separator", "", "A comma or a closing bracket is missing", "The items of a list are separated by commas, and the list ends with ]."},
	{"Unterminated object constructor expression", "", "The map is not closed", "The closing brace } is missing."},
	{"Missing key/value separator", "", "An equals sign is missing", "Write name = value. A name with dots or spaces in it stands in quotes."},
	{"Missing attribute value", "", "A value is missing", "Write name = value."},
	{"Missing attribute separator", "", "A comma or a new line is missing", "The items of a map are separated by commas or stand on lines of their own."},
	{"Unterminated string literal", "", "The text is not closed", "The closing quote \" is missing."},
	{"Unterminated template string", "", "The text is not closed", "The closing quote \" is missing."},
	{"Invalid multi-line string", "", "A line break in quoted text", "The closing quote \" is missing, or the text is meant to have several lines. Write \\n for a line break, or use <<EOT and a line EOT at its end."},
	{"Invalid character encoding", "", "The manifest is not UTF-8", "Save it again in that encoding."},
	{"Invalid character", "Single quotes", "Single quotes", "Text stands in double quotes: \"text\"."},
	{"Invalid character", "Curly quotes", "Curly quotes", "Text stands in straight double quotes: \"text\". Word processors and chats turn them into curly ones."},
	{"Invalid character", "\";\"", "A semicolon", "Attributes end with their line; there is no semicolon."},
	{"Unclosed template interpolation sequence", "", "The ${ is not closed", "The closing brace } is missing. To write ${ as it is, double the dollar sign: $${"},
	{"Trailing comma in object", "", "A comma too many", "JSON has no comma behind the last member of an object."},
	{"Trailing comma in array", "", "A comma too many", "JSON has no comma behind the last item of an array."},
	{"Missing attribute seperator comma", "", "A comma is missing", "JSON separates members and items by commas."},
	{"Missing property value colon", "", "A colon is missing", "JSON writes \"name\": value."},
	{"Unclosed object", "", "The object is not closed", "The closing brace } is missing."},
	{"Missing value", "", "The file ends too early", "A JSON value is wanted, and the file ends."},
	{"Missing JSON value", "", "The file ends too early", "A JSON value is wanted, and the file ends."},
}

// plainSyntaxWords reports whether a detail is one of the above, which hold
// nothing of the text that they speak of.
func plainSyntaxWords(detail string) bool {
	for _, w := range syntaxWords {
		if w.newDetail == detail {
			return true
		}
	}
	return false
}

// lexical are the summaries about single characters. They explain what the
// parser finds wrong on the same line.
var lexical = []string{"Invalid character", "Unsupported operator", "Invalid multi-line string", "Invalid character encoding"}

// addSyntax adds the problems of a parser: one a line, since the others are
// mostly its consequences, and none behind text that does not end. It returns
// the byte where the first is, or -1.
func (d *Diagnostics) addSyntax(problems hcl.Diagnostics, src []byte) int {
	sort.SliceStable(problems, func(i, j int) bool {
		a, b := problems[i], problems[j]
		if a.Subject.Start.Line != b.Subject.Start.Line {
			return a.Subject.Start.Line < b.Subject.Start.Line
		}
		if x, y := contains(lexical, a.Summary), contains(lexical, b.Summary); x != y {
			return x
		}
		return a.Subject.Start.Byte < b.Subject.Start.Byte
	})
	first, line := -1, 0
	for _, problem := range problems {
		if problem.Subject.Start.Line == line {
			continue
		}
		line = problem.Subject.Start.Line
		if first < 0 {
			first = problem.Subject.Start.Byte
		}
		d.add(syntaxError(problem, src))
		if problem.Summary == "Invalid multi-line string" {
			break
		}
	}
	return first
}

// syntaxError turns a diagnostic of the parsers into ours.
func syntaxError(problem *hcl.Diagnostic, src []byte) Diagnostic {
	d := Diagnostic{Severity: SeverityError, Summary: problem.Summary, Detail: problem.Detail, order: orderSyntax}
	for _, w := range syntaxWords {
		if w.summary == problem.Summary && strings.Contains(problem.Detail, w.inDetail) {
			d.Summary, d.Detail = w.newSummary, w.newDetail
			break
		}
	}
	if problem.Subject != nil {
		place := rangeOf(*problem.Subject)
		d.Range = &place
		if !isJSONName(problem.Subject.Filename) {
			d.sharpen(problem, src)
		}
	}
	return d
}

var (
	digitsBefore = regexp.MustCompile(`[0-9][0-9.]*$`)
	wordAfter    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*`)
	colonAfter   = regexp.MustCompile(`^[ \t]*:`)
	twoEquals    = regexp.MustCompile(`^[ \t]*==`)
	heredoc      = regexp.MustCompile(`<<-?([A-Za-z_][A-Za-z0-9_-]*)[ \t]*\r?\n`)
	nameAndValue = regexp.MustCompile(`^[ \t]*([A-Za-z_]+)[ \t]+("[^"]*")`)
)

// sharpen points a syntax error to the text that a person has to change, and
// recognizes the most common slips.
func (d *Diagnostic) sharpen(problem *hcl.Diagnostic, src []byte) {
	start, end := clampRange(src, *d.Range)
	if len(src) == 0 {
		return
	}
	from := lineStart(src, start)
	switch problem.Summary {
	case "Missing newline after argument":
		d.unquoted(src)
	case "Invalid argument name":
		if quote := bytes.IndexAny(src[min(start+1, len(src)):], "\"\n"); quote >= 0 {
			d.Range.End.Byte += quote
			d.Range.End.Column += utf8.RuneCount(src[start+1 : start+1+quote])
			if src[start+1+quote] == '"' {
				d.Range.End.Byte++
				d.Range.End.Column++
			}
		}
	case "Invalid multi-line string":
		if quote := bytes.LastIndexByte(src[from:start], '"'); quote >= 0 {
			d.Range.End = d.Range.Start
			d.move(src, from+quote)
		}
	case "Argument or block definition required":
		if colonAfter.Match(src[end:]) {
			d.Summary = "A colon instead of an equals sign"
			d.Detail = fmt.Sprintf("Write %s = value.", src[start:end])
		} else if twoEquals.Match(src[end:]) {
			d.Summary = "Two equals signs"
			d.Detail = fmt.Sprintf("Write %s = value.", src[start:end])
		}
	case "Unterminated template string":
		if all := heredoc.FindAllSubmatchIndex(src[:start], -1); len(all) > 0 {
			m := all[len(all)-1]
			d.Detail = fmt.Sprintf("A line with only %s ends it.", src[m[2]:m[3]])
			d.Range.Start, d.Range.End = positionOf(src, m[0]), positionOf(src, m[3])
		}
	case "Invalid block definition":
		if m := nameAndValue.FindSubmatch(src[from:start]); m != nil && strings.Contains(problem.Detail, "delimited by") && isAttributeSomewhere(string(m[1])) {
			d.Summary = "An equals sign is missing"
			d.Detail = fmt.Sprintf("Write %s = %s", m[1], m[2])
		}
	}
	// A comment or the end of a line is only where something was missed.
	if text := src[start:end]; bytes.HasPrefix(text, []byte("#")) || bytes.HasPrefix(text, []byte("//")) || bytes.HasPrefix(text, []byte("/*")) || bytes.HasPrefix(text, []byte("\n")) {
		if d.Range.Start.Byte == start && start > from {
			d.move(src, from+len(bytes.TrimRight(src[from:start], " \t\r")))
			d.Range.End = d.Range.Start
		}
	}
}

// move lets the range start at an earlier byte of the same line.
func (d *Diagnostic) move(src []byte, at int) {
	d.Range.Start.Column = max(d.Range.Start.Column-utf8.RuneCount(src[at:d.Range.Start.Byte]), 1)
	d.Range.Start.Byte = at
}

func isAttributeSomewhere(name string) bool {
	for _, t := range []*blockType{&language, serviceBlock, healthBlock, scaleBlock, variableBlock, buildBlock} {
		if _, ok := t.attribute(name); ok {
			return true
		}
	}
	return false
}

// unquoted recognizes a number with a unit and without quotes, such as 512Mi,
// where the parser sees a number and then something else.
func (d *Diagnostic) unquoted(src []byte) {
	at := min(d.Range.Start.Byte, len(src))
	number := digitsBefore.Find(src[max(0, at-30):at])
	word := wordAfter.Find(src[at:min(len(src), at+30)])
	if len(number) == 0 || len(word) == 0 {
		return
	}
	d.Summary = "Quotes are missing"
	d.Detail = fmt.Sprintf("A value with a unit is text. Did you mean \"%s%s\"?", number, word)
	d.Range.End = d.Range.Start
	d.Range.End.Byte += len(word)
	d.Range.End.Column += len(word)
	d.move(src, at-len(number))
}
