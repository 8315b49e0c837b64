// Package pattern matches paths the way .gitignore does, without its negation.
//
// A pattern without a slash, or with one at its end only, matches at any depth;
// any other is relative to the root. An asterisk and a question mark match within
// one part of a path, two asterisks match any number of parts, and a slash at the
// end lets it match folders only. A folder that matches takes its content along.
package pattern

import (
	"fmt"
	"path"
	"strings"
)

// List is a list of patterns that match together.
type List []rule

type rule struct {
	parts  []string
	folder bool // folders only
}

// Parse reads patterns.
func Parse(patterns []string) (List, error) {
	var l List
	for _, p := range patterns {
		r, err := parse(p)
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", p, err)
		}
		l = append(l, r)
	}
	return l, nil
}

func parse(p string) (rule, error) {
	switch {
	case strings.Trim(p, "/") == "":
		return rule{}, fmt.Errorf("it is empty")
	case strings.HasPrefix(p, "!"):
		return rule{}, fmt.Errorf("a pattern cannot take back another one")
	}
	r := rule{folder: strings.HasSuffix(p, "/")}
	trimmed := strings.TrimSuffix(p, "/")
	trimmed = strings.TrimPrefix(trimmed, "./")
	if !strings.Contains(trimmed, "/") && trimmed == strings.TrimSuffix(p, "/") {
		r.parts = []string{"**"}
	}
	for part := range strings.SplitSeq(strings.TrimPrefix(trimmed, "/"), "/") {
		switch part {
		case "", ".", "..":
			return rule{}, fmt.Errorf("it has the part %q; a pattern is relative to the folder and stays in it", part)
		}
		if _, err := path.Match(part, ""); err != nil {
			return rule{}, fmt.Errorf("it has a bracket that is not closed")
		}
		if part == "**" && len(r.parts) > 0 && r.parts[len(r.parts)-1] == "**" {
			continue // twice in a row means the same
		}
		r.parts = append(r.parts, part)
	}
	return r, nil
}

// Match reports whether a pattern matches the path itself. A walk that leaves out
// the folders that match need not ask about what is below them.
func (l List) Match(p string, folder bool) bool {
	for _, r := range l {
		if (folder || !r.folder) && matchParts(r.parts, strings.Split(p, "/")) {
			return true
		}
	}
	return false
}

// MatchBelow reports whether a pattern matches the path of a file or one of the
// folders above it.
func (l List) MatchBelow(p string) bool {
	if l.Match(p, false) {
		return true
	}
	for p = path.Dir(p); p != "."; p = path.Dir(p) {
		if l.Match(p, true) {
			return true
		}
	}
	return false
}

func matchParts(pattern, parts []string) bool {
	for len(pattern) > 0 {
		if pattern[0] == "**" {
			if len(pattern) == 1 {
				return len(parts) > 0
			}
			for i := range parts {
				if matchParts(pattern[1:], parts[i:]) {
					return true
				}
			}
			return false
		}
		if len(parts) == 0 {
			return false
		}
		if ok, _ := path.Match(pattern[0], parts[0]); !ok {
			return false
		}
		pattern, parts = pattern[1:], parts[1:]
	}
	return len(parts) == 0
}
