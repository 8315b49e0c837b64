package mototest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
)

// Mappings hands calls about event source mappings on to moto, and mends the answers:
// moto names the function where AWS names the alias that a mapping was made with. The
// zero value is ready for use.
type Mappings struct {
	mu sync.Mutex
	// aliases are those that the mappings were made with, by their ids.
	aliases map[string]string
}

// IsMapping reports whether a call is about event source mappings.
func IsMapping(u *url.URL) bool {
	return strings.HasPrefix(u.Path, "/2015-03-31/event-source-mappings")
}

// Forward answers a call, whose body was read already, with the answer of moto.
func (m *Mappings) Forward(moto http.Handler, w http.ResponseWriter, r *http.Request, body []byte) {
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	answer := httptest.NewRecorder()
	moto.ServeHTTP(answer, r)
	content := answer.Body.Bytes()
	var out map[string]any
	if answer.Code/100 == 2 && json.Unmarshal(content, &out) == nil {
		content = m.mend(r.Method, body, out)
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.Header().Del("Content-Length")
	w.WriteHeader(answer.Code)
	w.Write(content)
}

func (m *Mappings) mend(method string, asked []byte, out map[string]any) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	var made struct{ FunctionName string }
	if method == http.MethodPost && json.Unmarshal(asked, &made) == nil {
		if m.aliases == nil {
			m.aliases = map[string]string{}
		}
		id, _ := out["UUID"].(string)
		m.aliases[id] = made.FunctionName
	}
	list, _ := out["EventSourceMappings"].([]any)
	for _, one := range append(list, out) {
		mapping, _ := one.(map[string]any)
		id, _ := mapping["UUID"].(string)
		if alias := m.aliases[id]; alias != "" {
			mapping["FunctionArn"] = alias
		}
	}
	content, _ := json.Marshal(out) // It was JSON.
	return content
}
