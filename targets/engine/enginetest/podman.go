package enginetest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moby/moby/client"
)

// podmanSettings are those of the service, in the form of containers.conf(5): limits
// that a container of a container may have, a network with names, and addresses of its
// own.
const podmanSettings = `[containers]
default_ulimits = ["nofile=16384:16384", "nproc=16384:16384"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
tmp_dir = "%[1]s/tmp"
[network]
network_backend = "netavark"
network_config_dir = "%[1]s/networks"
default_subnet = "10.212.0.0/24"
default_subnet_pools = [{ base = "10.213.0.0/16", size = 24 }]
`

const podmanStorage = `[storage]
driver = "vfs"
graphroot = "%[1]s/images"
runroot = "%[1]s/run"
`

// StartPodman starts Podman's service of the Docker Engine's API, which ends with the
// test, and returns its address. It needs root and the commands podman and crun.
func StartPodman(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "podman-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	write(t, filepath.Join(dir, "containers.conf"), fmt.Sprintf(podmanSettings, dir))
	write(t, filepath.Join(dir, "storage.conf"), fmt.Sprintf(podmanStorage, dir))
	socket := filepath.Join(dir, "podman.sock")
	// crun refuses a machine with cgroups of both versions: the service does not see
	// those of the second. What it keeps in /run is its own.
	cmd := exec.Command("unshare", "--mount", "sh", "-c", `umount /sys/fs/cgroup/unified 2>/dev/null
mkdir -p /run/containers && mount -t tmpfs tmpfs /run/containers && exec podman system service --time=0 "$0"`, "unix://"+socket)
	cmd.Env = append(os.Environ(), "CONTAINERS_CONF="+filepath.Join(dir, "containers.conf"), "CONTAINERS_STORAGE_CONF="+filepath.Join(dir, "storage.conf"))
	output, ended := new(bytes.Buffer), make(chan struct{})
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatalf("start podman: %v", err)
	}
	go func() {
		cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		removeContainers(t, "unix://"+socket)
		cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		if t.Failed() {
			t.Logf("podman says:\n%s", output)
		}
	})
	await(t, "unix://"+socket, ended, output)
	return "unix://" + socket
}

func removeContainers(t testing.TB, address string) {
	t.Helper()
	c, err := client.New(client.WithHost(address))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	list, err := c.ContainerList(ctx, client.ContainerListOptions{All: true})
	if err != nil {
		t.Errorf("list what podman runs: %v", err)
	}
	for _, one := range list.Items {
		if _, err := c.ContainerRemove(ctx, one.ID, client.ContainerRemoveOptions{Force: true}); err != nil {
			t.Errorf("remove %s: %v", strings.Join(one.Names, " "), err)
		}
	}
}
