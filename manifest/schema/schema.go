// Package schema describes the blocks of a manifest as data.
//
// A builder or a target declares the attributes that it takes as a Block; the
// manifest reads them, checks their types, and hands them back as Values. That
// is why neither a builder nor a target has to know HCL: they name attributes,
// and the manifest maps a name back to the line it came from.
//
// The package imports nothing but the standard library.
package schema

import (
	"fmt"
	"sort"
)

// Type is the type of an attribute's value.
type Type string

// The types an attribute can have.
const (
	String    Type = "string"
	Bool      Type = "bool"
	Int       Type = "number"
	Strings   Type = "list(string)"
	StringMap Type = "map(string)"
	// File is the path of a file or a folder. Its value is a string: an absolute path,
	// for a relative one begins in the manifest's folder, and ~/ is the user's home.
	File Type = "file"
)

// Attribute is one attribute of a block.
type Attribute struct {
	Name     string `json:"name"`
	Type     Type   `json:"type"`
	Required bool   `json:"required,omitempty"`
	// Default is what the block's owner uses when the attribute is missing, in
	// words, for the reference. It is documentation: owners apply it themselves.
	Default string `json:"default,omitempty"`
	// Doc is one or more sentences for the manifest reference.
	Doc string `json:"doc,omitempty"`
	// Example is a value in HCL syntax.
	Example string `json:"example,omitempty"`
	// Deprecated, when set, names the attribute to use instead.
	Deprecated string `json:"deprecated,omitempty"`
	// Choices are the allowed values of a string, or none for any.
	Choices []string `json:"choices,omitempty"`
}

// Block is what the owner of a labelled block, such as build "go", takes.
type Block struct {
	// Label is the block's first label: the builder's or target's name.
	Label string
	// Doc is one sentence for the manifest reference.
	Doc        string
	Attributes []Attribute
}

// Attribute returns the attribute of that name.
func (b Block) Attribute(name string) (Attribute, bool) {
	for _, a := range b.Attributes {
		if a.Name == name {
			return a, true
		}
	}
	return Attribute{}, false
}

// Names returns the names of the attributes, sorted.
func (b Block) Names() []string {
	names := make([]string, 0, len(b.Attributes))
	for _, a := range b.Attributes {
		names = append(names, a.Name)
	}
	sort.Strings(names)
	return names
}

// Values are the attributes that a manifest sets in a block, by name. The
// dynamic type of a value follows its attribute's Type: string (also of a File), bool,
// int64, []string, map[string]string. An attribute that is not set is not a key.
type Values map[string]any

// String returns the value of a String or File attribute, or "" if it is not set.
func (v Values) String(name string) string { s, _ := v[name].(string); return s }

// Bool returns the value of a Bool attribute, or false if it is not set.
func (v Values) Bool(name string) bool { b, _ := v[name].(bool); return b }

// Int returns the value of an Int attribute, or 0 if it is not set.
func (v Values) Int(name string) int64 { i, _ := v[name].(int64); return i }

// Strings returns the value of a Strings attribute, or nil if it is not set.
func (v Values) Strings(name string) []string { s, _ := v[name].([]string); return s }

// StringMap returns the value of a StringMap attribute, or nil if it is not set.
func (v Values) StringMap(name string) map[string]string {
	m, _ := v[name].(map[string]string)
	return m
}

// Has reports whether the manifest sets the attribute.
func (v Values) Has(name string) bool { _, ok := v[name]; return ok }

// Error is a problem with the value of one attribute, found by the block's owner
// after the manifest had been read. The manifest turns Attribute into a line.
type Error struct {
	// Attribute is the name of the attribute, or "" for the block as a whole.
	Attribute string
	// Summary is a few words without a full stop; Detail says what to do.
	Summary, Detail string
}

func (e *Error) Error() string {
	if e.Attribute == "" {
		return fmt.Sprintf("%s: %s", e.Summary, e.Detail)
	}
	return fmt.Sprintf("%s: %s: %s", e.Attribute, e.Summary, e.Detail)
}
