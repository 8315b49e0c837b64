package parity

import (
	"errors"
	"fmt"
	"strings"
)

// Place is where two answers can differ. Its text forms are:
//
//	answer            the whole answer
//	status            the status code
//	header:NAME       a header; NAME may end in "*"
//	trailer:NAME      a trailer; NAME may end in "*"
//	body              the body
//	json:PATH         a value in a JSON body, see JSONPath
//	line:PREFIX       the lines of a text body that begin so
//	redirects         the redirects that were followed
//	informational     the 1xx answers that came before
type Place struct {
	kind string
	name string // of a header or trailer, or the prefix of a line
	path JSONPath
}

// The kinds of a Place.
const (
	inAnswer        = "answer"
	inStatus        = "status"
	inHeader        = "header"
	inTrailer       = "trailer"
	inBody          = "body"
	inJSON          = "json"
	inLine          = "line"
	inRedirects     = "redirects"
	inInformational = "informational"
)

// ParsePlace reads the text form of a Place.
func ParsePlace(s string) (Place, error) {
	kind, name, named := strings.Cut(s, ":")
	switch kind {
	case inAnswer, inStatus, inBody, inRedirects, inInformational:
		if named {
			return Place{}, fmt.Errorf("%q takes no name: write %q", kind, kind)
		}
		return Place{kind: kind}, nil
	case inHeader, inTrailer, inLine:
		if name == "" {
			return Place{}, fmt.Errorf("%q needs a name: write \"%s:NAME\"", kind, kind)
		}
		return Place{kind: kind, name: name}, nil
	case inJSON:
		path, err := ParseJSONPath(name)
		if err != nil {
			return Place{}, err
		}
		return Place{kind: inJSON, path: path}, nil
	}
	return Place{}, errors.New(`it is none of "answer", "status", "header:NAME", "trailer:NAME", "body", ` +
		`"json:PATH", "line:PREFIX", "redirects", "informational"`)
}

func (p Place) String() string {
	switch p.kind {
	case inHeader, inTrailer, inLine:
		return p.kind + ":" + p.name
	case inJSON:
		return "json:" + p.path.String()
	}
	return p.kind
}

// MarshalText makes a Place its text form in JSON.
func (p Place) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the text form.
func (p *Place) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePlace(string(text))
	return err
}

// covers reports whether a difference at place d is one at p, or within it.
func (p Place) covers(d Place) bool {
	switch p.kind {
	case inAnswer:
		return true
	case inBody:
		return d.kind == inBody || d.kind == inJSON || d.kind == inLine
	case inHeader, inTrailer:
		return d.kind == p.kind && nameMatches(p.name, d.name)
	case inJSON:
		return d.kind == inJSON && p.path.covers(d.path)
	}
	return p.kind == d.kind && p.name == d.name
}

// nameMatches compares header names, whose case has no meaning. A pattern may
// end in "*".
func nameMatches(pattern, name string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix)
	}
	return strings.EqualFold(pattern, name)
}

func anyNameMatches(patterns []string, name string) bool {
	for _, p := range patterns {
		if nameMatches(p, name) {
			return true
		}
	}
	return false
}
