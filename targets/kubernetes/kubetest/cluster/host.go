package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

const (
	lockFile    = "/run/lock/twofold-kube"
	statePrefix = "twofold-kube-"
	cgroup      = "twofold-kube"
)

// lock takes the machine's one place for a cluster. A cluster that is just ending is
// waited for.
func lock() (unlock func(), err error) {
	f, err := os.OpenFile(lockFile, os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
			break
		}
		if time.Now().After(deadline) {
			owner, _ := os.ReadFile(lockFile)
			f.Close()
			return nil, fmt.Errorf("another test cluster runs on this machine, started by process %s: wait until its tests end", bytes.TrimSpace(owner))
		}
	}
	f.Truncate(0)
	fmt.Fprintln(f, os.Getppid())
	return func() { f.Close() }, nil
}

// host is the machine's side of a cluster.
type host struct {
	paths
	registry *exec.Cmd
	node     *exec.Cmd
	ended    chan struct{} // closed when the node's first process ended
	output   *bytes.Buffer // of the node; to be read once it ended
}

// prepare removes what a cluster left that was killed, and makes the folder of the next.
func prepare(programs string) (*host, error) {
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), statePrefix+"*"))
	for _, dir := range left {
		os.RemoveAll(dir)
	}
	removeLink()
	removeCgroups()
	state, err := os.MkdirTemp("", statePrefix)
	if err != nil {
		return nil, err
	}
	h := &host{paths: paths{programs: programs, state: state}, ended: make(chan struct{}), output: new(bytes.Buffer)}
	for _, dir := range []string{"credentials", "logs", "node", "registry"} {
		if err := os.Mkdir(filepath.Join(state, dir), 0o700); err != nil {
			return nil, err
		}
	}
	for file, text := range h.files() {
		path := filepath.Join(state, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	if err := writeCredentials(filepath.Join(state, "credentials")); err != nil {
		return nil, err
	}
	return h, makeCgroups()
}

// start returns when a pod can run.
func (h *host) start(ctx context.Context) error {
	ready, tell, err := h.startNode()
	if err != nil {
		return err
	}
	if err := h.connect(); err != nil {
		return err
	}
	if err := h.startRegistry(ctx); err != nil {
		return err
	}
	tell.Close() // the node's network is there
	if err := h.pushPause(ctx); err != nil {
		return err
	}
	read := make(chan error, 1)
	go func() {
		_, err := ready.Read(make([]byte, 1))
		read <- err
	}()
	select {
	case err := <-read:
		if err == nil {
			return nil
		}
		<-h.ended
		return fmt.Errorf("the cluster does not start: %s", h.output)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// startNode starts the first process of the namespaces. It goes on when tell is
// closed, and a byte can be read from ready when the node is ready.
func (h *host) startNode() (ready, tell *os.File, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	wait, tell, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	ready, done, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	h.node = exec.Command(self, "first", h.programs, h.state)
	h.node.Stdin, h.node.Stderr, h.node.ExtraFiles = wait, h.output, []*os.File{done}
	h.node.SysProcAttr = &syscall.SysProcAttr{
		Setsid: true, Pdeathsig: syscall.SIGKILL,
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET,
	}
	err = h.node.Start()
	wait.Close()
	done.Close()
	if err != nil {
		close(h.ended)
		return nil, nil, fmt.Errorf("make the node's namespaces (this needs root): %w", err)
	}
	go func() {
		h.node.Wait()
		close(h.ended)
	}()
	return ready, tell, nil
}

// connect joins the node's network to the machine's.
func (h *host) connect() error {
	for _, args := range []string{
		fmt.Sprintf("link add %s type veth peer name eth0 netns %d", link, h.node.Process.Pid),
		"addr add " + hostAddress + "/24 dev " + link,
		"link set " + link + " up",
	} {
		if err := run("ip", strings.Fields(args)...); err != nil {
			return err
		}
	}
	return nil
}

func (h *host) startRegistry(ctx context.Context) error {
	config := filepath.Join(h.state, "registry.yml")
	text := fmt.Sprintf("version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: %s\n  delete:\n    enabled: true\nhttp:\n  addr: %s\n",
		filepath.Join(h.state, "registry"), registryAddress)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	log, err := os.Create(h.log("registry"))
	if err != nil {
		return err
	}
	defer log.Close()
	h.registry = exec.Command("docker-registry", "serve", config)
	h.registry.Stdout, h.registry.Stderr = log, log
	h.registry.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if err := h.registry.Start(); err != nil {
		return err
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.DialTimeout("tcp", registryAddress, time.Second)
		if err == nil {
			return c.Close()
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return fmt.Errorf("docker-registry does not start: %w", errors.Join(err, ctx.Err()))
		}
	}
}

// pushPause puts the image of every pod's sandbox into the registry.
func (h *host) pushPause(ctx context.Context) error {
	layer, err := pauseLayer(filepath.Join(h.programs, "pause"))
	if err != nil {
		return err
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return err
	}
	config.OS, config.Architecture, config.Config.Entrypoint = "linux", runtime.GOARCH, []string{"/pause"}
	if image, err = mutate.ConfigFile(image, config); err != nil {
		return err
	}
	ref, err := name.ParseReference(pauseImage, name.Insecure)
	if err != nil {
		return err
	}
	return remote.Write(ref, image, remote.WithContext(ctx))
}

// cleanUp leaves the machine as it was.
func (h *host) cleanUp() {
	if h.node != nil && h.node.Process != nil {
		h.node.Process.Kill()
		<-h.ended
	}
	if h.registry != nil && h.registry.Process != nil {
		h.registry.Process.Kill()
		h.registry.Wait()
	}
	removeLink()
	removeCgroups()
	os.RemoveAll(h.state)
}

// removeLink removes the pair of interfaces at once: the kernel removes it only some
// time after the last process of the node's network.
func removeLink() {
	if _, err := net.InterfaceByName(link); err == nil {
		run("ip", "link", "del", link)
	}
}

// cgroupRoots are the folders in which the cluster's control group is made: one for
// each controller, or the only one of version 2.
func cgroupRoots() []string {
	const mount = "/sys/fs/cgroup"
	if _, err := os.Stat(filepath.Join(mount, "cgroup.controllers")); err == nil {
		return []string{mount}
	}
	procs, _ := filepath.Glob(filepath.Join(mount, "*", "cgroup.procs"))
	var roots []string
	for _, f := range procs {
		if info, err := os.Lstat(filepath.Dir(f)); err == nil && info.IsDir() { // cpu,cpuacct has other names as links
			roots = append(roots, filepath.Dir(f))
		}
	}
	return roots
}

func makeCgroups() error {
	for _, root := range cgroupRoots() {
		dir := filepath.Join(root, cgroup)
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
		if controllers, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers")); err == nil { // version 2
			for _, c := range strings.Fields(string(controllers)) {
				os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+"+c), 0)
			}
		}
	}
	return nil
}

// removeCgroups removes the cluster's control groups, the inner ones first. Only
// empty ones can be removed.
func removeCgroups() {
	for _, root := range cgroupRoots() {
		var dirs []string
		filepath.WalkDir(filepath.Join(root, cgroup), func(path string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, path)
			}
			return nil
		})
		for i := len(dirs) - 1; i >= 0; i-- {
			syscall.Rmdir(dirs[i])
		}
	}
}

// run runs a command to its end.
func run(command string, args ...string) error {
	if out, err := exec.Command(command, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", command, strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}
