package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/release"
)

// Platform is what this machine runs. On a Mac it is what the virtual machine of
// its Docker Engine runs.
func Platform() build.Platform { return build.Platform{OS: "linux", Arch: runtime.GOARCH} }

// releaseDir is the folder of one release of a deployment:
//
//	store/          the release itself
//	unpacked.json   how to start it: release.Unpacked
//	files/          its files; these two are made when they are needed first
type releaseDir struct{ dir string }

func (d releaseDir) files() string { return filepath.Join(d.dir, "files") }

func (d releaseDir) exists() bool {
	info, err := os.Stat(filepath.Join(d.dir, "store"))
	return err == nil && info.IsDir()
}

// open returns the release and its form for this machine.
func (d releaseDir) open(digest string, kind release.Kind) (*release.Release, release.Form, error) {
	store, err := release.OpenStore(filepath.Join(d.dir, "store"))
	if err != nil {
		return nil, release.Form{}, err
	}
	r, err := store.Find(digest)
	if err != nil {
		return nil, release.Form{}, err
	}
	form, err := r.Form(kind, Platform())
	return r, form, err
}

// unpack makes the files available, and says how to start them. What was
// unpacked before is used again. A crash leaves nothing that looks whole.
func (d releaseDir) unpack(ctx context.Context, digest string, kind release.Kind) (release.Unpacked, error) {
	var u release.Unpacked
	meta := filepath.Join(d.dir, "unpacked.json")
	if text, err := os.ReadFile(meta); err == nil && json.Unmarshal(text, &u) == nil {
		if _, err := os.Stat(d.files()); err == nil {
			return u, nil
		}
	}
	r, form, err := d.open(digest, kind)
	if err != nil {
		return u, err
	}
	staging, err := os.MkdirTemp(d.dir, stagingPrefix)
	if err != nil {
		return u, fmt.Errorf("unpack the release: %w", err)
	}
	defer removeTree(staging)
	// The app runs as another user, and the folder becomes its root.
	if err := os.Chmod(staging, 0o755); err != nil {
		return u, fmt.Errorf("unpack the release: %w", err)
	}
	u, err = r.Unpack(ctx, form, staging)
	if err != nil {
		return u, fmt.Errorf("unpack the release: %w", err)
	}
	text, err := json.Marshal(u)
	if err != nil {
		return u, err
	}
	if err := writeFileAtomic(meta, text, 0o600); err != nil {
		return u, fmt.Errorf("unpack the release: %w", err)
	}
	if err := os.Rename(staging, d.files()); err != nil {
		return u, fmt.Errorf("unpack the release: %w", err)
	}
	return u, nil
}

// stagingPrefix begins the name of what is being made and does not count yet.
const stagingPrefix = "staging-"

// adopt moves a store that a client sent into its place.
func (d releaseDir) adopt(incoming string) error {
	if d.exists() {
		return nil
	}
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return fmt.Errorf("take in the release: %w", err)
	}
	if err := os.Rename(incoming, filepath.Join(d.dir, "store")); err != nil {
		return fmt.Errorf("take in the release: %w", err)
	}
	return nil
}

// releaseName is a release's folder name.
func releaseName(digest string) string {
	return strings.TrimPrefix(digest, "sha256:")
}

// validDigest keeps a digest from a client from naming any other folder.
func validDigest(digest string) bool {
	hex, ok := strings.CutPrefix(digest, "sha256:")
	return ok && len(hex) == 64 && strings.Trim(hex, "0123456789abcdef") == ""
}

// removeTree removes a folder even where its own modes forbid it.
func removeTree(dir string) error {
	err := os.RemoveAll(dir)
	if err == nil || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if e != nil && e.IsDir() {
			os.Chmod(path, 0o700)
		}
		return nil
	})
	return os.RemoveAll(dir)
}
