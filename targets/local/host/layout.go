package host

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/twofoldhq/twofold/targets"
)

// Layout is where a local host keeps its files.
type Layout struct {
	// Dir is absolute: "<state folder of twofold>/local".
	Dir string
}

// NewLayout returns the layout of a state folder, such as
// "/home/ann/.local/state/twofold".
func NewLayout(stateDir string) (Layout, error) {
	abs, err := filepath.Abs(stateDir)
	if err != nil {
		return Layout{}, fmt.Errorf("local host: state folder %q: %w", stateDir, err)
	}
	return Layout{Dir: filepath.Join(abs, "local")}, nil
}

func (l Layout) deployments() string { return filepath.Join(l.Dir, "deployments") }
func (l Layout) incoming() string    { return filepath.Join(l.Dir, "incoming") }
func (l Layout) lock() string        { return filepath.Join(l.Dir, "host.lock") }

// Log is the supervisor's own log.
func (l Layout) Log() string { return filepath.Join(l.Dir, "host.log") }

// Deployment is the folder of a deployment.
func (l Layout) Deployment(k targets.Key, target string) string {
	return filepath.Join(l.deployments(), deploymentID(k, target))
}

// Make makes the folders. Other users of the machine cannot look into them: the
// records hold the values of environment variables.
func (l Layout) Make() error {
	for _, dir := range []string{l.Dir, l.deployments(), l.incoming()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make the state folder: %w", err)
		}
	}
	return nil
}

// maxSocketPath is less than the 108 bytes of sockaddr_un on Linux and the 104
// of the BSDs.
const maxSocketPath = 100

// Socket returns the path of the supervisor's socket, in a folder that only this
// user can enter. A state folder whose path is too long for a socket has it in
// $XDG_RUNTIME_DIR or in /tmp.
func (l Layout) Socket() (string, error) {
	if path := filepath.Join(l.Dir, "host.sock"); len(path) <= maxSocketPath {
		return path, nil
	}
	sum := sha256.Sum256([]byte(l.Dir))
	name := hex.EncodeToString(sum[:8]) + ".sock"
	var dirs []string
	if run := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(run) {
		dirs = append(dirs, filepath.Join(run, "twofold"))
	}
	dirs = append(dirs, fmt.Sprintf("/tmp/twofold-%d", os.Getuid()))
	var problems []error
	for _, dir := range dirs {
		path := filepath.Join(dir, name)
		if len(path) > maxSocketPath {
			continue
		}
		err := ownFolder(dir)
		if err == nil {
			return path, nil
		}
		problems = append(problems, err)
	}
	return "", fmt.Errorf("the path %s is too long for a socket, and there is no safe place for a short one: %w; set TWOFOLD_STATE_DIR to a shorter path",
		l.Dir, errors.Join(problems...))
}

// ownFolder makes a folder that only this user can enter. One that is there and
// could be somebody else's is refused.
func ownFolder(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(owner.Uid) != os.Getuid() || info.Mode().Perm() != 0o700 {
		return fmt.Errorf("%s is not a folder that belongs to this user alone", dir)
	}
	return nil
}

// deploymentID is the name of a deployment's folder: readable, and unique by the
// hash of the whole key.
func deploymentID(k targets.Key, target string) string {
	hash := keyHash(k, target)
	readable := k.Service + "-" + k.Environment
	var b strings.Builder
	for _, r := range readable {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			b.WriteRune(r)
		case r >= 'A' && r <= 'Z':
			b.WriteRune(r - 'A' + 'a')
		default:
			b.WriteByte('-')
		}
	}
	name := strings.Trim(b.String(), "-")
	if len(name) > 32 {
		name = strings.TrimRight(name[:32], "-")
	}
	return name + "-" + hex.EncodeToString(hash[:6])
}

func keyHash(k targets.Key, target string) [32]byte {
	return sha256.Sum256([]byte(strings.Join([]string{k.Project, k.Service, k.Environment, target}, "\x00")))
}
