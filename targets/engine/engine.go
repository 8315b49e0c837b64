// Package engine reaches Docker Engines, and what speaks their API: on this machine,
// over TLS, and over ssh.
package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	dockercontext "github.com/docker/cli/cli/context"
	"github.com/docker/cli/cli/context/docker"
	"github.com/moby/moby/client"
)

// Engine is a Docker Engine, or one that speaks its API, such as Podman.
type Engine struct {
	*client.Client
	// Version is the engine's own, such as "28.2.2", and Arch the processor of its
	// machine in Go's name.
	Version, Arch string

	name  string // "docker" or podman
	login *login // nil unless ssh reaches it
}

// podman is the name of the engine that is one.
const podman = "podman"

// answerLimit is how long an engine may take to say that it is there; Podman asks its
// programs first.
const answerLimit = 30 * time.Second

// localLimit is the same where something else runs containers if there is none.
const localLimit = 5 * time.Second

// FindLocal returns the Docker Engine that a docker command of this user would
// talk to, or an error that says why there is none. Only an engine behind a unix
// socket counts: what one on another machine runs is not reachable on loopback.
func FindLocal(ctx context.Context) (*Engine, error) {
	return find(ctx, localLimit, func(address string) error {
		if !isSocket(address) {
			return fmt.Errorf("the Docker Engine at %s is not on this machine", shown(address))
		}
		return nil
	})
}

// Find returns the engine that a docker command of this user would talk to.
func Find(ctx context.Context) (*Engine, error) {
	return find(ctx, answerLimit, func(string) error { return nil })
}

func find(ctx context.Context, limit time.Duration, allowed func(address string) error) (*Engine, error) {
	places, err := places()
	if err != nil {
		return nil, err
	}
	var problems []error
	for _, p := range places {
		if err := allowed(p.Host); err != nil {
			return nil, err
		}
		e, err := connect(ctx, p, limit)
		if err == nil {
			return e, nil
		}
		problems = append(problems, err)
	}
	return nil, fmt.Errorf("no Docker Engine answers: %w", errors.Join(problems...))
}

// Connect returns the engine at an address: unix:///PATH, tcp://HOST:PORT, or
// ssh://USER@HOST, which the ssh command of this machine reaches with its
// configuration and its agent. certificates is the folder with ca.pem, cert.pem and
// key.pem for tcp, or "" for a connection without TLS. An error says how it is mended.
func Connect(ctx context.Context, address, certificates string) (*Engine, error) {
	p := docker.Endpoint{EndpointMeta: docker.EndpointMeta{Host: address}}
	if certificates != "" {
		file := func(name string) string { return filepath.Join(certificates, name) }
		var err error
		if p.TLSData, err = dockercontext.TLSDataFromFiles(file("ca.pem"), file("cert.pem"), file("key.pem")); err != nil {
			return nil, fmt.Errorf("%s: read the certificates: %w", shown(address), err)
		}
	}
	return connect(ctx, p, answerLimit)
}

func connect(ctx context.Context, p docker.Endpoint, limit time.Duration) (*Engine, error) {
	if strings.HasPrefix(p.Host, "ssh://") {
		return connectOverSSH(ctx, p.Host)
	}
	options, err := p.ClientOpts()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shown(p.Host), err)
	}
	e, err := ask(ctx, limit, options...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shown(p.Host), explain(p, err))
	}
	return e, nil
}

// connectOverSSH connects through a docker command on the host, which every connection
// starts anew: so a few are kept.
func connectOverSSH(ctx context.Context, address string) (*Engine, error) {
	l, err := logIn(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shown(address), err)
	}
	transport := &http.Transport{
		DialContext:  func(context.Context, string, string) (net.Conn, error) { return l.dial() },
		MaxIdleConns: keptConnections, MaxIdleConnsPerHost: keptConnections, IdleConnTimeout: time.Minute,
	}
	e, err := ask(ctx, answerLimit, client.WithHTTPClient(&http.Client{Transport: transport, CheckRedirect: client.CheckRedirect}), client.WithHost("tcp://engine"), client.WithDialContext(transport.DialContext))
	if err != nil {
		if ctx.Err() == nil {
			err = l.explain(ctx, err)
		}
		l.end()
		return nil, fmt.Errorf("%s: %w", shown(address), err)
	}
	e.login = l
	return e, nil
}

const keptConnections = 4

// ask makes a client, and asks the engine what it is.
func ask(ctx context.Context, limit time.Duration, options ...client.Opt) (*Engine, error) {
	c, err := client.New(append(options, client.WithUserAgent("twofold"))...)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	v, err := c.ServerVersion(ctx, client.ServerVersionOptions{})
	if err == nil && v.Os != "linux" {
		err = fmt.Errorf("it runs %s containers, and images are for linux", v.Os)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no answer for %s: %w", limit, context.DeadlineExceeded)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	e := &Engine{Client: c, Version: v.Version, Arch: v.Arch, name: "docker"}
	for _, part := range v.Components {
		if strings.HasPrefix(part.Name, "Podman") {
			e.name = podman
		}
	}
	return e, nil
}

// Close ends the connections to the engine. Containers go on running.
func (e *Engine) Close() {
	e.Client.Close()
	if e.login != nil {
		e.login.end()
	}
}

// Describe returns "docker 28.2.2" or "podman 5.4.0".
func (e *Engine) Describe() string { return e.name + " " + e.Version }
