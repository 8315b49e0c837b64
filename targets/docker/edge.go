package docker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/network"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/gateway"
)

// edgeNetwork joins the gateways of the deployments with the one that has the host
// names, which is a container of the same name.
const edgeNetwork, edgeName = "twofold-edge", "twofold-edge"

// checkDomain reports a domain that another deployment has, before anything is made.
func (s *session) checkDomain(ctx context.Context, w *wanted) error {
	if w.Domain == "" {
		return nil
	}
	live, err := s.edgeRoutes(ctx)
	if err != nil {
		return err
	}
	for name, r := range live {
		for _, host := range r.Hosts {
			if host == w.Domain && name != w.name {
				return fmt.Errorf("the domain %s belongs to %s on this engine: destroy that one, or give it another domain", host, name)
			}
		}
	}
	return nil
}

// edgeRoutes are those of the edge; none if there is no edge.
func (s *session) edgeRoutes(ctx context.Context) (map[string]gateway.RouteStatus, error) {
	found, err := s.inspect(ctx, edgeName)
	if err != nil || found == nil || !found.State.Running {
		return nil, err
	}
	reply, err := s.command(ctx, edgeName, gateway.Request{Op: gateway.OpStatus}, nil)
	return reply.Routes, err
}

// domain makes the edge send the requests for a deployment's host name to its
// gateway, or not any more.
func (s *session) domain(ctx context.Context, w *wanted, f *front) (changed bool, err error) {
	routes, err := s.edgeRoutes(ctx)
	if err != nil {
		return false, err
	}
	has, exists := routes[w.name]
	if w.Domain == "" {
		if !exists {
			return false, nil
		}
		return true, s.leaveEdge(ctx, w.name)
	}
	if exists && len(has.Hosts) == 1 && has.Hosts[0] == w.Domain && has.TLSPort == s.target.settings.tlsPort() {
		return false, nil
	}
	if err := s.withEdge(ctx, w, func(ctx context.Context) error { return s.join(ctx, w, f) }); err != nil {
		return false, err
	}
	if _, err := s.command(ctx, edgeName, gateway.Request{Op: gateway.OpCertify, Name: w.Domain}, nil); err != nil {
		say(w.Deployment, true, "%v: point the name's A and AAAA records at the engine's machine, and let ports %d and %d in; the gateway tries again at the next request", err, s.target.settings.plainPort(), s.target.settings.tlsPort())
	}
	return true, nil
}

// edgeLock is held by whoever gives or takes a host name: the edge goes with the last
// one.
const edgeLock = "hosts"

// withEdge makes the edge run, and calls f with its lock.
func (s *session) withEdge(ctx context.Context, w *wanted, f func(context.Context) error) error {
	const most = 5
	for attempt := 1; ; attempt++ {
		err := s.ensureEdge(ctx, w)
		if err == nil {
			var held context.Context
			var release func()
			if held, release, err = s.hold(ctx, edgeName, edgeLock, func() {}); err == nil {
				defer release()
				return instead(held, f(held))
			}
		}
		// The last one may have gone meanwhile, or another first one has come.
		found, lookErr := s.inspect(ctx, edgeName)
		if lookErr != nil || attempt == most || !errors.Is(err, errMoved) && found != nil && found.State.Running {
			return err
		}
	}
}

// join makes the edge send the requests for a deployment's host name to its gateway.
func (s *session) join(ctx context.Context, w *wanted, f *front) error {
	say(w.Deployment, false, "giving the host name %s to it", w.Domain)
	route := gateway.Route{
		Hosts: []string{w.Domain}, TLS: true, TLSPort: s.target.settings.tlsPort(), Start: quick,
		Backends: []string{net.JoinHostPort(f.name, strconv.Itoa(gateway.Passed))},
	}
	if _, err := s.command(ctx, edgeName, gateway.Request{Op: gateway.OpSet, Name: w.name, Route: &route}, nil); err != nil {
		return fmt.Errorf("give the host name %s to it: %w", w.Domain, err)
	}
	return nil
}

// ensureEdge makes the edge run, which listens for all host names of the engine.
func (s *session) ensureEdge(ctx context.Context, w *wanted) error {
	found, err := s.inspect(ctx, edgeName)
	if err != nil {
		return err
	}
	if found != nil && found.Config.Labels[labelRole] != roleEdge {
		return fmt.Errorf("there is a container %s that is not twofold's: rename it with docker rename", edgeName)
	}
	if found == nil {
		image, err := s.gatewayImage(ctx)
		if err != nil {
			return err
		}
		id, err := s.ensureNetwork(ctx, edgeNetwork, targets.Key{})
		if err != nil {
			return err
		}
		address := netip.IPv4Unspecified()
		o := s.gatewayContainer(edgeName, image, id, s.target.settings.plainPort(), address)
		tls, _ := network.PortFrom(gateway.TLS, network.TCP)
		o.Config.ExposedPorts[tls] = struct{}{}
		o.HostConfig.PortBindings[tls] = []network.PortBinding{{HostIP: address, HostPort: strconv.Itoa(s.target.settings.tlsPort())}}
		o.Config.Cmd = []string{gateway.VerbServe, gateway.EdgeFlag}
		o.Config.Labels = s.target.labels(targets.Key{}, roleEdge)
		if err := s.createContainer(ctx, o, id); errdefs.IsConflict(err) {
			return errMoved
		} else if err != nil {
			return err
		}
	}
	if err := s.startFront(ctx, edgeName, found != nil && found.State.Running); err != nil {
		if found == nil {
			ending, cancel := s.lasting(ctx)
			defer cancel()
			err = errors.Join(err, s.removeContainer(ending, edgeName))
		}
		return fmt.Errorf("start the gateway of the host names: %w", err)
	}
	acme, err := s.target.settings.acme()
	if err != nil {
		return err
	}
	_, err = s.command(ctx, edgeName, gateway.Request{Op: gateway.OpACME, ACME: &acme}, nil)
	return err
}

// leaveEdge takes the host name of a deployment away, and removes the edge with the
// last one, or when it has none. The volume with the certificates stays, for authorities count how often
// one is asked for.
func (s *session) leaveEdge(ctx context.Context, name string) error {
	found, err := s.inspect(ctx, edgeName)
	if err != nil || found == nil || found.Config.Labels[labelRole] != roleEdge {
		return err
	}
	if err := s.startFront(ctx, edgeName, found.State.Running); err != nil {
		return fmt.Errorf("start the gateway of the host names: %w", err)
	}
	routes, err := s.edgeRoutes(ctx)
	if _, exists := routes[name]; err != nil || !exists && len(routes) > 0 {
		return err
	}
	_, release, err := s.hold(ctx, edgeName, edgeLock, func() {})
	if err != nil {
		if found, lookErr := s.inspect(ctx, edgeName); lookErr == nil && found == nil {
			return nil // somebody else was faster
		}
		return err
	}
	defer release()
	if _, err := s.command(ctx, edgeName, gateway.Request{Op: gateway.OpRemove, Name: name}, nil); err != nil {
		return err
	}
	if routes, err = s.edgeRoutes(ctx); err != nil || len(routes) > 0 {
		return err
	}
	if err := s.stopAll(ctx, []string{edgeName}); err != nil {
		return err
	}
	return s.removeContainer(ctx, edgeName)
}

// domainStatus says under which host name a deployment is reached.
func (s *session) domainStatus(ctx context.Context, st *targets.Status, _ gateway.RouteStatus) {
	routes, err := s.edgeRoutes(ctx)
	if err != nil {
		return
	}
	if r, ok := routes[deploymentName(st.Key)]; ok && len(r.Hosts) > 0 {
		st.URL = "https://" + r.Hosts[0]
		if port := s.target.settings.tlsPort(); port != 443 {
			st.URL += ":" + strconv.Itoa(port)
		}
	}
}
