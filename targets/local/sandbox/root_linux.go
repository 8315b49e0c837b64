package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// layerSize bounds, in bytes, what an app may write outside of /tmp and its
// mounts; shmSize bounds /dev/shm. Both are held in memory.
const (
	layerSize = 512 << 20
	shmSize   = 64 << 20
)

// systemFolders are what the machine's view shows. The last ones exist on
// distributions that keep programs or certificates elsewhere.
var systemFolders = []string{
	"usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc", "opt",
	"nix", "gnu", "var/lib/ca-certificates",
}

// enterRoot builds the sandbox's root in the init's own mount namespace and
// moves into it. It returns what the machine refused but the app can do without.
//
// All sources are opened before anything is mounted: the new root is built on
// top of /tmp, below which a source may well be.
func enterRoot(c *config) (missing []string, err error) {
	if err := mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return nil, err
	}
	b := &rootBuilder{config: c}
	if err := b.open(); err != nil {
		return nil, err
	}
	if err := b.stage(); err != nil {
		return nil, err
	}
	steps := []func() error{b.base, b.system, b.names, b.mounts, b.seal, b.enter}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return b.missing, nil
}

type rootBuilder struct {
	config  *config
	base0   source   // the folder that becomes the root, or the machine's /
	sources []source // of config.Mounts
	resolv  *source
	folder  string // where everything is built
	root    string // the new root
	tmpfs   bool   // the root is a tmpfs with bind mounts, rather than an overlay
	missing []string
}

// source is an open file or folder of the machine.
type source struct {
	name string
	fd   int
	dir  bool
}

// path names the source whatever has been mounted over its place.
func (s source) path() string { return "/proc/self/fd/" + strconv.Itoa(s.fd) }

func openSource(name string) (source, error) {
	fd, err := unix.Open(name, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return source{}, fmt.Errorf("open %q: %w", name, err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return source{}, fmt.Errorf("open %q: %w", name, err)
	}
	return source{name: name, fd: fd, dir: st.Mode&unix.S_IFMT == unix.S_IFDIR}, nil
}

func (b *rootBuilder) open() (err error) {
	base := b.config.Root
	if base == "" {
		base = "/"
	}
	if b.base0, err = openSource(base); err != nil {
		return err
	}
	if !b.base0.dir {
		return fmt.Errorf("the root %q is no folder", base)
	}
	for _, m := range b.config.Mounts {
		s, err := openSource(m.Source)
		if err != nil {
			return fmt.Errorf("mount on %q: %w", m.Target, err)
		}
		b.sources = append(b.sources, s)
	}
	if s, err := openSource("/etc/resolv.conf"); err == nil && !s.dir {
		b.resolv = &s
	}
	return nil
}

// stage makes a file system in memory to build in. It holds the writable layer.
func (b *rootBuilder) stage() error {
	for _, folder := range []string{"/tmp", "/var", "/usr"} {
		if info, err := os.Stat(folder); err == nil && info.IsDir() {
			b.folder = folder
			break
		}
	}
	b.root = filepath.Join(b.folder, "root")
	if err := mount("tmpfs", b.folder, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, fmt.Sprintf("mode=0755,size=%d", layerSize)); err != nil {
		return err
	}
	for _, name := range []string{"root", "upper", "work"} {
		if err := os.Mkdir(filepath.Join(b.folder, name), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// base lays the ground: the image's files below a writable layer, or the
// machine's system folders.
func (b *rootBuilder) base() error {
	if b.config.Root != "" {
		err := b.layer()
		if err == nil {
			return nil
		}
		b.missing = append(b.missing, fmt.Sprintf("a writable root: %v", err))
	} else if b.config.Probe {
		if err := b.probeOverlay(); err != nil {
			b.missing = append(b.missing, fmt.Sprintf("a writable root: %v", err))
		}
	}
	b.tmpfs = true
	if err := mount("tmpfs", b.root, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755,size=16m"); err != nil {
		return err
	}
	if b.config.Root != "" {
		return compose(b.base0.path(), b.root, b.points())
	}
	return b.machine()
}

// overlay mounts the folder with a layer in memory over it, so that neither
// the app nor a mount point changes the folder.
func (b *rootBuilder) overlay(lower source) error {
	upper := filepath.Join(b.folder, "upper")
	var st unix.Stat_t
	if err := unix.Fstat(lower.fd, &st); err != nil {
		return err
	}
	if err := os.Chmod(upper, os.FileMode(st.Mode&0o777)); err != nil {
		return err
	}
	_ = os.Chown(upper, int(st.Uid), int(st.Gid)) // as root only
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", lower.path(), upper, filepath.Join(b.folder, "work"))
	if b.config.Mapped {
		options += ",userxattr"
	}
	return mount("overlay", b.root, "overlay", unix.MS_NOSUID|unix.MS_NODEV, options)
}

// layer puts a writable layer over the image's files.
func (b *rootBuilder) layer() error {
	if b.config.NoLayer {
		return errors.New("switched off")
	}
	return b.overlay(b.base0)
}

func (b *rootBuilder) probeOverlay() error {
	lower, err := openSource("/usr")
	if err != nil {
		return err
	}
	defer unix.Close(lower.fd)
	if err := b.overlay(lower); err != nil {
		return err
	}
	return unix.Unmount(b.root, unix.MNT_DETACH)
}

// machine shows the machine's system folders, read-only.
func (b *rootBuilder) machine() error {
	for _, name := range systemFolders {
		from, to := filepath.Join(b.base0.path(), name), filepath.Join(b.root, name)
		info, err := os.Lstat(from)
		if err != nil {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		// A mount point that is missing below a folder needs that folder rebuilt.
		if err := place(from, to, "/"+name, info, b.points()); err != nil {
			return err
		}
	}
	for _, name := range []string{"run", "var/tmp", "home"} {
		if err := os.MkdirAll(filepath.Join(b.root, name), 0o755); err != nil {
			return err
		}
	}
	return os.Chmod(filepath.Join(b.root, "var/tmp"), 0o1777)
}

// points are the absolute paths in the root that will be mounted on.
func (b *rootBuilder) points() []string {
	points := []string{"/proc", "/dev", "/tmp"}
	for _, m := range b.config.Mounts {
		points = append(points, filepath.Clean(m.Target))
	}
	return points
}

// system mounts what every app finds: /tmp, /proc, /dev.
func (b *rootBuilder) system() error {
	tmp, err := makePoint(b.root, "/tmp", true)
	if err != nil {
		return err
	}
	if err := mount("tmpfs", tmp, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, fmt.Sprintf("mode=1777,size=%d", b.config.TmpSize)); err != nil {
		return err
	}
	if err := b.proc(); err != nil {
		return err
	}
	return b.devices()
}

// names makes names resolve as they do on the machine, if the root has an /etc.
func (b *rootBuilder) names() error {
	etc, err := inRoot(b.root, "/etc")
	if err != nil {
		return err
	}
	if info, err := os.Stat(etc); err != nil || !info.IsDir() {
		return nil
	}
	if b.resolv != nil {
		if err := b.bind(*b.resolv, "/etc/resolv.conf", true); err != nil {
			return b.optional(err)
		}
	}
	hosts, _ := os.ReadFile("/etc/hosts")
	hosts = append(hosts, "\n127.0.0.1 "+b.config.Hostname+"\n"...)
	file := filepath.Join(b.folder, "hosts")
	if err := os.WriteFile(file, hosts, 0o644); err != nil {
		return err
	}
	s, err := openSource(file)
	if err != nil {
		return err
	}
	defer unix.Close(s.fd)
	return b.optional(b.bind(s, "/etc/hosts", true))
}

// optional forgives a file that cannot be placed in a root without a writable layer.
func (b *rootBuilder) optional(err error) error {
	if err != nil && b.tmpfs {
		b.missing = append(b.missing, fmt.Sprintf("names of the machine: %v", err))
		return nil
	}
	return err
}

func (b *rootBuilder) mounts() error {
	for i, m := range b.config.Mounts {
		if err := b.bind(b.sources[i], m.Target, m.ReadOnly); err != nil {
			return fmt.Errorf("mount %q on %q: %w", m.Source, m.Target, err)
		}
	}
	return nil
}

func (b *rootBuilder) bind(s source, target string, readOnly bool) error {
	point, err := makePoint(b.root, target, s.dir)
	if err != nil {
		return err
	}
	if err := bindMount(s.path(), point, readOnly); err != nil {
		return err
	}
	return nil
}

// seal makes the root read-only, if it is to be.
func (b *rootBuilder) seal() error {
	if !b.config.ReadOnly && !b.tmpfs {
		return nil
	}
	return restrict(b.root, unix.MOUNT_ATTR_RDONLY, false)
}

// enter makes the new root the root of every process in the namespace, and
// lets go of the old one.
func (b *rootBuilder) enter() error {
	if err := unix.Chdir(b.root); err != nil {
		return fmt.Errorf("enter the root: %w", err)
	}
	// The old root is put over the new one, and then taken away.
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("change the root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("let go of the machine's root: %w", err)
	}
	for _, s := range slices.Concat([]source{b.base0}, b.sources) {
		unix.Close(s.fd) // an open folder would keep a way out
	}
	if b.resolv != nil {
		unix.Close(b.resolv.fd)
	}
	if err := unix.Chdir("/"); err != nil {
		return fmt.Errorf("enter the root: %w", err)
	}
	return nil
}
