package docker

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/gateway"
)

// wanted is a deployment in the engine's terms.
type wanted struct {
	targets.Deployment
	name, network string
	// networkID and edgeID are of the networks, once they are there.
	networkID, edgeID string
	form              release.Form
	image             string // the tag that the engine knows it by
	values            secretValues
	replicas          int
	route             gateway.Route // without Backends and Revision
	settings          settings
}

// defaultPort is where an app listens whose manifest names no port.
const defaultPort = 8080

func (s *session) want(d targets.Deployment, values secretValues) (*wanted, error) {
	form, err := s.image(d.Release)
	if err != nil {
		return nil, err
	}
	for _, secret := range d.Secrets {
		if _, twice := d.Env[secret.Name]; twice {
			return nil, fmt.Errorf("%s is a secret and a variable of env: remove one of them", secret.Name)
		}
	}
	if d.Port == 0 {
		d.Port = defaultPort
	}
	w := &wanted{
		Deployment: d, name: deploymentName(d.Key), network: networkName(d.Key), form: form, values: values,
		replicas: max(d.Scale.Min, 1), settings: s.target.settings,
	}
	w.image = imageTag(w.name, form.Digest)
	queues, err := s.target.settings.queuesOf(d, w.name, w.replicas)
	if err != nil {
		return nil, err
	}
	w.route = gateway.Route{Health: d.Health, Start: d.Start, Timeout: d.Timeout, Schedules: d.Schedules, Queues: queues}
	if w.route.Note, err = w.note(); err != nil {
		return nil, err
	}
	return w, nil
}

// note is what the gateway keeps of a revision, to tell whether another one is
// wanted: nobody can read a value in it.
type note struct {
	Attributes map[string]string `json:"attributes"`
	// Hidden are the attributes that hold a hash.
	Hidden []string `json:"hidden,omitempty"`
}

func (w *wanted) note() (string, error) {
	n := note{Attributes: map[string]string{}}
	set := func(name, value string) {
		if value != "" && value != "0" && value != "0s" {
			n.Attributes[name] = value
		}
	}
	hide := func(name, value string) {
		sum := sha256.Sum256([]byte(w.name + "\x00" + name + "\x00" + value))
		n.Attributes[name] = hex.EncodeToString(sum[:])
		n.Hidden = append(n.Hidden, name)
	}
	set("release", w.Release.Digest)
	set("port", strconv.Itoa(w.Port))
	set("health.path", w.Health)
	set("health.start", w.Start.String())
	set("timeout", w.Timeout.String())
	set("memory", strconv.FormatInt(w.Memory, 10))
	if w.CPU > 0 {
		set("cpu", targets.CPUText(w.CPU))
	}
	set("replicas", strconv.Itoa(w.replicas))
	for name, value := range w.Env {
		if slices.Contains(w.Sensitive, name) {
			hide("env."+name, value)
		} else {
			n.Attributes["env."+name] = value
		}
	}
	for name, value := range w.values.app {
		hide("secret."+name, value)
	}
	for _, v := range w.Volumes {
		set("volume."+v.Name+".path", v.Path)
		if v.ReadOnly {
			set("volume."+v.Name+".read_only", "true")
		}
	}
	for _, one := range w.Schedules {
		set("schedule."+one.Name+".cron", one.Cron)
		set("schedule."+one.Name+".zone", one.Zone)
		set("schedule."+one.Name+".path", one.Path)
	}
	for _, one := range w.route.Queues {
		at := "on.queue." + one.Name
		set(at+".source", one.URL)
		set(at+".path", one.Path)
		set(at+".batch", strconv.Itoa(one.Batch))
		if one.Whole {
			set(at+".batch_mode", "whole")
		}
		if one.Password != "" {
			hide(at+".password", w.values.queues[one.Password])
		}
	}
	slices.Sort(n.Hidden)
	text, err := json.Marshal(n)
	return string(text), err
}

func readNote(text string) (n note) {
	if json.Unmarshal([]byte(text), &n) != nil {
		return note{}
	}
	return n
}

// appName is the name of one replica, which is also its host name.
func (w *wanted) appName(revision string, replica int) string {
	return fmt.Sprintf("%s-%s-%d", w.name, revision, replica)
}

// routeTo is the route to a revision.
func (w *wanted) routeTo(revision string) gateway.Route {
	r := w.route
	r.Revision = revision
	for n := range w.replicas {
		r.Backends = append(r.Backends, net.JoinHostPort(w.appName(revision, n+1), strconv.Itoa(w.Port)))
	}
	return r
}

// stopGrace is how long an app may take to end.
const stopGrace = 10 * time.Second

// secretsDir is where an app with secrets has the files with their values, and what
// starts it.
const secretsDir = "/run/twofold"

// app is the container of one replica.
func (w *wanted) app(t *Target, revision string, replica int) (client.ContainerCreateOptions, error) {
	route, err := json.Marshal(w.routeTo(revision))
	if err != nil {
		return client.ContainerCreateOptions{}, err
	}
	o := w.container(nil)
	o.Name = w.appName(revision, replica)
	o.Config.Labels = with(t.labels(w.Key, roleApp), labelRelease, w.Release.Digest, labelRevision, revision, labelRoute, string(route))
	o.HostConfig.RestartPolicy = container.RestartPolicy{Name: container.RestartPolicyUnlessStopped}
	return o, nil
}

// container is one that runs the app's image, or a command in it.
func (w *wanted) container(command []string) client.ContainerCreateOptions {
	env := make([]string, 0, len(w.Env)+1)
	for _, name := range slices.Sorted(maps.Keys(w.Env)) {
		env = append(env, name+"="+w.Env[name])
	}
	grace := int(stopGrace / time.Second)
	return client.ContainerCreateOptions{
		Config: &container.Config{
			Image: w.image, Entrypoint: command, Env: append(env, "PORT="+strconv.Itoa(w.Port)), StopTimeout: &grace,
		},
		HostConfig: w.host(),
		NetworkingConfig: &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{
			w.networkID: {},
		}},
	}
}

func (w *wanted) host() *container.HostConfig {
	h := hardened()
	h.NetworkMode = container.NetworkMode(w.networkID)
	h.Resources.Memory, h.Resources.MemorySwap = w.Memory, w.Memory // no swap beyond it
	h.Resources.NanoCPUs = w.CPU * 1e6
	for _, v := range w.Volumes {
		h.Mounts = append(h.Mounts, mount.Mount{Type: mount.TypeVolume, Source: volumeName(w.name, v.Name), Target: v.Path, ReadOnly: v.ReadOnly})
	}
	return h
}

// hardened is what every container of ours has: no rights, no writable root, logs
// that end, and a bound on its processes.
func hardened() *container.HostConfig {
	processes := int64(4096)
	return &container.HostConfig{
		CapDrop:        []string{"ALL"},
		SecurityOpt:    []string{"no-new-privileges"},
		ReadonlyRootfs: true,
		Tmpfs:          map[string]string{"/tmp": "rw,nosuid,nodev,mode=1777"},
		LogConfig:      container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "10m", "max-file": "3"}},
		Resources:      container.Resources{PidsLimit: &processes},
	}
}
