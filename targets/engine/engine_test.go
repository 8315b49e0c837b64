package engine

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestASocketThatNobodyServes(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ address, fix string }{
		{"unix://" + filepath.Join(dir, "docker.sock"), ": start the engine"},
		{"unix://" + filepath.Join(dir, "podman", "podman.sock"), ": start Podman's service: sudo systemctl start podman.socket"},
		{"unix:///run/user/4000000000/podman/podman.sock", ": start Podman's service: systemctl --user start podman.socket"},
	} {
		_, err := Connect(t.Context(), c.address, "")
		if err == nil || !strings.HasPrefix(err.Error(), c.address+": ") || !strings.HasSuffix(err.Error(), c.fix) {
			t.Errorf("%s: got %v", c.address, err)
		}
	}
}

func TestPlacesAreThoseOfTheDockerCommand(t *testing.T) {
	for _, name := range []string{"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"} {
		t.Setenv(name, "")
	}
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	t.Setenv("XDG_RUNTIME_DIR", "/run/user/1000")
	hosts := func() string {
		list, err := places()
		if err != nil {
			return err.Error()
		}
		var all []string
		for _, p := range list {
			all = append(all, p.Host)
		}
		return strings.Join(all, " ")
	}
	if got := hosts(); !strings.HasPrefix(got, "unix:///var/run/docker.sock ") || !strings.HasSuffix(got, " unix:///run/user/1000/docker.sock") {
		t.Errorf("without anything: %s", got)
	}
	t.Setenv("DOCKER_CONTEXT", "shop")
	if got := hosts(); !strings.Contains(got, `context "shop"`) {
		t.Errorf("with a context that there is not: %s", got)
	}
	t.Setenv("DOCKER_CONTEXT", "default")
	if got := hosts(); !strings.HasPrefix(got, "unix:///var/run/docker.sock ") {
		t.Errorf("with the context default: %s", got)
	}
	t.Setenv("DOCKER_CONTEXT", "shop")
	t.Setenv("DOCKER_HOST", "tcp://10.0.0.1:2375")
	if got := hosts(); got != "tcp://10.0.0.1:2375" {
		t.Errorf("DOCKER_HOST is before a context, and it is %s", got)
	}
	t.Setenv("DOCKER_TLS_VERIFY", "1")
	list, err := places()
	if err != nil || len(list) != 1 || list[0].TLSData == nil {
		t.Errorf("with DOCKER_TLS_VERIFY: %+v, %v", list, err)
	}
	t.Setenv("DOCKER_HOST", "ssh://deploy:hunter2@shop")
	if _, err := Find(t.Context()); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("with a password in the address: %v", err)
	}
}
