// Package enginetest starts a Docker Engine for a test. It needs root and the
// dockerd command.
package enginetest

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/moby/moby/client"
)

// Start starts an engine of the test's own, which ends with the test, and returns
// its address for DOCKER_HOST.
func Start(t testing.TB) string {
	t.Helper()
	// A socket's path must be short, and t.TempDir has the test's name in it.
	dir, err := os.MkdirTemp("", "engine-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	address := "unix://" + filepath.Join(dir, "docker.sock")
	output := new(bytes.Buffer)
	cmd := exec.Command("dockerd",
		"--host", address,
		"--data-root", filepath.Join(dir, "data"),
		"--exec-root", filepath.Join(dir, "exec"),
		"--pidfile", filepath.Join(dir, "pid"),
		"--iptables=false", "--ip6tables=false", "--bip=172.31.251.1/24",
	)
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatalf("start dockerd: %v", err)
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(30 * time.Second):
			cmd.Process.Kill()
			<-ended
		}
	})
	await(t, address, ended, output)
	return address
}

func await(t testing.TB, address string, ended <-chan struct{}, output *bytes.Buffer) {
	t.Helper()
	c, err := client.New(client.WithHost(address))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		if _, err := c.Ping(ctx, client.PingOptions{}); err == nil {
			return
		}
		select {
		case <-ended:
			t.Fatalf("dockerd ended as it started:\n%s", output)
		case <-ctx.Done():
			t.Fatal("dockerd does not answer")
		case <-time.After(20 * time.Millisecond):
		}
	}
}
