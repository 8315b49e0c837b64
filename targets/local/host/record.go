package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/schedule"
)

// Spec is how a release runs: the part of a deployment that is not the release.
type Spec struct {
	Port    int               `json:"port"`
	Health  string            `json:"health"`
	Start   time.Duration     `json:"start"`
	Env     map[string]string `json:"env,omitempty"`
	Memory  int64             `json:"memory,omitempty"`
	CPU     int64             `json:"cpu,omitempty"`
	Timeout time.Duration     `json:"timeout,omitempty"`
	Scale   targets.Scale     `json:"scale"`
	// Volumes and Schedules are sorted by name.
	Volumes   []targets.Volume   `json:"volumes,omitempty"`
	Schedules []targets.Schedule `json:"schedules,omitempty"`
	// Triggers say where the events go that a function is invoked with: nothing here
	// fires them.
	Triggers []targets.Trigger `json:"triggers,omitempty"`
	// Events is the path that a function's events go to which name none, or "".
	Events string `json:"events,omitempty"`
	// Sensitive names the variables of Env that are never shown. How the release
	// runs does not depend on it.
	Sensitive []string `json:"sensitive,omitempty"`
}

// SpecOf returns the spec of a deployment.
func SpecOf(d targets.Deployment) Spec {
	return Spec{
		Port: d.Port, Health: d.Health, Start: d.Start, Env: d.Env,
		Memory: d.Memory, CPU: d.CPU, Timeout: d.Timeout, Scale: d.Scale,
		Volumes:   slices.SortedFunc(slices.Values(d.Volumes), func(a, b targets.Volume) int { return strings.Compare(a.Name, b.Name) }),
		Schedules: slices.SortedFunc(slices.Values(d.Schedules), func(a, b targets.Schedule) int { return strings.Compare(a.Name, b.Name) }),
		Triggers:  d.Triggers,
		Events:    eventsPath(d.Triggers),
		Sensitive: slices.Sorted(slices.Values(d.Sensitive)),
	}
}

// eventsPath is the one path that all triggers name, or "": for events that
// do not say which trigger they are of.
func eventsPath(triggers []targets.Trigger) string {
	path := ""
	for _, t := range triggers {
		if path != "" && t.Path != path {
			return ""
		}
		path = t.Path
	}
	return path
}

// Check returns what a local target cannot run.
func (s Spec) Check() error {
	problems := []error{checkVolumes(s.Volumes)}
	for _, one := range s.Schedules {
		_, err := schedule.Parse(one)
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

func (s Spec) equal(o Spec) bool {
	env := maps.Equal(s.Env, o.Env)
	s.Env, o.Env = nil, nil
	s.Sensitive, o.Sensitive = nil, nil
	a, _ := json.Marshal(s)
	b, _ := json.Marshal(o)
	return env && string(a) == string(b)
}

// Record is a deployment as it is kept on disk. It holds all that is needed to
// run it again.
type Record struct {
	// Format is recordFormat of the twofold that wrote it.
	Format int `json:"format"`
	targets.Key
	Target  string       `json:"target"`
	Release string       `json:"release"`
	Form    release.Kind `json:"form"`
	Spec    Spec         `json:"spec"`
	// Runner is what runs it, in words; Engine says whether that is a Docker Engine.
	Runner string `json:"runner"`
	Engine bool   `json:"engine,omitempty"`
	// Secrets is the file beside the record that holds the values of the secrets,
	// or "" if there are none.
	Secrets string `json:"secretsFile,omitempty"`
	// Port is the gateway's. It stays for the deployment's whole life.
	Port     int       `json:"gatewayPort"`
	Deployed time.Time `json:"deployed"`
}

// recordFormat changes when an older twofold could not run a newer record. Format
// 1 had no secrets, volumes and schedules, and did not know which variables are
// sensitive.
const recordFormat = 2

// Sensitive reports whether the value of a variable must not be shown.
func (r *Record) Sensitive(name string) bool {
	return r.Format < 2 || slices.Contains(r.Spec.Sensitive, name)
}

const recordName = "deployment.json"

// URL is where the deployment answers.
func (r *Record) URL() string { return fmt.Sprintf("http://127.0.0.1:%d", r.Port) }

// status is what the record alone says.
func (r *Record) status() targets.Status {
	return targets.Status{
		Key: r.Key, Target: r.Target, State: targets.Stopped, URL: r.URL(),
		Release: r.Release, Form: r.Form, Runner: r.Runner, Deployed: r.Deployed,
	}
}

// errNoRecord is returned for a folder that holds no record: no deployment.
var errNoRecord = errors.New("there is no deployment")

func readRecord(dir string) (*Record, error) {
	path := filepath.Join(dir, recordName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoRecord
	}
	if err != nil {
		return nil, fmt.Errorf("local host: read a deployment: %w", err)
	}
	r := new(Record)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("local host: %s is damaged: %w; remove its folder, and deploy again", path, err)
	}
	if r.Format > recordFormat {
		return nil, fmt.Errorf("local host: %s was written by a newer twofold; use that version, or remove its folder and deploy again", path)
	}
	return r, nil
}

// write replaces the record in dir, all or nothing.
func (r *Record) write(dir string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write a deployment: %w", err)
	}
	if err := writeFileAtomic(filepath.Join(dir, recordName), append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("write a deployment: %w", err)
	}
	return nil
}

// Records reads the deployments in a layout. A damaged one is skipped, and its
// error is in the result beside the good ones.
func Records(l Layout) ([]*Record, error) {
	entries, err := os.ReadDir(l.deployments())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("local host: read the deployments: %w", err)
	}
	var records []*Record
	var problems []error
	for _, e := range entries {
		r, err := readRecord(filepath.Join(l.deployments(), e.Name()))
		switch {
		case err == nil:
			records = append(records, r)
		case !errors.Is(err, errNoRecord):
			problems = append(problems, err)
		}
	}
	return records, errors.Join(problems...)
}
