package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// sourceDigest returns the digest of what the program in folder dir is made of: the files
// of each package of its module that it imports, and the versions of the other modules.
func sourceDigest(ctx context.Context, dir string) (string, error) {
	h := sha256.New()
	for _, arch := range architectures {
		fmt.Fprintf(h, "%s\n", arch)
		if err := addSources(ctx, h, dir, arch); err != nil {
			return "", fmt.Errorf("the sources of %s for linux/%s: %w", dir, arch, err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// imported is a package as go list describes it.
type imported struct {
	Dir, ImportPath string
	// Module is nil for the standard library.
	Module *struct {
		Path, Version, GoVersion string
		Main                     bool
	}
	GoFiles, SFiles, EmbedFiles []string
}

func addSources(ctx context.Context, h hash.Hash, dir, arch string) error {
	cmd := goCommand(ctx, dir, arch, "list", "-deps", "-json=Dir,ImportPath,Module,GoFiles,SFiles,EmbedFiles", ".")
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go list: %w\n%s", err, problems.Bytes())
	}
	for list := json.NewDecoder(bytes.NewReader(out)); ; {
		var p imported
		if err := list.Decode(&p); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if p.Module == nil {
			continue
		}
		fmt.Fprintf(h, "%s %s %s %s\n", p.ImportPath, p.Module.Path, p.Module.Version, p.Module.GoVersion)
		if p.Module.Main {
			if err := p.addFiles(h); err != nil {
				return err
			}
		}
	}
}

func (p imported) addFiles(h hash.Hash) error {
	for _, name := range slices.Concat(p.GoFiles, p.SFiles, p.EmbedFiles) {
		data, err := os.ReadFile(filepath.Join(p.Dir, name))
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "%s %d\n", name, len(data))
		h.Write(data)
	}
	return nil
}

// goCommand is a go command in a folder, for linux on that architecture, whatever the
// environment says.
func goCommand(ctx context.Context, dir, arch string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(),
		"CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOAMD64=v1", "GOARM64=v8.0",
		"GOFLAGS=", "GOEXPERIMENT=", "GOFIPS140=off", "GODEBUG=", "GOWORK=off")
	return cmd
}
