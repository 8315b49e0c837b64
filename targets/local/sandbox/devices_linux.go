package sandbox

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// maskedFiles of /proc tell about the machine, or are the kernel's own memory;
// frozenFolders could change the machine. Container engines treat them so too.
var (
	maskedFiles   = []string{"kcore", "keys", "timer_list", "sched_debug", "latency_stats"}
	maskedFolders = []string{"acpi", "scsi"}
	frozenFolders = []string{"bus", "fs", "irq", "sys", "sysrq-trigger"}
)

// proc mounts the processes of the sandbox.
func (b *rootBuilder) proc() error {
	point, err := makePoint(b.root, "/proc", true)
	if err != nil {
		return err
	}
	if err := mount("proc", point, "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return err
	}
	exists := func(name string) (string, bool) {
		file := filepath.Join(point, name)
		_, err := os.Lstat(file)
		return file, err == nil
	}
	for _, name := range frozenFolders {
		if file, ok := exists(name); ok {
			if err := bindMount(file, file, true); err != nil {
				return err
			}
		}
	}
	for _, name := range maskedFiles {
		if file, ok := exists(name); ok {
			if err := mount("/dev/null", file, "", unix.MS_BIND, ""); err != nil {
				return err
			}
		}
	}
	for _, name := range maskedFolders {
		if file, ok := exists(name); ok {
			if err := mount("tmpfs", file, "tmpfs", unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, "size=4k"); err != nil {
				return err
			}
		}
	}
	return nil
}

// devices fills /dev with what an app may use: no disk, no memory, no terminal
// but its own. The devices are the machine's, because only root could make new ones.
func (b *rootBuilder) devices() error {
	dev, err := makePoint(b.root, "/dev", true)
	if err != nil {
		return err
	}
	if err := mount("tmpfs", dev, "tmpfs", unix.MS_NOSUID|unix.MS_NOEXEC, "mode=0755,size=64k"); err != nil {
		return err
	}
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		file := filepath.Join(dev, name)
		if err := os.WriteFile(file, nil, 0o666); err != nil {
			return err
		}
		err := mount("/dev/"+name, file, "", unix.MS_BIND, "")
		if err != nil && name != "tty" {
			return err
		}
	}
	for name, target := range map[string]string{
		"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
	} {
		if err := os.Symlink(target, filepath.Join(dev, name)); err != nil {
			return err
		}
	}
	shm := filepath.Join(dev, "shm")
	if err := os.Mkdir(shm, 0o755); err != nil {
		return err
	}
	if err := mount("tmpfs", shm, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, fmt.Sprintf("mode=1777,size=%d", shmSize)); err != nil {
		return err
	}
	return restrict(dev, unix.MOUNT_ATTR_RDONLY, false)
}
