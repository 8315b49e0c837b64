package engine

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/docker/cli/cli/config"
	dockercontext "github.com/docker/cli/cli/context"
	"github.com/docker/cli/cli/context/docker"
	"github.com/docker/cli/cli/context/store"
	"github.com/moby/moby/client"
)

// places are where to look for an engine, as the docker command does: $DOCKER_HOST,
// else the current context, else the default sockets. The rules are those of its
// options and of resolveContextName,
// https://github.com/docker/cli/blob/master/cli/command/cli.go.
func places() ([]docker.Endpoint, error) {
	dir, err := configuration()
	if err != nil {
		return nil, err
	}
	if host := os.Getenv(client.EnvOverrideHost); host != "" {
		p, err := environmentPlace(dir, host)
		return []docker.Endpoint{p}, err
	}
	name, err := currentContext(dir)
	if err != nil {
		return nil, err
	}
	if name != "" && name != "default" {
		p, err := contextPlace(dir, name)
		return []docker.Endpoint{p}, err
	}
	list := []docker.Endpoint{at(client.DefaultDockerHost)}
	if run := os.Getenv("XDG_RUNTIME_DIR"); run != "" {
		list = append(list, at("unix://"+filepath.Join(run, "docker.sock")))
	}
	return list, nil
}

func at(host string) docker.Endpoint {
	return docker.Endpoint{EndpointMeta: docker.EndpointMeta{Host: host}}
}

// configuration is the folder of the docker command's configuration.
func configuration() (string, error) {
	if dir := os.Getenv(config.EnvOverrideConfigDir); dir != "" {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find the configuration of the docker command: %w", err)
	}
	return filepath.Join(home, ".docker"), nil
}

// environmentPlace is the engine at $DOCKER_HOST, with TLS if $DOCKER_TLS_VERIFY is
// set: with the files of $DOCKER_CERT_PATH, else of the configuration.
func environmentPlace(dir, host string) (docker.Endpoint, error) {
	p := at(host)
	if os.Getenv(client.EnvTLSVerify) == "" || isSocket(host) || strings.HasPrefix(host, "ssh://") {
		return p, nil
	}
	if path := os.Getenv(client.EnvOverrideCertPath); path != "" {
		dir = path
	}
	var files [3]string
	for i, name := range []string{"ca.pem", "cert.pem", "key.pem"} {
		// As with the docker command, one that is not there is not used.
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			files[i] = filepath.Join(dir, name)
		}
	}
	var err error
	if p.TLSData, err = dockercontext.TLSDataFromFiles(files[0], files[1], files[2]); err != nil {
		return p, fmt.Errorf("read the certificates for %s=%s: %w", client.EnvOverrideHost, shown(host), err)
	}
	if p.TLSData == nil {
		p.TLSData = &dockercontext.TLSData{}
	}
	return p, nil
}

func currentContext(dir string) (string, error) {
	if name := os.Getenv("DOCKER_CONTEXT"); name != "" {
		return name, nil
	}
	c, err := config.Load(dir)
	if err != nil {
		return "", fmt.Errorf("read the configuration of the docker command: %w", err)
	}
	return c.CurrentContext, nil
}

func contextPlace(dir, name string) (docker.Endpoint, error) {
	var p docker.Endpoint
	s := store.New(filepath.Join(dir, "contexts"), store.NewConfig(
		func() any { return &map[string]any{} },
		store.EndpointTypeGetter(docker.DockerEndpoint, func() any { return &docker.EndpointMeta{} }),
	))
	meta, err := s.GetMetadata(name)
	if err == nil {
		p.EndpointMeta, err = docker.EndpointFromContext(meta)
	}
	if err == nil {
		p, err = docker.WithTLSData(s, name, p.EndpointMeta)
	}
	if err != nil {
		return p, fmt.Errorf("the docker command's context %q: %w: docker context ls shows those that there are, docker context use NAME takes one", name, err)
	}
	if p.Host == "" {
		p.Host = client.DefaultDockerHost
	}
	return p, nil
}

func isSocket(address string) bool { return strings.HasPrefix(address, "unix://") }

// shown is an address without the password that it may hold by mistake.
func shown(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "the engine"
	}
	return u.Redacted()
}
