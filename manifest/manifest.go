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
	DefaultTimezone   = "UTC"
)

// Manifest is a manifest without errors, as it is in one environment.
type Manifest struct {
	Project string
	// File is the absolute path of the manifest, of its main file if it has
	// several; Dir is its folder, where the relative paths of the manifest start.
	File, Dir string
	// Environment is the one that the values are of; Environments are all that the
	// manifest declares.
	Environment  string
	Environments []string
	// Services are in the order of the text.
	Services []*Service
	// Targets are those that the manifest declares, in the order of the text.
	Targets []*Target

	order     []*Service
	nodes     map[string]*node
	instances []*instance
	loader    *loader
	scope     scope
}

// Target is a place to run services.
type Target struct {
	Plugin, Name string
	// Settings holds the attributes of the block.
	Settings schema.Values
	// Unknown are the attributes whose values depend on a variable without one,
	// where Load allows that.
	Unknown []string

	node *node
}

// Address returns the form "lambda.functions".
func (t *Target) Address() string { return t.Plugin + "." + t.Name }

// Service is one deployable HTTP server.
type Service struct {
	Name  string
	Build Build
	// Port is where the app listens, from 1 to 65535.
	Port   int
	Health Health
	// Env is the service's own environment, as far as it is known. It never holds
	// PORT. Unknown has the names whose values are known only after the deploy of
	// the services that they map to. Sensitive are the names whose values are
	// never shown.
	Env       map[string]string
	Unknown   map[string][]string
	Sensitive []string
	// CPU is in thousandths of a core, Memory in bytes; 0 is unset.
	CPU, Memory int64
	// Timeout is how long one request may take; 0 is unset.
	Timeout time.Duration
	Scale   Scale
	// Background: the app works between requests.
	Background bool
	// Domain is the host name under which the service is public, or "".
	Domain  string
	Rollout Rollout
	// Targets are the addresses of where it is deployed; there is at least one.
	Targets []string
	// DependsOn are the services that the manifest wants deployed before; Needs are
	// these and those that Unknown waits for.
	DependsOn, Needs []string

	Secrets   []Secret
	Schedules []Schedule
	Triggers  []Trigger
	Volumes   []Volume
	Hooks     []*Hook
	// Set has the paths, such as "port", "health.path" and "health.start", that
	// are not defaults.
	Set map[string]bool
}

// Secret is an environment variable whose value a target looks up.
type Secret struct {
	// Name is the environment variable's, From the secret's in the target's store.
	Name, From string
}

// Schedule is a POST at times.
type Schedule struct {
	Name string
	// Cron has five fields or is a form such as @daily. Timezone is an IANA name.
	Cron, Timezone string
	Path           string
	// Target is the address of the target that fires it, or "" for the service's.
	Target string
}

// Trigger is a POST when something happens.
type Trigger struct {
	// Kind is "queue" or "object".
	Kind, Name   string
	Source, Path string
	// Target is the address of the target that receives it, or "" for the service's.
	Target string
	// Batch is how many messages are taken at a time, at least 1; Whole: they come
	// as one request.
	Batch int
	Whole bool
	// Prefix and Suffix narrow the objects by name; Created and Removed say which
	// changes count.
	Prefix, Suffix   string
	Created, Removed bool
}

// Volume is storage that outlives an instance.
type Volume struct {
	Name string
	// Path is absolute; Size is in bytes, 0 is unset.
	Path     string
	Size     int64
	ReadOnly bool
}

// Hook is a command that runs with each deploy.
type Hook struct {
	Name string
	// After: it runs when the release serves, and not before it is started.
	After bool
	Run   []string
	// OnMachine: it runs on the machine that deploys, and not in the release.
	OnMachine bool
	Timeout   time.Duration
	// Env is beside the service's; Sensitive are the names that are never shown.
	Env       map[string]string
	Sensitive []string
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
	return nil, fmt.Errorf("no service %q in %s: %sthe services are %s", name, m.loader.diags.files[0], hint, strings.Join(names, ", "))
}

// Target returns the declared target of an address, or nil.
func (m *Manifest) Target(address string) *Target {
	for _, t := range m.Targets {
		if t.Address() == address {
			return t
		}
	}
	return nil
}

// At makes an error about a service that was found after the manifest had been
// read, by a builder or a target, and points it to the line it came from. path
// names an attribute or block of the service, such as "port", "build.package",
// "scale.min", "env.NAME" or "schedule.nightly.cron"; "" is the service. A path
// that the manifest does not set points to the block around it.
func (m *Manifest) At(service, path, summary, detail string) *Diagnostics {
	return m.problem(Diagnostic{Severity: SeverityError, Summary: summary, Detail: detail, In: fmt.Sprintf("service %q", service)}, m.nodes[service], path)
}

// WarnAt is At for what does not stop a deploy.
func (m *Manifest) WarnAt(service, path, summary, detail string) *Diagnostics {
	return m.problem(Diagnostic{Severity: SeverityWarning, Summary: summary, Detail: detail, In: fmt.Sprintf("service %q", service)}, m.nodes[service], path)
}

// AtTarget is At for an attribute of a target block; "" is the block.
func (m *Manifest) AtTarget(address, path, summary, detail string) *Diagnostics {
	var n *node
	if t := m.Target(address); t != nil {
		n = t.node
	}
	return m.problem(Diagnostic{Severity: SeverityError, Summary: summary, Detail: detail, In: fmt.Sprintf("target %s", address)}, n, path)
}

func (m *Manifest) problem(d Diagnostic, n *node, path string) *Diagnostics {
	list := m.loader.diags.empty()
	d.File, d.order = list.files[0], orderValue
	if n == nil {
		d.In = ""
	} else {
		place := rangeOf(n.find(path))
		d.Range = &place
	}
	list.add(d)
	return list
}
