package cli

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twofoldhq/twofold/build/builders"
	"github.com/twofoldhq/twofold/manifest"
)

func TestBuiltSizesAreThoseOfTheNewestRelease(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TWOFOLD_STATE_DIR", t.TempDir())
	files := map[string]string{
		"twofold.hcl": "project = \"shop\"\nservice \"web\" {\n  build \"go\" { files = [\"data\"] }\n}\n",
		"go.mod":      "module example.test/web\n\ngo 1.24\n",
		"main.go":     "package main\n\nfunc main() {}\n",
		"data":        strings.Repeat("0123456789abcdef", 1<<16),
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	m, diagnostics := manifest.Load(manifest.Options{Path: dir, Builders: builders.Schemas()})
	if diagnostics.HasErrors() {
		t.Fatal(diagnostics)
	}
	if sizes := builtSizes(m)("web"); sizes != nil {
		t.Errorf("before a build: %+v", sizes)
	}
	if _, err := os.Stat(filepath.Join(dir, cacheDir)); err == nil {
		t.Error("asking for sizes made the cache folder")
	}
	var problems strings.Builder
	if code := Main([]string{"twofold", "build", "--manifest", dir}, Streams{Out: io.Discard, Err: &problems}); code != exitDone {
		t.Fatalf("exit code %d: %s", code, problems.String())
	}
	sizes := builtSizes(m)("web")
	if sizes == nil {
		t.Fatal("after a build: no sizes")
	}
	if sizes.Unpacked < 1<<20 || sizes.Unpacked > 16<<20 || sizes.Bundle == 0 || sizes.Bundle >= sizes.Unpacked || sizes.Image == 0 {
		t.Errorf("sizes are %+v", sizes)
	}
}
