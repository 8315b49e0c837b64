package container

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/engine"
	"github.com/twofoldhq/twofold/targets/local/sandbox"
)

// Docker runs an image in containers of a Docker Engine.
type Docker struct {
	Engine *engine.Engine
	// Image is the tag of an image that Engine.Load has loaded.
	Image string
	// Port is where the app listens in its container.
	Port int
	// Env is the service's own environment. It goes over the image's.
	Env map[string]string
	// Mounts show folders of this machine in each container.
	Mounts []sandbox.Mount
	Limits Limits
	// Labels are set on each container.
	Labels map[string]string
}

var _ Runner = Docker{}

// Describe says which engine it is.
func (d Docker) Describe() string { return d.Engine.Describe() }

// Start makes a container and starts it. The engine publishes the app's port on
// loopback only.
func (d Docker) Start(ctx context.Context, s Start) (Instance, error) {
	port, ok := network.PortFrom(uint16(d.Port), network.TCP)
	if !ok || d.Port < 1 || d.Port > 65535 {
		return nil, fmt.Errorf("docker: port %d is not a port", d.Port)
	}
	// A create that is cancelled may still succeed in the engine, and then nobody
	// knows the container.
	creating, cancel := context.WithTimeout(context.WithoutCancel(ctx), engineLimit)
	defer cancel()
	o := client.ContainerCreateOptions{
		Name:       s.Name,
		Config:     d.config(port, s.Command),
		HostConfig: d.hostConfig(port, s.Command),
	}
	engine.WithStreams(&o, s.streams())
	created, err := d.Engine.ContainerCreate(creating, o)
	if err != nil {
		return nil, fmt.Errorf("docker: create a container: %w", err)
	}
	i := &dockered{engine: d.Engine, id: created.ID, done: make(chan struct{})}
	if err := i.start(ctx, s, port); err != nil {
		i.remove()
		return nil, err
	}
	return i, nil
}

func (s Start) streams() targets.Streams {
	return targets.Streams{In: s.Stdin, Out: s.Stdout, Err: s.Stderr, Terminal: s.Terminal}
}

func (d Docker) config(port network.Port, command []string) *container.Config {
	env := make([]string, 0, len(d.Env)+1)
	for _, name := range slices.Sorted(maps.Keys(d.Env)) {
		env = append(env, name+"="+d.Env[name])
	}
	return &container.Config{
		Image:        d.Image,
		Entrypoint:   command, // one that is set takes the place of the image's Cmd too
		Env:          append(env, "PORT="+port.Port()),
		Labels:       d.Labels,
		ExposedPorts: network.PortSet{port: {}},
	}
}

func (d Docker) hostConfig(port network.Port, command []string) *container.HostConfig {
	const processes = 4096
	pids := int64(processes)
	published := network.PortMap{port: {{HostIP: netip.AddrFrom4([4]byte{127, 0, 0, 1})}}}
	if len(command) > 0 {
		published = nil
	}
	var mounts []mount.Mount
	for _, m := range d.Mounts {
		mounts = append(mounts, mount.Mount{Type: mount.TypeBind, Source: m.Source, Target: m.Target, ReadOnly: m.ReadOnly})
	}
	return &container.HostConfig{
		PortBindings: published,
		Mounts:       mounts,
		// The supervisor starts again what died.
		RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyDisabled},
		CapDrop:       []string{"ALL"},
		SecurityOpt:   []string{"no-new-privileges"},
		LogConfig:     container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "10m", "max-file": "1"}},
		Resources: container.Resources{
			Memory: d.Limits.Memory, MemorySwap: d.Limits.Memory, // no swap beyond it
			NanoCPUs:  d.Limits.CPU * 1e6,
			PidsLimit: &pids,
		},
	}
}

// dockered is a container.
type dockered struct {
	engine  *engine.Engine
	id      string
	address string
	done    chan struct{}
	exit    string // valid once done is closed
	code    int    // the same
}

func (i *dockered) Address() string       { return i.address }
func (i *dockered) Done() <-chan struct{} { return i.done }
func (i *dockered) Exit() string          { return i.exit }
func (i *dockered) Code() int             { return i.code }

func (i *dockered) start(ctx context.Context, s Start, port network.Port) error {
	// What follows the container lives as long as it, not as long as the start.
	life := context.WithoutCancel(ctx)
	attached, err := i.engine.Attach(life, i.id, s.streams())
	if err != nil {
		return fmt.Errorf("docker: %w", err)
	}
	wait := i.engine.ContainerWait(life, i.id, client.ContainerWaitOptions{Condition: container.WaitConditionNextExit})
	if _, err := i.engine.ContainerStart(ctx, i.id, client.ContainerStartOptions{}); err != nil {
		attached.Close()
		return fmt.Errorf("docker: start a container: %w", err)
	}
	output := make(chan struct{})
	go func() {
		defer close(output)
		_ = attached.Carry(life) // What ends it shows in the container's end.
	}()
	go i.watch(wait, attached.Close, output)

	info, err := i.engine.ContainerInspect(ctx, i.id, client.ContainerInspectOptions{})
	if err != nil {
		return fmt.Errorf("docker: inspect a container: %w", err)
	}
	if settings := info.Container.NetworkSettings; settings != nil {
		for _, b := range settings.Ports[port] {
			i.address = netip.AddrPortFrom(b.HostIP, parsePort(b.HostPort)).String()
		}
	}
	if i.address == "" {
		// An app that dies at once has no port any more; it is gone before its
		// first probe, which says so.
		i.address = "127.0.0.1:0"
	}
	return nil
}

// watch waits for the end of the container and of its output.
func (i *dockered) watch(wait client.ContainerWaitResult, closeStream func(), output <-chan struct{}) {
	select {
	case r := <-wait.Result:
		i.exit, i.code = exitText(r.StatusCode), int(r.StatusCode)
	case err := <-wait.Error:
		i.exit, i.code = fmt.Sprintf("the Docker Engine lost it: %v", err), -1
		closeStream()
	}
	<-output
	closeStream()
	if i.outOfMemory() {
		i.exit = "it was killed at its memory limit"
	}
	close(i.done)
}

func exitText(status int64) string {
	const signalled = 128
	if status > signalled {
		return fmt.Sprintf("it was ended by signal %d", status-signalled)
	}
	return fmt.Sprintf("it exited with status %d", status)
}

func (i *dockered) outOfMemory() bool {
	ctx, cancel := context.WithTimeout(context.Background(), engineLimit)
	defer cancel()
	info, err := i.engine.ContainerInspect(ctx, i.id, client.ContainerInspectOptions{})
	return err == nil && info.Container.State != nil && info.Container.State.OOMKilled
}

// Stop stops the container and removes it.
func (i *dockered) Stop(grace time.Duration) {
	select {
	case <-i.done:
	default:
		seconds := int(max(grace, time.Second) / time.Second)
		ctx, cancel := context.WithTimeout(context.Background(), grace+engineLimit)
		i.engine.ContainerStop(ctx, i.id, client.ContainerStopOptions{Timeout: &seconds})
		cancel()
	}
	i.remove()
}

// engineLimit is how long the engine may take for what is quick as a rule.
const engineLimit = 30 * time.Second

func (i *dockered) remove() {
	ctx, cancel := context.WithTimeout(context.Background(), engineLimit)
	defer cancel()
	i.engine.ContainerRemove(ctx, i.id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
}

func parsePort(s string) uint16 {
	n, _ := strconv.ParseUint(s, 10, 16)
	return uint16(n)
}
