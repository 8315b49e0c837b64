package host

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
)

func (d *deployment) releaseDir(name string) releaseDir {
	return releaseDir{filepath.Join(d.dir, "releases", name)}
}

// hold counts a use of a release; drop ends it, and removes the releases that
// nothing uses and that the record does not name.
func (d *deployment) hold(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.uses[name]++
}

func (d *deployment) drop(name string) {
	d.mu.Lock()
	d.uses[name]--
	d.mu.Unlock()
	d.sweep()
}

func (d *deployment) sweep() {
	for _, dir := range d.setAside() {
		d.s.remove(dir)
	}
}

// setAside renames what sweep removes, so that a deploy of the same release that
// begins now does not find it half removed.
func (d *deployment) setAside() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	root := filepath.Join(d.dir, "releases")
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil
	}
	var aside []string
	for _, e := range entries {
		path := filepath.Join(root, e.Name())
		if !strings.HasPrefix(e.Name(), stagingPrefix) {
			wanted := d.record != nil && releaseName(d.record.Release) == e.Name()
			if wanted || d.uses[e.Name()] > 0 {
				continue
			}
			to := filepath.Join(root, stagingPrefix+rand.Text())
			if os.Rename(path, to) != nil {
				continue
			}
			path = to
		}
		aside = append(aside, path)
	}
	return aside
}
