package manifest

import (
	"fmt"
	"strings"
	"time"

	"github.com/twofoldhq/twofold/manifest/schema"
)

// What a service gets when the manifest does not say.
const (
	DefaultPort       = 8080
	DefaultHealthPath = "/"
	DefaultStart      = 10 * time.Second
)

// Manifest is a manifest without errors.
type Manifest struct {
	Project string
	// File is the absolute path of the manifest; Dir is its folder, where the
	// relative paths of the manifest start.
	File, Dir string
	// Services are in the order of the file.
	Services []*Service

	shown  string
	source []byte
	ranges map[string]ranges
}

// ranges maps a path such as "scale.min" to where the manifest sets it; "" is
// the block's header.
type ranges map[string]Range

// Service is one deployable HTTP server.
type Service struct {
	Name  string
	Build Build
	// Port is where the app listens, from 1 to 65535.
	Port   int
	Health Health
	// Env is the service's own environment. It never holds PORT.
	Env map[string]string
	// CPU is in thousandths of a core, Memory in bytes; 0 is unset.
	CPU, Memory int64
	// Timeout is how long one request may take; 0 is unset.
	Timeout time.Duration
	Scale   Scale
}

// Build says how a service's code becomes an app tree.
type Build struct {
	// Builder is the label of the build block.
	Builder string
	// Base is the reference of the image that the app tree is laid upon, or ""
	// for twofold's own; Platforms are those to build for, or none for the
	// caller's choice. Both are common to all builders.
	Base      string
	Platforms []string
	// Settings holds the other attributes of the block.
	Settings schema.Values
}

// Health says when an instance is ready.
type Health struct {
	// Path answers with 2xx when the app is ready.
	Path string
	// Start is how long an instance may take until it is ready.
	Start time.Duration
}

// Scale is how many instances run. 0 is unset.
type Scale struct {
	Min, Max int
	// Concurrency is how many requests one instance takes at a time.
	Concurrency int
}

// Service returns the service of that name. The error suggests a near name and
// lists the services.
func (m *Manifest) Service(name string) (*Service, error) {
	names := make([]string, 0, len(m.Services))
	for _, s := range m.Services {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	hint := ""
	if near := nearest(name, names); near != "" {
		hint = fmt.Sprintf("did you mean %q? ", near)
	}
	return nil, fmt.Errorf("no service %q in %s: %sthe services are %s", name, m.shown, hint, strings.Join(names, ", "))
}

// At makes an error about a service that was found after the manifest had been
// read, by a builder or a target, and points it to the line it came from. path
// names an attribute or block of the service, such as "port", "build.package"
// or "scale.min"; "" is the service. A path that the manifest does not set
// points to the block around it.
func (m *Manifest) At(service, path, summary, detail string) *Diagnostics {
	d := newDiagnostics(m.shown, m.source)
	diag := Diagnostic{Severity: SeverityError, Summary: summary, Detail: detail, File: m.shown}
	if known, ok := m.ranges[service]; ok {
		for {
			if r, ok := known[path]; ok {
				diag.Range = &r
				break
			}
			path, _ = cutLast(path, ".")
		}
		diag.In = fmt.Sprintf("service %q", service)
	}
	d.add(diag)
	return d
}

// cutLast cuts s around the last sep; without one, all of s comes after it.
func cutLast(s, sep string) (before, after string) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):]
	}
	return "", s
}
