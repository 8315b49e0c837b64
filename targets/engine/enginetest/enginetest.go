// Package enginetest starts a Docker Engine for a test. It needs root and the
// dockerd command.
package enginetest

import (
	"bytes"
	"context"
	"net"
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
		"--default-address-pool", "base=10.200.0.0/14,size=24",
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
		bridges := bridges(t, address)
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(30 * time.Second):
			cmd.Process.Kill()
			<-ended
		}
		removeBridges(t, bridges)
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

// bridges are the network interfaces that an engine has made for its networks. They
// stay when it ends, and each keeps a range of addresses from the engines after it.
func bridges(t testing.TB, address string) []string {
	t.Helper()
	c, err := client.New(client.WithHost(address))
	if err != nil {
		t.Error(err)
		return nil
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	list, err := c.NetworkList(ctx, client.NetworkListOptions{Filters: make(client.Filters).Add("driver", "bridge").Add("type", "custom")})
	if err != nil {
		return nil // it has ended already
	}
	var names []string
	for _, n := range list.Items {
		names = append(names, "br-"+n.ID[:12])
	}
	return names
}

func removeBridges(t testing.TB, names []string) {
	t.Helper()
	for _, name := range names {
		if _, err := net.InterfaceByName(name); err != nil {
			continue
		}
		if out, err := exec.Command("ip", "link", "delete", name).CombinedOutput(); err != nil {
			t.Errorf("remove the bridge %s: %v\n%s", name, err, out)
		}
	}
}
