package sandbox

import (
	"os"
	"path/filepath"
	"testing"
)

// imageRoot makes a small root as an unpacked image has it. The machine's own
// programs are mounted, so that the test binary runs in it.
func imageRoot(t testing.TB) (root string, mounts []Mount) {
	t.Helper()
	root = t.TempDir()
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"app", "etc", "usr"} {
		if err := os.Mkdir(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"bin", "lib", "lib64"} {
		target, err := os.Readlink("/" + name)
		if err != nil {
			mounts = append(mounts, Mount{Source: "/" + name, Target: "/" + name, ReadOnly: true})
			continue
		}
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	return root, append(mounts, Mount{Source: "/usr", Target: "/usr", ReadOnly: true})
}
