package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// program is one that goes where twofold deploys to.
type program struct {
	// folder holds the sources, relative to those of the package that is made.
	folder string
	// file begins the names of the packed programs, and what those of the generated
	// Go begin with.
	file, exported, local string
}

// programOf is the program of a folder: "." is the one that the names of the generated
// Go do not tell from others.
func programOf(folder string) program {
	if folder == "." {
		return program{folder: ".", file: "linux"}
	}
	return program{folder: folder, file: folder + "_linux", exported: strings.ToUpper(folder[:1]) + folder[1:], local: folder}
}

// architectures are those that the programs are built for, on linux.
var architectures = []string{"amd64", "arm64"}

// compile builds the program in folder dir for linux on that architecture, into a
// file in the folder tmp, and returns the program's bytes: the same ones on any
// machine for the same sources and the same Go release.
func compile(ctx context.Context, dir, arch, tmp string) ([]byte, error) {
	out := filepath.Join(tmp, "program-"+arch)
	cmd := goCommand(ctx, dir, arch, "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid=", "-o", out, ".")
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build for linux/%s: %w\n%s", arch, err, text)
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
