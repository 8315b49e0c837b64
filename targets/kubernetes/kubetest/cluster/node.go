package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// first is the namespaces' process 1: it makes them what the node needs, starts the
// node, and reaps what containers leave behind.
func first(args []string) error {
	if err := mountAll(args[1]); err != nil {
		return err
	}
	cmd := exec.Command("/proc/self/exe", append([]string{"node"}, args...)...)
	cmd.Stdin, cmd.Stderr, cmd.ExtraFiles = os.Stdin, os.Stderr, []*os.File{os.NewFile(3, "ready")}
	if err := cmd.Start(); err != nil {
		return err
	}
	cmd.ExtraFiles[0].Close()
	for {
		pid, err := syscall.Wait4(-1, nil, 0, nil)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return err
		}
		if pid == cmd.Process.Pid {
			return errors.New("the node ended")
		}
	}
}

// kernelSettings are what the kubelet wants of the whole machine. It finds them in
// files that are mounted in their places; the machine's own stay as they are.
var kernelSettings = map[string]string{
	"/proc/sys/vm/overcommit_memory":      "1",
	"/proc/sys/vm/panic_on_oom":           "0",
	"/proc/sys/kernel/panic":              "10",
	"/proc/sys/kernel/panic_on_oops":      "1",
	"/proc/sys/kernel/keys/root_maxkeys":  "1000000",
	"/proc/sys/kernel/keys/root_maxbytes": "25000000",
}

func mountAll(state string) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("keep mounts apart: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	// Fixed paths of containerd, the kubelet and the network plugins lie below these.
	for _, dir := range []string{"/run", "/var/lib", "/var/log"} {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=755"); err != nil {
			return fmt.Errorf("mount %s: %w", dir, err)
		}
	}
	for path, value := range kernelSettings {
		file := filepath.Join(state, "node", filepath.Base(path))
		if err := os.WriteFile(file, []byte(value+"\n"), 0o600); err != nil {
			return err
		}
		if err := syscall.Mount(file, path, "", syscall.MS_BIND, ""); err != nil && !errors.Is(err, syscall.ENOENT) {
			return fmt.Errorf("mount %s: %w", path, err)
		}
	}
	return nil
}

// node runs the cluster's programs.
type node struct {
	paths
	ended  chan error // of a program
	client *http.Client
}

func runNode(p paths) error {
	io.Copy(io.Discard, os.Stdin) // ends when the network is there
	n := &node{paths: p, ended: make(chan error, 16)}
	if err := n.network(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	if err := n.start(ctx); err != nil {
		return err
	}
	ready := os.NewFile(3, "ready")
	if _, err := ready.Write([]byte("\n")); err != nil {
		return err
	}
	return <-n.ended
}

func (n *node) network() error {
	for _, args := range []string{
		"link set lo up", "addr add " + nodeAddress + "/24 dev eth0", "link set eth0 up", "route add default via " + hostAddress,
	} {
		if err := run("ip", strings.Fields(args)...); err != nil {
			return err
		}
	}
	for file, needed := range map[string]bool{
		"ipv4/ip_forward": true, "ipv4/conf/all/route_localnet": true,
		"bridge/bridge-nf-call-iptables": false, // only there where the kernel's module is
	} {
		if err := os.WriteFile("/proc/sys/net/"+file, []byte("1"), 0); err != nil && needed {
			return err
		}
	}
	return nil
}

func (n *node) start(ctx context.Context) error {
	programs := func(list map[string][]string) error {
		for name, command := range list {
			if err := n.program(name, command); err != nil {
				return err
			}
		}
		return nil
	}
	if err := n.trust(); err != nil {
		return err
	}
	if err := programs(map[string][]string{"etcd": n.etcd(), "apiserver": n.apiServer(), "containerd": n.containerd()}); err != nil {
		return err
	}
	const api = "https://" + nodeAddress + ":6443"
	if err := n.await(ctx, "the API server", api+"/readyz", nil); err != nil {
		return err
	}
	if err := n.await(ctx, "containerd", "", func([]byte) bool {
		c, err := net.Dial("unix", "/run/containerd.sock")
		if err == nil {
			c.Close()
		}
		return err == nil
	}); err != nil {
		return err
	}
	if err := programs(map[string][]string{
		"controller-manager": n.controllerManager(), "scheduler": n.scheduler(), "kubelet": n.kubelet(), "proxy": n.proxy(), "dns": n.dns(),
	}); err != nil {
		return err
	}
	if err := run(filepath.Join(n.programs, "kubectl"), "--kubeconfig", n.credential("admin.kubeconfig"), "apply", "-f", n.node("dns.json")); err != nil {
		return err
	}
	for _, w := range []struct {
		what, url string
		enough    func([]byte) bool
	}{
		{"the default service account", api + "/api/v1/namespaces/default/serviceaccounts/default", nil},
		{"the node", api + "/api/v1/nodes/" + nodeName, isReady},
		{"kube-proxy", "http://127.0.0.1:10256/healthz", nil},
		{"CoreDNS", "", func([]byte) bool {
			c, err := net.Dial("tcp", nodeAddress+":53")
			if err == nil {
				c.Close()
			}
			return err == nil
		}},
	} {
		if err := n.await(ctx, w.what, w.url, w.enough); err != nil {
			return err
		}
	}
	return nil
}

// program starts a program, whose end is the cluster's.
func (n *node) program(name string, command []string) error {
	log, err := os.Create(n.log(name))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		err := cmd.Wait()
		text, _ := os.ReadFile(n.log(name))
		n.ended <- fmt.Errorf("%s ended: %v\n%s", name, err, text[max(0, len(text)-4096):])
	}()
	return nil
}

// trust makes the client that the API server knows as an administrator.
func (n *node) trust() error {
	pair, err := tls.LoadX509KeyPair(n.credential("admin.crt"), n.credential("admin.key"))
	if err != nil {
		return err
	}
	ca, err := os.ReadFile(n.credential("ca.crt"))
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	n.client = &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool}},
	}
	return nil
}

// await waits until a page answers 200 and its body is enough. Without a URL only
// enough decides.
func (n *node) await(ctx context.Context, what, url string, enough func([]byte) bool) error {
	for {
		var body []byte
		var last error
		if url != "" {
			body, last = n.get(ctx, url)
		}
		if last == nil {
			if enough == nil || enough(body) {
				return nil
			}
			last = fmt.Errorf("not yet: %s", bytes.TrimSpace(body))
		}
		select {
		case err := <-n.ended:
			return err
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w", what, last)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (n *node) get(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := n.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, body)
	}
	return body, err
}

// isReady tells whether a node takes pods.
func isReady(body []byte) bool {
	var n struct {
		Spec struct {
			Taints []any
		}
		Status struct {
			Conditions []struct{ Type, Status string }
		}
	}
	if json.Unmarshal(body, &n) != nil || len(n.Spec.Taints) > 0 {
		return false
	}
	for _, c := range n.Status.Conditions {
		if c.Type == "Ready" {
			return c.Status == "True"
		}
	}
	return false
}
