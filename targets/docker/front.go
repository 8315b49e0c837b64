package docker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/twofoldhq/twofold/targets/gateway"
)

// protocol is raised when a gateway that runs cannot be told any more what this
// version of twofold says. Another version of the program alone replaces no gateway:
// that would cut off requests.
const protocol = 2

// routeName is the one route of a deployment's own gateway.
const routeName = "service"

// front is the gateway of one deployment: the container that has the deployment's
// name, and its port.
type front struct {
	name     string
	port     int // on the engine's machine; 0 is none
	existing bool
	started  bool // by this deploy
}

// ensureFront makes the gateway of a deployment run.
func (s *session) ensureFront(ctx context.Context, w *wanted) (*front, error) {
	settings := s.frontSettings(w)
	found, err := s.inspect(ctx, w.name)
	if err != nil {
		return nil, err
	}
	if found != nil {
		if keyOf(found.Config.Labels) != w.Key || found.Config.Labels[labelRole] != roleGateway {
			return nil, fmt.Errorf("there is a container %s that is not of this deployment: rename it with docker rename %s OTHER, or rename the service", w.name, w.name)
		}
		if found.Config.Labels[labelSettings] == settings {
			f := &front{name: w.name, port: publishedPort(found.HostConfig), existing: true, started: !found.State.Running}
			if !found.State.Running {
				say(w.Deployment, false, "starting the gateway")
			}
			return f, s.startFront(ctx, w.name, found.State.Running)
		}
		say(w.Deployment, true, "the gateway of %s is made anew, since its port or its version changes: for a moment it takes no requests", w.Service)
		if err := s.removeContainer(ctx, w.name); err != nil {
			return nil, err
		}
	}
	image, err := s.gatewayImage(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.ensureNetworks(ctx, w); err != nil {
		return nil, err
	}
	return s.createFront(ctx, w, image, settings)
}

// errMoved is what another deploy of the same was about at the same time.
var errMoved = errors.New("another deploy of it was under way at the same time: deploy again")

// createFront makes the container, at the first port that is free.
func (s *session) createFront(ctx context.Context, w *wanted, image, settings string) (*front, error) {
	first, tries := w.settings.port(w.Service), 1
	if first == 0 {
		first, tries = portOf(w.name), 50
	}
	if !w.settings.publishes(w) {
		first, tries = 0, 1
	}
	for n := range tries {
		port := first
		if first != 0 {
			port = firstPort + (first-firstPort+n)%ports
		}
		if tries == 1 {
			port = first
		}
		o := s.gatewayContainer(w.name, image, w.networkID, port, w.settings.address())
		o.Config.Cmd = []string{gateway.VerbServe}
		o.Config.Labels = with(s.target.labels(w.Key, roleGateway), labelSettings, settings)
		o.NetworkingConfig.EndpointsConfig[w.networkID].Aliases = []string{w.Service}
		o.NetworkingConfig.EndpointsConfig[w.edgeID] = &network.EndpointSettings{}
		err := s.createContainer(ctx, o, w.networkID)
		if err == nil {
			err = s.startFront(ctx, w.name, false)
		}
		if err == nil {
			return &front{name: w.name, port: port, started: true}, nil
		}
		if errdefs.IsConflict(err) {
			return nil, errMoved
		}
		ending, cancel := s.lasting(ctx)
		removeErr := s.removeContainer(ending, w.name)
		cancel()
		if removeErr != nil {
			return nil, removeErr
		}
		if !portTaken(err) {
			return nil, fmt.Errorf("start the gateway %s: %w", w.name, err)
		}
		if tries == 1 {
			return nil, fmt.Errorf("port %d of the engine's machine is taken: choose another one for %s in ports of the block target \"docker\" %q: %w", port, w.Service, s.target.info.Name, err)
		}
	}
	return nil, fmt.Errorf("no free port from %d on the engine's machine: choose one for %s in ports of the block target \"docker\" %q", first, w.Service, s.target.info.Name)
}

// portTaken reports whether an engine could not publish a port.
func portTaken(err error) bool {
	text := err.Error()
	return strings.Contains(text, "port is already allocated") || strings.Contains(text, "address already in use")
}

// gatewayContainer is what the containers of all gateways have in common.
func (s *session) gatewayContainer(name, image, first string, port int, address netip.Addr) client.ContainerCreateOptions {
	h := hardened()
	h.NetworkMode = container.NetworkMode(first)
	h.RestartPolicy = container.RestartPolicy{Name: container.RestartPolicyUnlessStopped}
	// The gateway is no root, and the ports of http are low ones.
	h.Sysctls = map[string]string{"net.ipv4.ip_unprivileged_port_start": "0"}
	h.Mounts = []mount.Mount{{Type: mount.TypeVolume, Source: gatewayVolume(name), Target: gateway.Dir}}
	exposed := network.PortSet{}
	if port != 0 {
		inside, _ := network.PortFrom(gateway.Plain, network.TCP)
		exposed[inside] = struct{}{}
		h.PortBindings = network.PortMap{inside: {{HostIP: address, HostPort: strconv.Itoa(port)}}}
	}
	grace := int(stopGrace/time.Second) + 5
	return client.ContainerCreateOptions{
		Name:       name,
		Config:     &container.Config{Image: image, StopTimeout: &grace, ExposedPorts: exposed},
		HostConfig: h,
		NetworkingConfig: &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{
			first: {},
		}},
	}
}

func gatewayVolume(name string) string { return name + "-gateway" }

// frontSettings tells whether a gateway's container is as it should be.
func (s *session) frontSettings(w *wanted) string {
	text, _ := json.Marshal([]any{protocol, w.settings.publishes(w), w.settings.port(w.Service), w.settings.address(), w.network, w.Service})
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// look is how often something is looked at that another deploy is about to change.
const look = 50 * time.Millisecond

// startFront starts a gateway's container, and returns when it takes commands.
func (s *session) startFront(ctx context.Context, name string, running bool) error {
	limit := time.Now().Add(quick)
	for !running {
		_, err := s.ContainerStart(ctx, name, client.ContainerStartOptions{})
		if err == nil {
			break
		}
		// Two deploys at once may have made two networks of one name, and the engine
		// looks for them by name here: one of both removes its own.
		if !strings.Contains(err.Error(), "is ambiguous") || time.Now().After(limit) {
			return err
		}
		select {
		case <-time.After(look):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		_, err := s.command(ctx, name, gateway.Request{Op: gateway.OpStatus}, nil)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if time.Now().After(limit) {
			return fmt.Errorf("%w; docker logs %s says why", err, name)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// publishedPort is the port of a gateway on the engine's machine, or 0.
func publishedPort(h *container.HostConfig) int {
	for _, bindings := range h.PortBindings {
		for _, b := range bindings {
			n, _ := strconv.Atoi(b.HostPort)
			return n
		}
	}
	return 0
}

// url is where a deployment answers without a host name of its own.
func (s *session) url(port int) string {
	if port == 0 {
		return ""
	}
	return "http://" + net.JoinHostPort(s.target.settings.reachedAt(), strconv.Itoa(port))
}
