package manifest

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// syntaxWords says in the words of this project what the parsers say in
// theirs: by the summary, and by a piece of the detail where that is needed.
var syntaxWords = []struct {
	summary, inDetail     string
	newSummary, newDetail string
}{
	{"Invalid argument name", "", "A name in quotes", "The name of an attribute has no quotes. Write it without them."},
	{"Unclosed configuration block", "", "The block is not closed", "The closing brace } is missing. It may also be missing in a block inside this one."},
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
	{"Missing expression", "", "A value is missing", "The file ends where a value is wanted."},
	{"Invalid expression", "", "A value is wanted here", "Write a value, such as \"text\" in quotes, a number, true, [a list] or { a map }."},
	{"Invalid number literal", "", "Not a number", "Write the number in decimal digits, or put text in quotes."},
	{"Unbalanced parentheses", "", "A closing parenthesis is missing", "The expression has more ( than )."},
	{"Unterminated function call", "", "A closing parenthesis is missing", "The function's arguments end with )."},
	{"Missing argument separator", "", "A comma is missing", "The arguments of a function are separated by commas."},
	{"Unterminated tuple constructor expression", "", "The list is not closed", "The closing bracket ] is missing."},
	{"Missing item separator", "", "A comma is missing", "The items of a list are separated by commas."},
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
	{"Missing JSON value", "", "The file ends too early", "A JSON value is wanted, and the file ends."},
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
	}
	return d
}
