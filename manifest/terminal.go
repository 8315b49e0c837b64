package manifest

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/apparentlymart/go-textseg/v15/textseg"
	"golang.org/x/text/width"
)

// visible replaces what a terminal would obey or hide, such as escapes and
// marks that reverse the direction of text, by its code: <U+001B>.
func visible(s string) string {
	if !strings.ContainsFunc(s, isHidden) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if isHidden(r) {
			fmt.Fprintf(&b, "<U+%04X>", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func isHidden(r rune) bool {
	switch r {
	case '\t', '\n':
		return false
	case '\u200d': // joins emoji
		return false
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar
}

// displayWidth is how many columns a terminal needs for the text.
func displayWidth(s string) int {
	total := 0
	rest := []byte(s)
	for len(rest) > 0 {
		if rest[0] < 0x80 && (len(rest) == 1 || rest[1] < 0x80) {
			total++
			rest = rest[1:]
			continue
		}
		size, cluster, err := textseg.ScanGraphemeClusters(rest, true)
		if err != nil || size <= 0 {
			break
		}
		total += clusterWidth(string(cluster))
		rest = rest[size:]
	}
	return total
}

// clusterWidth is the width of what a person sees as one character: that of
// its widest part.
func clusterWidth(cluster string) int {
	widest := 0
	for _, r := range cluster {
		switch {
		case r == '\ufe0f', // asks for the emoji form
			r >= 0x1F1E6 && r <= 0x1F1FF: // half of a flag
			widest = 2
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		default:
			w := 1
			if k := width.LookupRune(r).Kind(); k == width.EastAsianWide || k == width.EastAsianFullwidth {
				w = 2
			}
			widest = max(widest, w)
		}
	}
	return widest
}
