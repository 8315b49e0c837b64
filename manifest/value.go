package manifest

import (
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// The methods of this file read an attribute as a Go value. Each takes a
// missing attribute, and one whose value is null, as one that is not set, and
// returns false for it. Each reports what does not fit.

// value evaluates an attribute. It returns false for null as well.
func (l *loader) value(a *attribute) (cty.Value, bool) {
	if a == nil {
		return cty.NilVal, false
	}
	v, ok := l.eval(a.expr, l.functions)
	if !ok || v.IsNull() {
		return cty.NilVal, false
	}
	return v, true
}

// required reports the attributes that a block needs and that are null.
func (l *loader) required(n *node) {
	for _, a := range n.kind.attrs {
		if attr := n.attr(a.Name); a.Required && attr != nil && l.isNull(attr) {
			l.invalid(attr, attr.place(), "It is null, and a value is needed here."+n.kind.exampleOf(a.Name))
		}
	}
}

// isNull reports whether an attribute has the value null, and so counts as not
// set.
func (l *loader) isNull(a *attribute) bool {
	if _, written := a.expr.(*hclsyntax.ObjectConsExpr); written {
		return false
	}
	if isNullLiteral(a) {
		return true
	}
	v, ok := l.evalAny(a.expr, l.functions)
	return ok && v.IsKnown() && v.IsNull()
}

func (l *loader) wrongType(a *attribute, at hcl.Range, wanted string, v cty.Value) {
	l.report(Diagnostic{
		Summary: fmt.Sprintf("%q has to be %s", a.name, wanted),
		Detail:  fmt.Sprintf("It is %s.%s", describe(v), l.exampleOf(a)),
	}, at)
}

// exampleOf returns a sentence with a leading space, or "".
func (l *loader) exampleOf(a *attribute) string {
	for _, t := range []*blockType{l.reading, &language, serviceBlock, healthBlock, scaleBlock, buildBlock, scheduleBlock, queueBlock, objectBlock, volumeBlock, hookBlock, secretBlock, variableBlock} {
		if t == nil {
			continue
		}
		if _, ok := t.attribute(a.name); ok {
			return t.exampleOf(a.name)
		}
	}
	return ""
}

func (l *loader) invalid(a *attribute, at hcl.Range, detail string) {
	l.report(Diagnostic{Summary: fmt.Sprintf("Invalid value for %q", a.name), Detail: detail}, at)
}

// string reads text. Numbers are text as well: version = 3 means "3".
func (l *loader) string(a *attribute) (string, bool) {
	v, ok := l.value(a)
	if !ok {
		return "", false
	}
	s, ok := textOf(v)
	if !ok || v.Type() == cty.Bool {
		l.wrongType(a, a.place(), "a string", v)
		return "", false
	}
	return s, true
}

// textOf turns a string, number or bool into text.
func textOf(v cty.Value) (string, bool) {
	if v.IsMarked() || v.IsNull() || !v.IsKnown() || !v.Type().IsPrimitiveType() {
		return "", false
	}
	s, err := convert.Convert(v, cty.String)
	if err != nil {
		return "", false
	}
	return s.AsString(), true
}

// integer reads a whole number.
func (l *loader) integer(a *attribute) (int64, bool) {
	v, ok := l.value(a)
	if !ok {
		return 0, false
	}
	if v.Type() != cty.Number && v.Type() != cty.String {
		l.wrongType(a, a.place(), "a whole number", v)
		return 0, false
	}
	n, err := convert.Convert(v, cty.Number)
	if err != nil {
		l.wrongType(a, a.place(), "a whole number", v)
		return 0, false
	}
	i, accuracy := n.AsBigFloat().Int64()
	if accuracy != big.Exact {
		l.wrongType(a, a.place(), "a whole number", v)
		return 0, false
	}
	return i, true
}

// bounded reads a whole number within limits.
func (l *loader) bounded(a *attribute, lowest, highest int64) (int, bool) {
	i, ok := l.integer(a)
	if !ok {
		return 0, false
	}
	if i < lowest || i > highest {
		l.invalid(a, a.place(), fmt.Sprintf("It is %d, and has to be from %d to %d.", i, lowest, highest))
		return 0, false
	}
	return int(i), true
}

func (l *loader) bool(a *attribute) (bool, bool) {
	v, ok := l.value(a)
	if !ok {
		return false, false
	}
	b, err := convert.Convert(v, cty.Bool)
	if err != nil {
		l.wrongType(a, a.place(), "true or false", v)
		return false, false
	}
	return b.True(), true
}

// choice reads one of a few words.
func (l *loader) choice(a *attribute, choices []string) (string, bool) {
	s, ok := l.string(a)
	if !ok {
		return "", false
	}
	if !contains(choices, s) {
		l.invalid(a, a.place(), fmt.Sprintf("There is no %q. %s", s, helpChoice(s, choices)))
		return "", false
	}
	return s, true
}

// choices reads a list of some of a few words.
func (l *loader) choices(a *attribute, choices []string) ([]string, bool) {
	words, ok := l.strings(a)
	if !ok {
		return nil, false
	}
	if len(words) == 0 {
		l.invalid(a, a.place(), "The list is empty. "+list("The choices are", choices))
		return nil, false
	}
	for i, word := range words {
		if !contains(choices, word) {
			l.invalid(a, itemRange(a, i), fmt.Sprintf("There is no %q. %s", word, helpChoice(word, choices)))
			ok = false
		}
	}
	return words, ok
}

// strings reads a list of strings.
func (l *loader) strings(a *attribute) ([]string, bool) {
	v, ok := l.value(a)
	if !ok {
		return nil, false
	}
	t := v.Type()
	if !t.IsListType() && !t.IsSetType() && !t.IsTupleType() {
		wanted := "a list of strings"
		if s, ok := textOf(v); ok && len(s) < 40 {
			l.report(Diagnostic{
				Summary: fmt.Sprintf("%q has to be %s", a.name, wanted),
				Detail:  fmt.Sprintf("It is %s. Put it into brackets: %s = %s", describe(v), a.name, asList(s)),
			}, a.place())
			return nil, false
		}
		l.wrongType(a, a.place(), wanted, v)
		return nil, false
	}
	list := []string{}
	i := 0
	for it := v.ElementIterator(); it.Next(); i++ {
		_, element := it.Element()
		s, ok := textOf(element)
		if !ok || element.Type() == cty.Bool {
			l.report(Diagnostic{
				Summary: fmt.Sprintf("%q has to be a list of strings", a.name),
				Detail:  fmt.Sprintf("Item %d is %s.", i+1, describe(element)),
			}, itemRange(a, i))
			return nil, false
		}
		list = append(list, s)
	}
	return list, true
}

// asList writes text as a list: a command word by word, or with the shell that it
// needs.
func asList(text string) string {
	words := []string{text}
	if strings.ContainsAny(text, "&|;<>$`*") {
		words = []string{"sh", "-c", text}
	} else if strings.Contains(text, " ") {
		words = strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' })
	}
	for i, word := range words {
		words[i] = fmt.Sprintf("%q", word)
	}
	return "[" + strings.Join(words, ", ") + "]"
}

// helpChoice suggests one of a few words, also for the words of other tools.
func helpChoice(given string, choices []string) string {
	plain := strings.ToLower(given)
	for _, w := range foreignChoices {
		if strings.Contains(plain, w.part) && contains(choices, w.choice) {
			return fmt.Sprintf("Did you mean %q?", w.choice)
		}
	}
	return didYouMean(given, choices, "The choices are")
}

// foreignChoices are pieces of what other tools write for our choices.
var foreignChoices = []struct{ part, choice string }{
	{"delete", "removed"}, {"remove", "removed"}, {"create", "created"}, {"put", "created"}, {"upload", "created"},
	{"pre", "before"}, {"post", "after"}, {"local", "machine"}, {"host", "machine"}, {"container", "release"}, {"image", "release"},
	{"all", "whole"}, {"batch", "whole"}, {"single", "each"}, {"one", "each"}, {"amd64", "x86_64"}, {"aarch64", "arm64"},
}

func (l *loader) duration(a *attribute) (time.Duration, bool) {
	s, ok := l.unit(a, "a duration", durationWanted)
	if !ok {
		return 0, false
	}
	d, problem := parseDuration(s)
	if problem != "" {
		l.invalid(a, a.place(), problem)
	}
	return d, problem == ""
}

func (l *loader) cpu(a *attribute) (int64, bool) {
	s, ok := l.unit(a, "an amount of CPU", cpuWanted)
	if !ok {
		return 0, false
	}
	millis, problem := parseCPU(s)
	if problem != "" {
		l.invalid(a, a.place(), problem)
	}
	return millis, problem == ""
}

func (l *loader) memory(a *attribute) (int64, bool) {
	s, ok := l.unit(a, "an amount of memory", memoryWanted)
	if !ok {
		return 0, false
	}
	bytes, problem := parseMemory(s)
	if problem != "" {
		l.invalid(a, a.place(), problem)
	}
	return bytes, problem == ""
}

// unit reads the text of a number with a unit.
func (l *loader) unit(a *attribute, what, wanted string) (string, bool) {
	v, ok := l.value(a)
	if !ok {
		return "", false
	}
	s, ok := textOf(v)
	if !ok || v.Type() == cty.Bool {
		l.report(Diagnostic{
			Summary: fmt.Sprintf("%q has to be %s", a.name, what),
			Detail:  fmt.Sprintf("It is %s. %s", describe(v), wanted),
		}, a.place())
		return "", false
	}
	return s, true
}

// setting reads an attribute of a builder's block into its Go type.
func (l *loader) setting(a *attribute, kind schema.Attribute) (any, bool) {
	switch kind.Type {
	case schema.String:
		if len(kind.Choices) > 0 {
			return noted(l.choice(a, kind.Choices))
		}
		return noted(l.string(a))
	case schema.Bool:
		return noted(l.bool(a))
	case schema.Int:
		return noted(l.integer(a))
	case schema.Strings:
		return noted(l.strings(a))
	case schema.StringMap:
		return noted(l.stringMap(a))
	case schema.File:
		return noted(l.file(a))
	}
	l.report(Diagnostic{
		Summary: fmt.Sprintf("The attribute %q cannot be read", a.name),
		Detail:  fmt.Sprintf("Its builder declares the type %q, which this version does not know. This is a bug in twofold; please report it.", kind.Type),
	}, a.nameRange)
	return nil, false
}

// file reads the path of a file or a folder, and returns it as an absolute one.
func (l *loader) file(a *attribute) (string, bool) {
	path, ok := l.string(a)
	if !ok {
		return "", false
	}
	if path == "" {
		l.invalid(a, a.place(), "A path has at least one character.")
		return "", false
	}
	if rest, home := strings.CutPrefix(path, "~/"); home {
		dir, err := os.UserHomeDir()
		if err != nil {
			l.invalid(a, a.place(), fmt.Sprintf("~ is the home of a user, and there is none: %v. Write the path in full.", err))
			return "", false
		}
		path = filepath.Join(dir, rest)
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(l.files.dir, path)
	}
	return filepath.Clean(path), true
}

func noted[T any](v T, ok bool) (any, bool) { return v, ok }

// itemRange is where item i of a list is written, as tight as the text allows.
func itemRange(a *attribute, i int) hcl.Range {
	if tuple, ok := a.expr.(*hclsyntax.TupleConsExpr); ok && i < len(tuple.Exprs) {
		return tuple.Exprs[i].Range()
	}
	return a.place()
}

// describe says in a few words what a value is.
func describe(v cty.Value) string {
	if v.IsMarked() {
		return "a sensitive value"
	}
	if v.IsNull() {
		return "null"
	}
	t := v.Type()
	switch {
	case !v.IsKnown():
		return "not known yet"
	case t == cty.String:
		s := v.AsString()
		if s == "" {
			return "an empty string"
		}
		if utf8.RuneCountInString(s) > 40 {
			s = string([]rune(s)[:40]) + "..."
		}
		return fmt.Sprintf("the string %q", s)
	case t == cty.Number:
		s, _ := textOf(v)
		if len(s) > 40 {
			s = s[:40] + "..."
		}
		return "the number " + s
	case t == cty.Bool:
		return "the bool " + fmt.Sprint(v.True())
	case t.IsTupleType() || t.IsListType() || t.IsSetType():
		return "a list"
	}
	return "a map"
}

// conversionProblem turns an error of the conversion into a sentence.
func conversionProblem(err error) string { return sentence(err.Error()) }

// sentence begins with a capital and ends with a full stop.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(text[size:], ".") + "."
}
