package manifest

import (
	"fmt"
	"strings"
	"unicode"
)

// maxName is the longest name of a project or service. Both together, with a
// hyphen and an environment, stay usable as a name on most platforms.
const maxName = 40

// checkName returns what is wrong with the name of a project or a service, or
// "". Names are usable as a DNS label (RFC 1123) wherever they go.
func checkName(name string) string {
	switch {
	case name == "":
		return "A name is wanted, such as \"shop\"."
	case len(name) > maxName:
		return fmt.Sprintf("It has %d characters; at most %d are allowed, so that platforms can use it as a host name.", len([]rune(name)), maxName)
	}
	for i, c := range name {
		letter := c >= 'a' && c <= 'z'
		other := c >= '0' && c <= '9' || c == '-'
		if !letter && (!other || i == 0) || c == '-' && i == len(name)-1 {
			detail := "Use lower-case letters, digits and hyphens, begin with a letter, and do not end with a hyphen"
			if better := betterName(name); better != "" {
				return fmt.Sprintf("%s, for example %q.", detail, better)
			}
			return detail + "."
		}
	}
	return ""
}

// betterName turns a name into an allowed one, or returns "" where that would
// lose a letter or a digit.
func betterName(name string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9' && b.Len() > 0:
			b.WriteRune(c)
		case unicode.IsLetter(c) || unicode.IsDigit(c):
			return ""
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	better := strings.TrimRight(b.String(), "-")
	if len(better) > maxName {
		return ""
	}
	return better
}

// many is up to how many names a message compares with a wrong one. The cost of
// each message would grow with them.
const many = 2_000

const tooManyToList = "There are too many others to list."

// isIdentifier reports whether a name can be an environment variable's.
func isIdentifier(name string) bool {
	for i, c := range name {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}
