//go:build e2e

package lambda

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
)

// forgotten are the settings of a function that moto takes and does not give back.
var forgotten = []string{"FileSystemConfigs", "EphemeralStorage", "TracingConfig", "LoggingConfig"}

var (
	functionPath = regexp.MustCompile(functionsPath + `(?:/([^/?]+))?(/[a-z]+)?$`)
	anyForgotten = regexp.MustCompile(`"FileSystemConfigs": ?\[\{|"EphemeralStorage"|"TracingConfig"|"LoggingConfig"`)
)

// remember keeps what moto forgets of a function, and puts it into moto's answers.
func (c *cloud) remember(r *http.Request, u *url.URL, body []byte, w *answer) {
	m := functionPath.FindStringSubmatch(u.Path)
	if m == nil || w.status/100 != 2 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	writes := r.Method == http.MethodPost && m[1] == "" || r.Method == http.MethodPut && m[2] == "/configuration"
	if len(c.kept) == 0 && (!writes || !anyForgotten.Match(body)) {
		return
	}
	if c.kept == nil {
		c.kept = map[string]map[string]any{}
	}
	var in, out map[string]any
	if json.Unmarshal(w.body.Bytes(), &out) != nil {
		return
	}
	name := m[1]
	if writes && json.Unmarshal(body, &in) == nil {
		if name == "" {
			name, _ = in["FunctionName"].(string)
		}
		c.kept[name] = keep(c.kept[name], in)
	}
	if r.Method == http.MethodPost && m[2] == "/versions" {
		version, _ := out["Version"].(string)
		c.kept[name+":"+version] = c.kept[name]
	}
	c.giveBack(out)
	text, err := json.Marshal(out)
	if err != nil {
		return
	}
	w.body = *bytes.NewBuffer(text)
}

// keep returns the settings with those of a call.
func keep(was, in map[string]any) map[string]any {
	now := map[string]any{}
	for _, field := range forgotten {
		if value, given := in[field]; given {
			now[field] = value
		} else if value, had := was[field]; had {
			now[field] = value
		}
	}
	return now
}

// giveBack finds each function and version in an answer.
func (c *cloud) giveBack(in any) {
	switch in := in.(type) {
	case []any:
		for _, one := range in {
			c.giveBack(one)
		}
	case map[string]any:
		name, _ := in["FunctionName"].(string)
		if version, _ := in["Version"].(string); name != "" && version != "" {
			if version != "$LATEST" {
				name += ":" + version
			}
			for field, value := range c.kept[name] {
				in[field] = value
			}
		}
		for _, one := range in {
			c.giveBack(one)
		}
	}
}
