// Package kubetest starts a real Kubernetes cluster of one node for tests, and a
// registry that its node pulls from. It needs root and what e2e/install.sh kube
// installs.
package kubetest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Cluster is a running cluster. There is one on a machine at a time.
type Cluster struct {
	// Kubeconfig is the path of the administrator's kubeconfig.
	Kubeconfig string
	// Node is the node's address: NodePorts answer there.
	Node string
	// Registry is the host and port of an empty registry that speaks plain HTTP, by
	// the same name from here and from the node.
	Registry string
	// Logs is the folder of the logs of the cluster's programs, until Stop.
	Logs string
	// Link is the network interface by which this machine reaches the node: set it
	// down, and the cluster is cut off.
	Link string
	// Certificates is the folder of the node's hosts.toml files, by registry.
	Certificates string

	programs string
	dir      string
	running  *exec.Cmd
	alive    io.Closer
	output   *bytes.Buffer
}

// Start starts a cluster, for a TestMain, and returns once pods can run. Stop ends
// it; it also ends when this process does, however that happens. Where another
// cluster runs the error says so.
func Start(ctx context.Context) (c *Cluster, err error) {
	programs, err := findPrograms(ctx)
	if err != nil {
		return nil, fmt.Errorf("kubetest: %w", err)
	}
	dir, err := os.MkdirTemp("", "kubetest-")
	if err != nil {
		return nil, err
	}
	c = &Cluster{programs: programs, dir: dir, output: new(bytes.Buffer)}
	defer func() {
		if err != nil {
			c.Stop()
			c = nil
		}
	}()
	command := filepath.Join(dir, "cluster")
	build := exec.CommandContext(ctx, "go", "build", "-o", command, "github.com/twofoldhq/twofold/targets/kubernetes/kubetest/cluster")
	if out, err := build.CombinedOutput(); err != nil {
		return c, fmt.Errorf("kubetest: go build: %w\n%s", err, out)
	}
	// It outlives a signal from the terminal, and cleans up when its input ends.
	cmd := exec.Command(command, programs)
	cmd.Stderr = c.output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	input, err := cmd.StdinPipe()
	if err != nil {
		return c, err
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return c, err
	}
	if err := cmd.Start(); err != nil {
		return c, err
	}
	c.running, c.alive = cmd, input
	stop := context.AfterFunc(ctx, func() { input.Close() })
	defer stop()
	line, err := bufio.NewReader(output).ReadBytes('\n')
	if err != nil {
		cmd.Wait()
		c.running = nil
		return c, fmt.Errorf("kubetest: start a cluster: %s", bytes.TrimSpace(c.output.Bytes()))
	}
	if err := json.Unmarshal(line, c); err != nil {
		return c, fmt.Errorf("kubetest: %w", err)
	}
	return c, nil
}

// Stop ends the cluster and leaves the machine as it was.
func (c *Cluster) Stop() error {
	var err error
	if c.running != nil {
		c.alive.Close()
		if err = c.running.Wait(); err != nil {
			err = fmt.Errorf("kubetest: the cluster ended: %w: %s", err, c.output)
		}
	}
	os.RemoveAll(c.dir)
	return err
}

// Kubectl is the command kubectl of the cluster's version, as the administrator.
func (c *Cluster) Kubectl(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(c.programs, "kubectl"), args...)
	// What another cluster at this address had is not what this one has.
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig, "KUBECACHEDIR="+filepath.Join(c.dir, "cache"))
	return cmd
}

// PlainHTTP makes the node ask a further registry without TLS.
func (c *Cluster) PlainHTTP(registry string) error {
	dir := filepath.Join(c.Certificates, registry)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	text := fmt.Sprintf("[host.%q]\n  capabilities = [\"pull\", \"resolve\"]\n", "http://"+registry)
	return os.WriteFile(filepath.Join(dir, "hosts.toml"), []byte(text), 0o600)
}

// findPrograms returns the folder of what e2e/install.sh kube built.
func findPrograms(ctx context.Context) (string, error) {
	module, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/twofoldhq/twofold").Output()
	if err != nil {
		return "", fmt.Errorf("find the module's folder: %w", err)
	}
	script := filepath.Join(strings.TrimSpace(string(module)), "e2e", "kube", "build.sh")
	dir, err := exec.CommandContext(ctx, script, "path").Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", script, err)
	}
	programs := strings.TrimSpace(string(dir))
	if _, err := os.Stat(programs); err != nil {
		return "", fmt.Errorf("the cluster's programs are not built: run e2e/install.sh kube")
	}
	return programs, nil
}
