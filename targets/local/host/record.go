package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
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
}

// SpecOf returns the spec of a deployment.
func SpecOf(d targets.Deployment) Spec {
	return Spec{
		Port: d.Port, Health: d.Health, Start: d.Start, Env: d.Env,
		Memory: d.Memory, CPU: d.CPU, Timeout: d.Timeout, Scale: d.Scale,
	}
}

func (s Spec) equal(o Spec) bool {
	env := maps.Equal(s.Env, o.Env)
	s.Env, o.Env = nil, nil
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
	// Port is the gateway's. It stays for the deployment's whole life.
	Port     int       `json:"gatewayPort"`
	Deployed time.Time `json:"deployed"`
}

// recordFormat changes when an older twofold could not run a newer record.
const recordFormat = 1

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
