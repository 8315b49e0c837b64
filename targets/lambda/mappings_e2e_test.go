//go:build e2e

package lambda

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
)

const mappingsPath = "/2015-03-31/event-source-mappings"

// mapping hands a call about event source mappings on. moto names the function where
// AWS names the alias that one was made with.
func (c *cloud) mapping(w *answer, r *http.Request, body []byte) {
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	c.proxy.ServeHTTP(w, r)
	if w.status/100 != 2 {
		return
	}
	var out map[string]any
	if json.Unmarshal(w.body.Bytes(), &out) != nil {
		return
	}
	var asked struct{ FunctionName string }
	if r.Method == http.MethodPost && json.Unmarshal(body, &asked) == nil {
		id, _ := out["UUID"].(string)
		c.mu.Lock()
		c.aliases[id] = asked.FunctionName
		c.mu.Unlock()
	}
	list, _ := out["EventSourceMappings"].([]any)
	for _, one := range append(list, out) {
		m, _ := one.(map[string]any)
		id, _ := m["UUID"].(string)
		c.mu.Lock()
		if made := c.aliases[id]; made != "" {
			m["FunctionArn"] = made
		}
		c.mu.Unlock()
	}
	w.body.Reset()
	b, _ := json.Marshal(out)
	w.body.Write(b)
}

// isMapping reports whether a call is about event source mappings.
func isMapping(u *url.URL) bool { return strings.HasPrefix(u.Path, mappingsPath) }
