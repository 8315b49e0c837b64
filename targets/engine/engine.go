// Package engine reaches Docker Engines, and what speaks their API: on this machine,
// over TLS, and over ssh.
package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/docker/cli/cli/connhelper"
	"github.com/moby/moby/api/types/system"
	"github.com/moby/moby/client"
)

// Engine is a Docker Engine, or one that speaks its API, such as Podman.
type Engine struct {
	*client.Client
	// Version is the engine's own, such as "28.2.2", and Arch the processor of its
	// machine in Go's name.
	Version, Arch string

	podman bool
}

// answerLimit is how long an engine may take to say that it is there.
const answerLimit = time.Second

// remoteLimit is the same for one on another machine, with the login.
const remoteLimit = 30 * time.Second

// FindLocal returns the Docker Engine that a docker command of this user would
// talk to, or an error that says why there is none. Only an engine behind a unix
// socket counts: what one on another machine runs is not reachable on loopback.
func FindLocal(ctx context.Context) (*Engine, error) {
	var problems []error
	for _, address := range engineAddresses() {
		if !strings.HasPrefix(address, "unix://") {
			return nil, fmt.Errorf("the Docker Engine at %s is not on this machine", address)
		}
		e, err := connect(ctx, address, client.WithHost(address))
		if err == nil {
			return e, nil
		}
		problems = append(problems, err)
	}
	return nil, fmt.Errorf("no Docker Engine answers: %w", errors.Join(problems...))
}

// Find returns the engine that a docker command of this user would talk to.
func Find(ctx context.Context) (*Engine, error) {
	var problems []error
	for _, address := range engineAddresses() {
		e, err := Connect(ctx, address, "")
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
// key.pem for tcp, or "" for a connection without TLS.
func Connect(ctx context.Context, address, certificates string) (*Engine, error) {
	helper, err := connhelper.GetConnectionHelper(address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	options := []client.Opt{client.WithHost(address)}
	if helper != nil {
		options = []client.Opt{client.WithHost(helper.Host), client.WithDialContext(helper.Dialer)}
	}
	if certificates != "" {
		file := func(name string) string { return filepath.Join(certificates, name) }
		options = append(options, client.WithTLSClientConfig(file("ca.pem"), file("cert.pem"), file("key.pem")))
	}
	return connect(ctx, address, options...)
}

func connect(ctx context.Context, address string, options ...client.Opt) (*Engine, error) {
	c, err := client.New(append(options, client.WithUserAgent("twofold"))...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	limit := answerLimit
	if !strings.HasPrefix(address, "unix://") {
		limit = remoteLimit
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	v, err := c.ServerVersion(ctx, client.ServerVersionOptions{})
	if err == nil && v.Os != "linux" {
		err = fmt.Errorf("it runs %s containers, and images are for linux", v.Os)
	}
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	podman := slices.ContainsFunc(v.Components, func(c system.ComponentVersion) bool { return strings.HasPrefix(c.Name, "Podman") })
	return &Engine{Client: c, Version: v.Version, Arch: v.Arch, podman: podman}, nil
}

// Close ends the connections to the engine. Containers go on running.
func (e *Engine) Close() { e.Client.Close() }

// Describe returns "docker 28.2.2".
func (e *Engine) Describe() string { return "docker " + e.Version }

// engineAddresses are where to look, as the docker command does: $DOCKER_HOST,
// else the current context, else the default sockets.
func engineAddresses() []string {
	if host := os.Getenv("DOCKER_HOST"); host != "" {
		return []string{host}
	}
	if host := contextAddress(); host != "" {
		return []string{host}
	}
	list := []string{client.DefaultDockerHost}
	if run := os.Getenv("XDG_RUNTIME_DIR"); run != "" {
		list = append(list, "unix://"+filepath.Join(run, "docker.sock"))
	}
	return list
}

// contextAddress returns the address of the docker command's current context, or
// "" if that is the default one.
func contextAddress() string {
	dir := os.Getenv("DOCKER_CONFIG")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		dir = filepath.Join(home, ".docker")
	}
	name := os.Getenv("DOCKER_CONTEXT")
	if name == "" {
		var config struct{ CurrentContext string }
		text, err := os.ReadFile(filepath.Join(dir, "config.json"))
		if err != nil || json.Unmarshal(text, &config) != nil {
			return ""
		}
		name = config.CurrentContext
	}
	if name == "" || name == "default" {
		return ""
	}
	sum := sha256.Sum256([]byte(name))
	text, err := os.ReadFile(filepath.Join(dir, "contexts", "meta", hex.EncodeToString(sum[:]), "meta.json"))
	if err != nil {
		return ""
	}
	var meta struct {
		Endpoints map[string]struct{ Host string }
	}
	if json.Unmarshal(text, &meta) != nil {
		return ""
	}
	return meta.Endpoints["docker"].Host
}
