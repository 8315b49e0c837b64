package container

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/moby/moby/client"
)

// Engine is a Docker Engine on this machine.
type Engine struct {
	client  *client.Client
	version string
}

// answerLimit is how long an engine may take to say that it is there.
const answerLimit = time.Second

// FindEngine returns the Docker Engine that a docker command of this user would
// talk to, or an error that says why there is none. Only an engine behind a unix
// socket counts: what one on another machine runs is not reachable on loopback.
func FindEngine(ctx context.Context) (*Engine, error) {
	var problems []error
	for _, address := range engineAddresses() {
		if !strings.HasPrefix(address, "unix://") {
			return nil, fmt.Errorf("the Docker Engine at %s is not on this machine", address)
		}
		e, err := connect(ctx, address)
		if err == nil {
			return e, nil
		}
		problems = append(problems, err)
	}
	return nil, fmt.Errorf("no Docker Engine answers: %w", errors.Join(problems...))
}

func connect(ctx context.Context, address string) (*Engine, error) {
	c, err := client.New(client.WithHost(address), client.WithUserAgent("twofold"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	v, err := c.ServerVersion(ctx, client.ServerVersionOptions{})
	if err == nil && v.Os != "linux" {
		err = fmt.Errorf("it runs %s containers, and images are for linux", v.Os)
	}
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	return &Engine{client: c, version: v.Version}, nil
}

// Close ends the connections to the engine. Containers go on running.
func (e *Engine) Close() { e.client.Close() }

// Describe returns "docker 28.2.2".
func (e *Engine) Describe() string { return "docker " + e.version }

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
