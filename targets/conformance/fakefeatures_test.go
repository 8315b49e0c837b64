package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path"
	"reflect"
	"time"

	"github.com/twofoldhq/twofold/targets"
)

// setSecret puts a secret into the fake's store.
func (f *fake) setSecret(_ context.Context, name, value string) (targets.Secret, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.store["store/"+name] = value
	return targets.Secret{Name: name, From: "store/" + name}, nil
}

// environment is what the app of a deployment sees.
func (f *fake) environment(d targets.Deployment) map[string]string {
	env := maps.Clone(d.Env)
	for _, s := range d.Secrets {
		if !f.faults.losesSecret {
			env[s.Name] = f.store[s.From]
		}
	}
	return env
}

// same reports whether a deployment runs what it is asked for.
func (f *fake) same(now *fakeDeployment, d targets.Deployment) bool {
	return now.status.Release == d.Release.Digest && maps.Equal(now.env, f.environment(d)) &&
		reflect.DeepEqual(now.asked.Volumes, d.Volumes) && reflect.DeepEqual(now.asked.Schedules, d.Schedules) &&
		reflect.DeepEqual(now.asked.Triggers, d.Triggers)
}

// files plays the app's file system, of which only volumes outlive a release.
func (f *fake) files(w http.ResponseWriter, r *http.Request, d *fakeDeployment) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name := r.FormValue("name")
	files := d.own
	for _, v := range d.asked.Volumes {
		if path.Dir(name) == v.Path && !f.faults.losesVolume {
			files = f.volumes[d.asked.Key]
			if v.ReadOnly && r.Method == http.MethodPut && !f.faults.ignoresReadOnly {
				w.WriteHeader(http.StatusConflict)
				return
			}
		}
	}
	if r.Method == http.MethodPut {
		files[name] = r.FormValue("text")
		return
	}
	text, there := files[name]
	if !there {
		w.WriteHeader(http.StatusNotFound)
	}
	io.WriteString(w, text)
}

// fire plays schedules: a fake's minute is short.
func (f *fake) fire(k targets.Key, d *fakeDeployment) {
	if len(d.asked.Schedules) == 0 || f.faults.neverFires {
		return
	}
	kind := "application/json"
	if f.faults.firesText {
		kind = "text/plain"
	}
	time.AfterFunc(5*time.Millisecond, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.deployments[k] == d {
			fmt.Fprintf(d.log, "app was fired with %s {}\n", kind)
		}
	})
}

// send plays a queue that all deployments with a trigger take messages from.
func (f *fake) send(_ context.Context, body string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range f.deployments {
		if f.faults.losesMessages && d.asked.Release == f.releases.Two {
			continue
		}
		for range d.asked.Triggers {
			fmt.Fprintf(d.log, "app was fired with application/json %s\n", body)
		}
	}
	return nil
}

// runOnce plays the commands of the suite's app.
func (f *fake) runOnce(ctx context.Context, r targets.RunRequest) error {
	version := "one"
	if r.Release == f.releases.Two && !f.faults.runsOldRelease {
		version = "two"
	}
	switch r.Command[1] {
	case "show":
		fmt.Fprintln(r.Out, "app", version, "shows", r.Env[r.Command[2]])
	case "fail":
		fmt.Fprintln(r.Out, "app fails")
		if !f.faults.forgetsStatus {
			return errors.New("status 3: app fails")
		}
	case "wait":
		fmt.Fprintln(r.Out, "app waits")
		if f.faults.runsOn {
			ctx = context.Background()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Second):
		}
	}
	return nil
}
