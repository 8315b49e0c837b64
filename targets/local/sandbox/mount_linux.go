package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

func mount(source, target, kind string, flags uintptr, options string) error {
	if err := unix.Mount(source, target, kind, flags, options); err != nil {
		if kind == "" {
			kind = "bind"
		}
		return fmt.Errorf("mount (%s) on %q: %w", kind, target, err)
	}
	return nil
}

// bindMount shows a file or a folder, with all that is mounted below it, at
// another place, without devices and set-user-id programs.
func bindMount(source, target string, readOnly bool) error {
	if err := mount(source, target, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	attributes := uint64(unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV)
	if readOnly {
		attributes |= unix.MOUNT_ATTR_RDONLY
	}
	return restrict(target, attributes, true)
}

// restrict adds attributes to a mount, and to those below it if recursive.
func restrict(target string, attributes uint64, recursive bool) error {
	flags := uint(unix.AT_SYMLINK_NOFOLLOW)
	if recursive {
		flags |= unix.AT_RECURSIVE
	}
	err := unix.MountSetattr(unix.AT_FDCWD, target, flags, &unix.MountAttr{Attr_set: attributes})
	if err != unix.ENOSYS {
		if err != nil {
			return fmt.Errorf("restrict the mount on %q: %w", target, err)
		}
		return nil
	}
	// Linux before 5.12: one mount only, and the flags it has must be repeated.
	var st unix.Statfs_t
	if err := unix.Statfs(target, &st); err != nil {
		return fmt.Errorf("restrict the mount on %q: %w", target, err)
	}
	const kept = unix.ST_RDONLY | unix.ST_NOSUID | unix.ST_NODEV | unix.ST_NOEXEC | unix.ST_NOATIME | unix.ST_NODIRATIME
	old := uintptr(st.Flags) & kept // ST_ and MS_ flags have the same values
	if uintptr(st.Flags)&unix.ST_RELATIME != 0 {
		old |= unix.MS_RELATIME
	}
	for _, pair := range [][2]uintptr{
		{unix.MOUNT_ATTR_RDONLY, unix.MS_RDONLY},
		{unix.MOUNT_ATTR_NOSUID, unix.MS_NOSUID},
		{unix.MOUNT_ATTR_NODEV, unix.MS_NODEV},
	} {
		if uintptr(attributes)&pair[0] != 0 {
			old |= pair[1]
		}
	}
	return mount("", target, "", unix.MS_REMOUNT|unix.MS_BIND|old, "")
}

// linksMax is how many symbolic links a path may lead through, as in the kernel.
const linksMax = 40

// inRoot returns the place below root that a path inside of it means. A link,
// absolute or not, never leads out of root. What does not exist stays as written.
func inRoot(root, name string) (string, error) {
	at, rest := "/", strings.Split(path.Clean("/"+name), "/")
	for links := 0; len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		if part == "" || part == "." {
			continue
		}
		next := path.Join(at, part) // never above "/"
		target, err := os.Readlink(filepath.Join(root, next))
		if err != nil {
			at = next
			continue
		}
		if links++; links > linksMax {
			return "", fmt.Errorf("%q leads through too many links", name)
		}
		if path.IsAbs(target) {
			at = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return filepath.Join(root, at), nil
}

// makePoint returns the place in root to mount on, and makes it if it is missing.
func makePoint(root, name string, dir bool) (string, error) {
	point, err := inRoot(root, name)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(point)
	if err == nil {
		if info.IsDir() != dir {
			return "", fmt.Errorf("mount point %q: a folder goes on a folder only, and a file on a file", name)
		}
		return point, nil
	}
	if dir {
		err = os.MkdirAll(point, 0o755)
	} else if err = os.MkdirAll(filepath.Dir(point), 0o755); err == nil {
		err = os.WriteFile(point, nil, 0o644)
	}
	if err != nil {
		return "", fmt.Errorf("make the mount point %q: %w", name, errors.Unwrap(err))
	}
	return point, nil
}

// compose shows what a folder holds in an empty one, read-only. A folder in
// which a mount point is missing is composed in turn, so that it can be made
// without a change to the original. Mount points are absolute paths in the root.
func compose(from, to string, points []string) error {
	return composeAt(from, to, "", points)
}

func composeAt(from, to, at string, points []string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return err
		}
		if err := place(filepath.Join(from, e.Name()), filepath.Join(to, e.Name()), at+"/"+e.Name(), info, points); err != nil {
			return err
		}
	}
	return nil
}

// place shows one entry, whose path in the root is name.
func place(from, to, name string, info os.FileInfo, points []string) error {
	switch {
	case info.Mode()&os.ModeSymlink != 0:
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	case info.IsDir():
		if err := os.Mkdir(to, info.Mode().Perm()); err != nil {
			return err
		}
		if lacksPoint(from, name, points) {
			return composeAt(from, to, name, points)
		}
		return bindMount(from, to, true)
	case info.Mode().IsRegular():
		if err := os.WriteFile(to, nil, 0o644); err != nil {
			return err
		}
		return bindMount(from, to, true)
	}
	return nil // a socket, pipe or device is nothing that an image needs
}

// lacksPoint tells whether a mount point below the folder does not exist in it.
func lacksPoint(folder, name string, points []string) bool {
	for _, p := range points {
		rest, below := strings.CutPrefix(p, name+"/")
		if !below {
			continue
		}
		if _, err := os.Stat(filepath.Join(folder, rest)); err != nil {
			return true
		}
	}
	return false
}
