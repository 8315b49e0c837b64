package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"
)

const remedy = "the adapter's sources have changed since its programs were built: run go generate ./adapter/binaries and commit the result"

// record returns what the committed record says.
func record(t *testing.T, pattern string) string {
	t.Helper()
	text, err := os.ReadFile("../record.go")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(pattern).FindSubmatch(text)
	if m == nil {
		t.Fatalf("the record does not hold %s", pattern)
	}
	return string(m[1])
}

func TestBinariesAreThoseOfTheSources(t *testing.T) {
	for _, p := range programs {
		got, err := sourceDigest(filepath.Join("../..", p.folder))
		if err != nil {
			t.Fatal(err)
		}
		if want := record(t, `const `+p.name("SourceDigest")+`\s*= "(\w+)"`); got != want {
			t.Errorf("%q: %s", p.folder, remedy)
		}
	}
}

func TestRebuildGivesTheSameBytes(t *testing.T) {
	if built := record(t, `goVersion\s*= "([^"]+)"`); built != runtime.Version() {
		t.Logf("THE BYTES ARE NOT COMPARED: the committed programs were built with %s, this is %s", built, runtime.Version())
		return
	}
	for _, p := range programs {
		for _, arch := range architectures {
			program, err := compile(context.Background(), filepath.Join("../..", p.folder), arch, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			want := record(t, `gzip: `+p.name("Gzip"+arch)+`,.*sha256: "(\w+)"`)
			if got := fmt.Sprintf("%x", sha256.Sum256(program)); got != want {
				t.Errorf("%q for linux/%s: the sources give %s, the record has %s: %s", p.folder, arch, got, want, remedy)
			}
		}
	}
}
