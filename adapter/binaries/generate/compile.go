package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
)

// program is one that goes into bundles.
type program struct {
	// folder holds the sources, relative to the adapter's.
	folder string
	// file begins the names of the packed programs, and what those of the generated
	// Go begin with.
	file, exported, local string
}

var programs = []program{
	{folder: ".", file: "linux"},
	{folder: "secrets", file: "secrets_linux", exported: "Secrets", local: "secrets"},
}

// architectures are those that the programs are built for, on linux.
var architectures = []string{"amd64", "arm64"}

// compile builds the program in folder dir for linux on that architecture, into a
// file in the folder tmp, and returns the program's bytes: the same ones on any
// machine for the same sources and the same Go release.
func compile(ctx context.Context, dir, arch, tmp string) ([]byte, error) {
	out := filepath.Join(tmp, "adapter-"+arch)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid=", "-o", out, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(),
		"CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOAMD64=v1", "GOARM64=v8.0",
		"GOFLAGS=", "GOEXPERIMENT=", "GOFIPS140=off", "GODEBUG=", "GOWORK=off")
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("adapter: build for linux/%s: %w\n%s", arch, err, text)
	}
	return os.ReadFile(out)
}

// pack returns data as one gzip member without a name or a time.
func pack(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// sourceDigest returns the digest of the Go files in dir that make a program:
// all but the tests.
func sourceDigest(dir string) (string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return "", err
	}
	sort.Strings(files)
	h := sha256.New()
	for _, file := range files {
		name := filepath.Base(file)
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n", name, len(data))
		h.Write(data)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
