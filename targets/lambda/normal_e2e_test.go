//go:build e2e

package lambda

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// normal writes calls so that two runs of the same deploy read the same: what AWS, the
// clock or the bytes of a build decide has a placeholder, which is the same for the same
// value throughout a recording.
type normal struct {
	cloud *cloud
	names map[string]string // placeholders by what they stand for
	count map[string]int
}

func newNormal(c *cloud) *normal {
	return &normal{cloud: c, names: map[string]string{}, count: map[string]int{}}
}

func (n *normal) name(kind, value string) string {
	if name := n.names[value]; name != "" {
		return name
	}
	n.count[kind]++
	n.names[value] = fmt.Sprintf("<%s %d>", kind, n.count[kind])
	return n.names[value]
}

// text are the calls, one a paragraph.
func (n *normal) text(calls []call) string {
	var b strings.Builder
	for _, c := range calls {
		n.learn(c)
		line := c.service + " " + c.target
		if strings.HasPrefix(c.target, "/") {
			path, err := url.QueryUnescape(c.target)
			if err != nil {
				path = c.target
			}
			line = c.service + " " + c.method + " " + path
		}
		if c.status/100 != 2 {
			line += fmt.Sprintf(" (%d)", c.status)
		}
		b.WriteString(n.normalise(line) + "\n")
		if body := n.body(c); body != "" {
			b.WriteString("  " + strings.ReplaceAll(strings.TrimSpace(body), "\n", "\n  ") + "\n")
		}
	}
	return b.String()
}

var gatewayIDs = regexp.MustCompile(`"(apiId|integrationId|routeId|apiMappingId|vpcLinkId)": ?"([^"]+)"`)

// learn names what AWS has chosen in an answer.
func (n *normal) learn(c call) {
	if c.service != "apigateway" {
		return
	}
	for _, m := range gatewayIDs.FindAllStringSubmatch(string(c.answer), -1) {
		n.name(m[1], m[2])
	}
}

var (
	digests    = regexp.MustCompile(`sha256:[0-9a-f]{64}`)
	sums       = regexp.MustCompile(`[A-Za-z0-9+/]{43}=`)
	uuids      = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	tokens     = regexp.MustCompile(`([?&])(clientToken|ClientToken)=[^&]*`)
	timestamps = regexp.MustCompile(`20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?`)
)

func (n *normal) normalise(text string) string {
	text = tokens.ReplaceAllString(text, "$1$2=<token>")
	text = digests.ReplaceAllStringFunc(text, func(s string) string { return n.name("release", s) })
	text = sums.ReplaceAllStringFunc(text, func(s string) string { return n.name("sum", s) })
	text = uuids.ReplaceAllStringFunc(text, func(s string) string { return n.name("id", s) })
	text = timestamps.ReplaceAllString(text, "<time>")
	for value, name := range n.names {
		if len(value) >= 8 && strings.ContainsAny(name, "I") { // those that learn found
			text = strings.ReplaceAll(text, value, name)
		}
	}
	return strings.NewReplacer(n.cloud.account, "ACCOUNT", n.cloud.url, "https://AWS", n.cloud.moto, "https://AWS").Replace(text)
}

// body is a call's, indented.
func (n *normal) body(c call) string {
	if len(c.body) == 0 || bytes.Equal(c.body, []byte("{}")) {
		return ""
	}
	var read any
	switch {
	case json.Unmarshal(c.body, &read) == nil:
	case c.body[0] == '<':
		return n.normalise(strings.ReplaceAll(string(c.body), "><", ">\n<"))
	default:
		values, err := url.ParseQuery(string(c.body))
		if err != nil || values.Get("Action") == "" {
			return fmt.Sprintf("(%s bytes that are no text)", sizeClass(len(c.body)))
		}
		form := map[string]any{}
		for name := range values {
			if name != "Action" && name != "Version" {
				form[name] = values.Get(name)
			}
		}
		if read = form; len(form) == 0 {
			return ""
		}
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	_ = e.Encode(n.value("", read)) // it was JSON
	return n.normalise(out.String())
}

// value opens documents that are texts, and closes zips.
func (n *normal) value(name string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			v[name] = n.value(name, value)
		}
		return v
	case []any:
		for i := range v {
			v[i] = n.value(name, v[i])
		}
		return v
	case string:
		var inner any
		switch {
		case name == "ZipFile":
			zip, err := base64.StdEncoding.DecodeString(v)
			if err != nil {
				return "a zip that cannot be read"
			}
			sum := sha256.Sum256(zip)
			return fmt.Sprintf("zip %s, %s", base64.StdEncoding.EncodeToString(sum[:]), sizeClass(len(zip)))
		case name == "ClientToken" || name == "CallerReference":
			return "<token>"
		case len(v) > 1 && (v[0] == '{' || v[0] == '[') && json.Unmarshal([]byte(v), &inner) == nil:
			return n.value(name, inner)
		}
	}
	return v
}

// sizeClass is coarse: a bundle's size changes with each compiler.
func sizeClass(size int) string {
	switch {
	case size <= 64<<10:
		return "up to 64 KiB"
	case size <= 10<<20:
		return "64 KiB to 10 MiB"
	case size <= 50<<20:
		return "10 to 50 MiB"
	}
	return "above 50 MiB"
}
