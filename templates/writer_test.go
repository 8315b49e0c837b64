package templates

import (
	"os"
	"path/filepath"
	"testing"
)

func TestUndoTakesBackWhatWasMadeAndNoMore(t *testing.T) {
	dir := t.TempDir()
	w := writer{}
	for _, p := range []string{"a/b/one", "a/b/two", "c/three"} {
		if err := w.write(filepath.Join(dir, p), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.write(filepath.Join(dir, "a/b/one"), nil); err == nil {
		t.Error("wrote over a file")
	}
	if err := w.write(filepath.Join(dir, "a/b/one/below"), nil); err == nil {
		t.Error("wrote below a file")
	}
	if err := os.WriteFile(filepath.Join(dir, "c/theirs"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	w.undo()
	if _, err := os.Lstat(filepath.Join(dir, "a")); err == nil {
		t.Error("a is still there")
	}
	if _, err := os.Lstat(filepath.Join(dir, "c/theirs")); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "c/three")); err == nil {
		t.Error("c/three is still there")
	}
}
