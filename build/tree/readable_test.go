//go:build linux

package tree

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// asNobody is set in the process that TestUnreadable starts as another user:
// nothing is unreadable for root.
const asNobody = "TWOFOLD_TEST_UNREADABLE"

func TestUnreadable(t *testing.T) {
	if root := os.Getenv(asNobody); root != "" {
		checkUnreadable(t, root)
		return
	}
	root := lay(t, map[string]string{"file/secret": "", "folder/closed/x": "", "fine": ""})
	for path, mode := range map[string]fs.FileMode{"file/secret": 0, "folder/closed": 0} {
		if err := os.Chmod(filepath.Join(root, path), mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { os.Chmod(filepath.Join(root, "folder/closed"), 0o755) })
	if os.Geteuid() != 0 {
		checkUnreadable(t, root)
		return
	}

	// The folders above belong to root and are closed; the copy of this binary
	// and the files are opened up for the other user.
	self := filepath.Join(t.TempDir(), "test")
	data, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(self, data, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{root, self} {
		for p = filepath.Dir(p); p != os.TempDir() && p != "/"; p = filepath.Dir(p) {
			if err := os.Chmod(p, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd := exec.Command(self, "-test.run=^TestUnreadable$", "-test.v")
	cmd.Env = append(os.Environ(), asNobody+"="+root)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestUnreadable") {
		t.Errorf("as another user: %v\n%s", err, out)
	}
}

func checkUnreadable(t *testing.T, root string) {
	for _, c := range []struct{ below, path string }{
		{"file", "secret"},
		{"folder", "closed"},
	} {
		_, err := Folder(t.Context(), filepath.Join(root, c.below), nil)
		var e *Error
		if !errors.As(err, &e) || e.Path != c.path || !errors.Is(err, fs.ErrPermission) || !strings.Contains(e.Fix, "chmod u+r") {
			t.Errorf("%s: got %v", c.below, err)
		}
	}
	if _, err := Assets(t.Context(), root, []string{"fine"}); err != nil {
		t.Errorf("a readable file: %v", err)
	}
}
