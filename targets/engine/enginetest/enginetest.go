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
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/moby/moby/client"
)

// Start starts an engine of the test's own, which ends with the test, and returns
// its address for DOCKER_HOST.
func Start(t testing.TB) string {
	t.Helper()
	return New(t, "").Address
}

// Engine is an engine of a test's own.
type Engine struct {
	// Address is for DOCKER_HOST.
	Address string
	// Data is the folder with its images, containers and volumes.
	Data string

	arguments []string

	dir    string
	cmd    *exec.Cmd
	output *bytes.Buffer
	ended  chan struct{}
}

// New starts an engine, which ends with the test. data is the folder for its images,
// containers and volumes, or "" for a new one; arguments are more of dockerd's.
func New(t testing.TB, data string, arguments ...string) *Engine {
	t.Helper()
	// A socket's path must be short, and t.TempDir has the test's name in it.
	dir, err := os.MkdirTemp("", "engine-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if data == "" {
		data = filepath.Join(dir, "data")
	}
	e := &Engine{Address: "unix://" + filepath.Join(dir, "docker.sock"), Data: data, arguments: arguments, dir: dir}
	e.Begin(t)
	t.Cleanup(func() {
		bridges := bridges(t, e.Address)
		e.End(t, syscall.SIGTERM)
		removeBridges(t, bridges)
	})
	return e
}

// Begin starts an engine that has ended, with what it had.
func (e *Engine) Begin(t testing.TB) {
	t.Helper()
	// An engine that was killed leaves the number of its containerd behind, which it takes
	// for one that runs while nobody has asked how that process ended.
	os.Remove(filepath.Join(e.dir, "exec", "containerd", "containerd.pid"))
	e.output, e.ended = new(bytes.Buffer), make(chan struct{})
	e.cmd = exec.Command("dockerd", append([]string{
		"--host", e.Address,
		"--data-root", e.Data,
		"--exec-root", filepath.Join(e.dir, "exec"),
		"--pidfile", filepath.Join(e.dir, "pid"),
		"--iptables=false", "--ip6tables=false", "--bip=172.31.251.1/24",
		"--default-address-pool", "base=10.200.0.0/14,size=24",
	}, e.arguments...)...)
	e.cmd.Stdout, e.cmd.Stderr = e.output, e.output
	if err := e.cmd.Start(); err != nil {
		t.Fatalf("start dockerd: %v", err)
	}
	cmd, ended := e.cmd, e.ended
	go func() {
		cmd.Wait()
		close(ended)
	}()
	await(t, e.Address, e.ended, e.output)
}

// End sends a signal to an engine, and returns when it has ended.
func (e *Engine) End(t testing.TB, signal syscall.Signal) {
	t.Helper()
	e.cmd.Process.Signal(signal)
	select {
	case <-e.ended:
	case <-time.After(30 * time.Second):
		t.Logf("dockerd does not end after %s, and is killed", signal)
		e.cmd.Process.Kill()
		<-e.ended
	}
}

// LosePower ends an engine with all of its containers, none of which is told.
func (e *Engine) LosePower(t testing.TB) {
	t.Helper()
	all := e.containers(t)
	e.End(t, syscall.SIGKILL)
	for _, pid := range append(all, e.programs(t)...) {
		syscall.Kill(pid, syscall.SIGKILL)
	}
}

// containers are the processes of the containers that run.
func (e *Engine) containers(t testing.TB) (pids []int) {
	t.Helper()
	c, err := client.New(client.WithHost(e.Address))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	list, err := c.ContainerList(ctx, client.ContainerListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range list.Items {
		found, err := c.ContainerInspect(ctx, one.ID, client.ContainerInspectOptions{})
		if err != nil || found.Container.State == nil || found.Container.State.Pid <= 0 {
			t.Fatalf("find the process of container %s: %v", one.ID, err)
		}
		pids = append(pids, found.Container.State.Pid)
	}
	return pids
}

// programs are the processes that the engine has started for itself: each names its
// folder.
func (e *Engine) programs(t testing.TB) (pids []int) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		line, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline"))
		if err == nil && bytes.Contains(line, []byte(e.dir+"/")) {
			pids = append(pids, pid)
		}
	}
	return pids
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
