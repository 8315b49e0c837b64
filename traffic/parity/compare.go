package parity

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Difference is one place where the two answers are not alike.
type Difference struct {
	In Place `json:"in"`
	// A and B are what each side answered there, shortened; "(none)" if nothing.
	A string `json:"a"`
	B string `json:"b"`
	// Detail says more about a body, such as the line.
	Detail string `json:"detail,omitempty"`
	// Expected says that the file expects it, for this Reason.
	Expected bool   `json:"expected,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// missing stands for a value that a side does not have.
const missing = "(none)"

// compare lists how two answers to a request differ.
//
// What the request itself expects to differ is not ignored, even if the file says
// of all requests that it may differ.
func compare(r *Request, ignore Ignore, a, b *answer) []Difference {
	ignore = ignore.without(r.Expected)
	var found []Difference
	if a.status != b.status {
		found = append(found, Difference{In: Place{kind: inStatus}, A: strconv.Itoa(a.status), B: strconv.Itoa(b.status)})
	} else if r.ExpectStatus != 0 && a.status != r.ExpectStatus {
		found = append(found, Difference{
			In: Place{kind: inStatus}, A: strconv.Itoa(a.status), B: strconv.Itoa(b.status),
			Detail: fmt.Sprintf("the file expects status %d", r.ExpectStatus),
		})
	}
	if x, y := fmt.Sprint(a.informational), fmt.Sprint(b.informational); x != y {
		found = append(found, Difference{In: Place{kind: inInformational}, A: x, B: y})
	}
	if x, y := strings.Join(a.redirects, ", "), strings.Join(b.redirects, ", "); x != y {
		found = append(found, Difference{In: Place{kind: inRedirects}, A: orMissing(x), B: orMissing(y)})
	}
	found = append(found, compareHeaders(inHeader, r, ignore, a, b, a.header, b.header)...)
	found = append(found, compareBodies(r, ignore, a, b)...)
	found = append(found, compareHeaders(inTrailer, r, ignore, a, b, a.trailer, b.trailer)...)
	return found
}

func compareHeaders(kind string, r *Request, ignore Ignore, a, b *answer, inA, inB http.Header) []Difference {
	var names []string
	for name := range inA {
		names = append(names, name)
	}
	for name := range inB {
		if _, ok := inA[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var found []Difference
	for _, name := range names {
		if isBuiltIn(name) || anyNameMatches(ignore.Headers, name) {
			continue
		}
		if name == "Content-Length" && !lengthIsProof(r, a, b) {
			continue
		}
		x, y := inA[name], inB[name]
		if name == "Set-Cookie" { // their order has no meaning (RFC 6265 section 4.1.1)
			x, y = slices.Sorted(slices.Values(x)), slices.Sorted(slices.Values(y))
		}
		if !slices.Equal(x, y) {
			found = append(found, Difference{In: Place{kind: kind, name: name}, A: showLines(x), B: showLines(y)})
		}
	}
	return found
}

// lengthIsProof says that no body was compared, so that Content-Length is all
// there is to know of it.
func lengthIsProof(r *Request, a, b *answer) bool {
	return len(a.body) == 0 && len(b.body) == 0 &&
		(r.Method == "HEAD" || a.status == http.StatusNotModified && b.status == http.StatusNotModified)
}

// showLines shows the values of a header that is there once or more often.
func showLines(values []string) string {
	if len(values) == 0 {
		return missing
	}
	if len(values) == 1 {
		return shorten(strconv.Quote(values[0]), maxShown)
	}
	var quoted []string
	for _, v := range values {
		quoted = append(quoted, strconv.Quote(v))
	}
	return shorten(fmt.Sprintf("%d lines: %s", len(values), strings.Join(quoted, ", ")), maxShown)
}

func orMissing(s string) string {
	if s == "" {
		return missing
	}
	return shorten(s, maxShown)
}

// maxShown is how much of a value a Difference keeps, in bytes.
const maxShown = 400

// shorten cuts a text at a rune's border and says so.
func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	cut := limit
	for cut > 0 && s[cut]&0xc0 == 0x80 {
		cut--
	}
	return fmt.Sprintf("%s… (%d bytes in all)", s[:cut], len(s))
}
