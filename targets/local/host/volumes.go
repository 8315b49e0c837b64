package host

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/local/sandbox"
)

func (l Layout) volumes() string { return filepath.Join(l.Dir, "volumes") }

// Volume is the folder of a volume's data. Both local targets share it: the data
// is the service's.
func (l Layout) Volume(k targets.Key, name string) string {
	return filepath.Join(l.volumes(), segment(k.Project), segment(k.Environment), segment(k.Service), segment(name))
}

var plainSegment = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$`)

// segment is a name as the name of a folder. No two names have the same.
func segment(name string) string {
	if plainSegment.MatchString(name) {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return "~" + hex.EncodeToString(sum[:8])
}

// The folders of a system, which no volume may replace. Those of the second list
// hold nothing that is an app's either.
var (
	systemFolders = []string{
		"/", "/app", "/bin", "/boot", "/etc", "/lib", "/lib32", "/lib64", "/opt", "/root", "/run", "/sbin", "/tmp", "/usr", "/var",
	}
	systemTrees = []string{"/dev", "/proc", "/sys", "/var/runtime", "/var/task"}
)

func checkVolumes(list []targets.Volume) error {
	var problems []error
	for n, v := range list {
		bad := func(format string, args ...any) {
			problems = append(problems, fmt.Errorf("volume %q: path %q %s", v.Name, v.Path, fmt.Sprintf(format, args...)))
		}
		switch {
		case !path.IsAbs(v.Path) || path.Clean(v.Path) != v.Path || strings.ContainsRune(v.Path, 0):
			bad("is not absolute and plain: write one such as \"/mnt/data\"")
		case slices.Contains(systemFolders, v.Path) || slices.ContainsFunc(systemTrees, func(dir string) bool { return within(v.Path, dir) }):
			bad("is a folder of the system: write one such as \"/mnt/data\"")
		}
		for _, other := range list[:n] {
			if within(v.Path, other.Path) || within(other.Path, v.Path) {
				bad("overlaps with volume %q at %q: give each a folder of its own", other.Name, other.Path)
			}
		}
	}
	return errors.Join(problems...)
}

// within reports whether a path is dir or lies below it.
func within(p, dir string) bool {
	return p == dir || strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/")
}

// openVolumes makes the folders of the volumes that are not there, and returns
// where each is shown.
func (l Layout) openVolumes(k targets.Key, list []targets.Volume, say func(targets.Event)) ([]sandbox.Mount, error) {
	var mounts []sandbox.Mount
	for _, v := range list {
		dir := l.Volume(k, v.Name)
		if err := makeVolume(dir); err != nil {
			return nil, fmt.Errorf("volume %q: %w", v.Name, err)
		}
		say(targets.Event{Message: fmt.Sprintf("volume %q is in %s, and stays there after a destroy", v.Name, dir)})
		mounts = append(mounts, sandbox.Mount{Source: dir, Target: v.Path, ReadOnly: v.ReadOnly})
	}
	return mounts, nil
}

// makeVolume makes a folder that every user may write into, since the one of an
// app is the image's. Other users of the machine do not get so far: only this user
// may enter the folders above it.
func makeVolume(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return err
	}
	err := os.Mkdir(dir, 0o777)
	switch {
	case errors.Is(err, fs.ErrExist):
		info, err := os.Stat(dir)
		if err == nil && !info.IsDir() {
			err = fmt.Errorf("%s is no folder", dir)
		}
		return err
	case err != nil:
		return err
	}
	return os.Chmod(dir, 0o777) // whatever the umask is
}

// tidyVolumes removes the folders of a service's volumes that hold nothing, unless
// the other local target has the service too. What holds data is never removed.
// The mutex is held, so that nobody begins to deploy meanwhile.
func (s *supervisor) tidyVolumes(d *deployment) {
	for _, other := range s.deployments {
		if other != d && other.key == d.key {
			return
		}
	}
	l := s.layout
	service := filepath.Dir(l.Volume(d.key, "x"))
	entries, err := os.ReadDir(service)
	if err != nil {
		return
	}
	for _, e := range entries {
		os.Remove(filepath.Join(service, e.Name())) // fails where there is something
	}
	for dir := service; dir != l.volumes(); dir = filepath.Dir(dir) {
		if os.Remove(dir) != nil {
			return
		}
	}
}

// volumeStatus says where the volumes of a record lie.
func (l Layout) volumeStatus(r *Record) []targets.VolumeStatus {
	var list []targets.VolumeStatus
	for _, v := range r.Spec.Volumes {
		list = append(list, targets.VolumeStatus{Name: v.Name, Place: l.Volume(r.Key, v.Name), Kept: true})
	}
	return list
}
