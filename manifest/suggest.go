package manifest

import (
	"fmt"
	"sort"
	"strings"

	"github.com/agext/levenshtein"
)

// nearest returns the candidate that the given name most likely means, or "".
// Of equally near ones it is the first in sorted order.
func nearest(given string, candidates []string) string {
	if len(given) > 64 || len(candidates) > many {
		return ""
	}
	sorted := append([]string(nil), candidates...)
	sort.Strings(sorted)
	best, bestDistance := "", 4
	plain := plainName(given)
	for _, c := range sorted {
		if c == given {
			continue
		}
		other := plainName(c)
		distance := levenshtein.Distance(plain, other, nil)
		allowed := allowedDistance(min(len(plain), len(other)))
		if isTransposed(plain, other) {
			distance = 1
		}
		if distance <= allowed && distance < bestDistance {
			best, bestDistance = c, distance
		}
	}
	return best
}

// allowedDistance is how many changes make another name of that length: short
// names differ by one letter from too many others.
func allowedDistance(length int) int {
	switch {
	case length < 2:
		return 0
	case length < 6:
		return 1
	case length < 11:
		return 2
	}
	return 3
}

// plainName removes what people most often mix up: case, hyphens, underscores.
func plainName(s string) string {
	return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(s))
}

// isTransposed reports whether two neighbours changed places, the typo that
// counts as two changes otherwise.
func isTransposed(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i+1 < len(a); i++ {
		if a[i] != b[i] {
			return a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
		}
	}
	return false
}

// didYouMean returns a question with the nearest candidate, or, without one, a
// sentence that lists them all: "<what> a, b and c."
func didYouMean(given string, candidates []string, what string) string {
	if near := nearest(given, candidates); near != "" {
		return fmt.Sprintf("Did you mean %q?", near)
	}
	return list(what, candidates)
}

// maxListed bounds how many names a message lists.
const maxListed = 24

func list(what string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	if len(names) > many {
		return tooManyToList
	}
	sorted := append([]string(nil), names...)
	sort.Strings(sorted)
	if len(sorted) > maxListed {
		return fmt.Sprintf("%s %s and %d more.", what, strings.Join(sorted[:maxListed], ", "), len(sorted)-maxListed)
	}
	return what + " " + enumerate(sorted, "and") + "."
}

// enumerate joins names as a sentence does: "a, b and c".
func enumerate(names []string, word string) string {
	switch len(names) {
	case 0:
		return ""
	case 1:
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " " + word + " " + names[len(names)-1]
}
