package parity

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// fileSchema is what stands at the top of a requests file.
var fileSchema = &hcl.BodySchema{
	Attributes: []hcl.AttributeSchema{
		{Name: "may_differ_headers"},
		{Name: "may_differ_json"},
		{Name: "may_differ_lines"},
	},
	Blocks: []hcl.BlockHeaderSchema{{Type: "request", LabelNames: []string{"name"}}},
}

func parseHCL(path string, src []byte) (*Suite, error) {
	file, diags := hclsyntax.ParseConfig(src, path, hcl.InitialPos)
	r := &hclReader{dir: filepath.Dir(path), diags: diags, context: &hcl.EvalContext{
		Functions: map[string]function.Function{
			"join":       stdlib.JoinFunc,
			"jsonencode": stdlib.JSONEncodeFunc,
			"range":      stdlib.RangeFunc,
		},
	}}
	suite := &Suite{Source: path}
	// A file that does not parse would make more errors than it has.
	if !diags.HasErrors() {
		r.file(file.Body, suite)
	}
	if r.diags.HasErrors() {
		slices.SortStableFunc(r.diags, func(a, b *hcl.Diagnostic) int { return line(a) - line(b) })
		return nil, &FileError{Diagnostics: r.diags, files: map[string]*hcl.File{path: file}}
	}
	return suite, nil
}

func line(d *hcl.Diagnostic) int {
	if d.Subject == nil {
		return 0
	}
	return d.Subject.Start.Line
}

// hclReader reads a file and collects all that is wrong with it.
type hclReader struct {
	dir     string
	context *hcl.EvalContext
	diags   hcl.Diagnostics
	// read is the size of all bodies so far, in bytes.
	read int
}

func (r *hclReader) file(body hcl.Body, suite *Suite) {
	content, diags := body.Content(fileSchema)
	r.diags = append(r.diags, diags...)
	suite.Ignore = r.ignore(content.Attributes)
	named := map[string]hcl.Range{}
	for _, block := range content.Blocks {
		request := r.request(block)
		if first, ok := named[request.Name]; ok {
			r.problem(block.LabelRanges[0], "Two requests of one name",
				fmt.Sprintf("The request %q is also at %s. Give each its own name, so that the report says which is meant.", request.Name, first))
		} else {
			named[request.Name] = block.DefRange
		}
		suite.Requests = append(suite.Requests, request)
	}
	if len(content.Blocks) == 0 && !r.diags.HasErrors() {
		r.problem(body.MissingItemRange(), "No requests", `Add at least one: request "home" { path = "/" }`)
	}
}

// problem notes what is wrong, once a place.
func (r *hclReader) problem(at hcl.Range, summary, detail string) {
	for _, d := range r.diags {
		if d.Subject != nil && d.Subject.Start == at.Start && d.Detail == detail {
			return
		}
	}
	r.diags = append(r.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: &at})
}

// ignore reads the three attributes that a file and a request have alike.
func (r *hclReader) ignore(attributes hcl.Attributes) Ignore {
	var ignore Ignore
	for _, s := range r.stringList(attributes["may_differ_headers"]) {
		if !validToken(s.text, "") {
			r.problem(s.at, "Not a header", fmt.Sprintf("%q is no header name. A name may end in *.", s.text))
		}
		ignore.Headers = append(ignore.Headers, s.text)
	}
	for _, s := range r.stringList(attributes["may_differ_json"]) {
		path, err := ParseJSONPath(s.text)
		if err != nil {
			r.problem(s.at, "Not a JSON path", sentence(err))
		}
		ignore.JSON = append(ignore.JSON, path)
	}
	for _, s := range r.stringList(attributes["may_differ_lines"]) {
		if s.text == "" {
			r.problem(s.at, "Empty prefix", "An empty prefix would leave out every line.")
		}
		ignore.Lines = append(ignore.Lines, s.text)
	}
	return ignore
}

// sentence makes an error a sentence for a diagnostic's detail.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// text is a string of the file and where it stands.
type text struct {
	text string
	at   hcl.Range
}

// value evaluates an expression to the wanted type. It reports what is wrong.
func (r *hclReader) value(e hcl.Expression, want cty.Type) (cty.Value, bool) {
	v, diags := e.Value(r.context)
	r.diags = append(r.diags, diags...)
	if diags.HasErrors() {
		return v, false
	}
	v, err := convert.Convert(v, want)
	switch {
	case err != nil:
		r.problem(e.Range(), "Wrong type", fmt.Sprintf("A %s is needed here: %s.", want.FriendlyName(), err))
	case v.IsNull():
		r.problem(e.Range(), "No value", "null says nothing here: leave the attribute out.")
	case !v.IsWhollyKnown() || v.IsMarked():
		r.problem(e.Range(), "No value", "The value cannot be known before the requests are sent.")
	default:
		return v, true
	}
	return v, false
}

func (r *hclReader) string(a *hcl.Attribute) (string, bool) {
	if a == nil {
		return "", false
	}
	v, ok := r.value(a.Expr, cty.String)
	if !ok {
		return "", false
	}
	return v.AsString(), true
}

func (r *hclReader) bool(a *hcl.Attribute) bool {
	if a == nil {
		return false
	}
	v, ok := r.value(a.Expr, cty.Bool)
	return ok && v.True()
}

// int reads a whole number within the bounds, or returns the fallback.
func (r *hclReader) int(a *hcl.Attribute, least, most, fallback int64) int64 {
	if a == nil {
		return fallback
	}
	v, ok := r.value(a.Expr, cty.Number)
	if !ok {
		return fallback
	}
	n, accuracy := v.AsBigFloat().Int64()
	if accuracy != 0 || n < least || n > most {
		r.problem(a.Expr.Range(), "Number out of range", fmt.Sprintf("%s is a whole number from %d to %d.", a.Name, least, most))
		return fallback
	}
	return n
}

// stringList reads a list of strings, or one string for a list of one.
func (r *hclReader) stringList(a *hcl.Attribute) []text {
	if a == nil {
		return nil
	}
	return r.strings(a.Expr)
}

func (r *hclReader) strings(e hcl.Expression) []text {
	if tuple, ok := e.(*hclsyntax.TupleConsExpr); ok {
		var all []text
		for _, item := range tuple.Exprs {
			if v, ok := r.value(item, cty.String); ok {
				all = append(all, text{v.AsString(), item.Range()})
			}
		}
		return all
	}
	v, diags := e.Value(r.context)
	if !diags.HasErrors() && v.Type().IsPrimitiveType() {
		if v, ok := r.value(e, cty.String); ok {
			return []text{{v.AsString(), e.Range()}}
		}
		return nil
	}
	if _, err := convert.Convert(v, cty.List(cty.String)); err != nil && !diags.HasErrors() {
		r.problem(e.Range(), "Wrong type", "Write a string or a list of strings.")
		return nil
	}
	list, ok := r.value(e, cty.List(cty.String))
	if !ok {
		return nil
	}
	var all []text
	for _, item := range list.AsValueSlice() {
		if item.IsNull() {
			r.problem(e.Range(), "No value", "An element of the list is null.")
			continue
		}
		all = append(all, text{item.AsString(), e.Range()})
	}
	return all
}

// pair is an entry of an object whose values are strings or lists of strings.
type pair struct {
	name   text
	values []text
}

// pairs reads an object in the order in which it is written.
func (r *hclReader) pairs(a *hcl.Attribute) []pair {
	if a == nil {
		return nil
	}
	items, diags := hcl.ExprMap(a.Expr)
	if diags.HasErrors() {
		r.problem(a.Expr.Range(), "Not an object", fmt.Sprintf(`Write %s = { "Name" = "value" }.`, a.Name))
		return nil
	}
	var all []pair
	for _, item := range items {
		if name, ok := r.value(item.Key, cty.String); ok {
			all = append(all, pair{text{name.AsString(), item.Key.Range()}, r.strings(item.Value)})
		}
	}
	return all
}
