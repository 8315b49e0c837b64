package docker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"github.com/moby/moby/api/types/network"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/docker/gateway"
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
	if err := s.ensureEdge(ctx, w); err != nil {
		return false, err
	}
	say(w.Deployment, false, "giving the host name %s to it", w.Domain)
	route := gateway.Route{
		Hosts: []string{w.Domain}, TLS: true, TLSPort: s.target.settings.tlsPort(), Start: quick,
		Backends: []string{net.JoinHostPort(f.name, strconv.Itoa(gateway.Passed))},
	}
	_, err = s.command(ctx, edgeName, gateway.Request{Op: gateway.OpSet, Name: w.name, Route: &route}, nil)
	if err != nil {
		return false, fmt.Errorf("give the host name %s to it: %w", w.Domain, err)
	}
	if _, err := s.command(ctx, edgeName, gateway.Request{Op: gateway.OpCertify, Name: w.Domain}, nil); err != nil {
		say(w.Deployment, true, "%v: point the name's A and AAAA records at the engine's machine, and let ports %d and %d in; the gateway tries again at the next request", err, s.target.settings.plainPort(), s.target.settings.tlsPort())
	}
	return true, nil
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
		if err := s.createContainer(ctx, o, id); err != nil {
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
// last one. The volume with the certificates stays, for authorities count how often
// one is asked for.
func (s *session) leaveEdge(ctx context.Context, name string) error {
	routes, err := s.edgeRoutes(ctx)
	if err != nil {
		return err
	}
	if _, exists := routes[name]; !exists {
		return nil
	}
	if _, err := s.command(ctx, edgeName, gateway.Request{Op: gateway.OpRemove, Name: name}, nil); err != nil {
		return err
	}
	if len(routes) > 1 {
		return nil
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
