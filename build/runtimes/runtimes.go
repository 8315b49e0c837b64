// Package runtimes knows the language runtimes that an app tree can ask for.
package runtimes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// names are the managed runtimes of AWS Lambda as of November 2026, oldest first
// within a language. Source: the Runtime enum of the AWS SDK.
var names = [...]string{
	"nodejs20.x", "nodejs22.x", "nodejs24.x", "nodejs26.x",
	"python3.10", "python3.11", "python3.12", "python3.13", "python3.14", "python3.15",
	"java11", "java17", "java21", "java25",
	"dotnet8", "dotnet10",
	"ruby3.2", "ruby3.3", "ruby3.4", "ruby4.0",
}

// Names returns the names of all runtimes, by language and version.
func Names() []string { return slices.Clone(names[:]) }

// Check returns nil if there is a runtime of that name. The error says which one
// was most likely meant, or which there are.
func Check(name string) error {
	if slices.Contains(names[:], name) {
		return nil
	}
	if strings.HasPrefix(name, "provided") {
		return fmt.Errorf("%q has no language: leave runtime out for an app that needs none", name)
	}
	if near := nearest(name); near != "" {
		return fmt.Errorf("did you mean %q? There are: %s", near, strings.Join(names[:], ", "))
	}
	return fmt.Errorf("there are: %s", strings.Join(names[:], ", "))
}

// nearest returns the newest of the runtimes that are most like name, or "".
func nearest(name string) string {
	best, at := "", len(name)/2+1
	for _, n := range names {
		if d := levenshtein.Distance(strings.ToLower(name), n, nil); d <= at {
			best, at = n, d
		}
	}
	return best
}
