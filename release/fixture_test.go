package release

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/twofoldhq/twofold/build"
)

var (
	amd64 = build.Platform{OS: "linux", Arch: "amd64"}
	arm64 = build.Platform{OS: "linux", Arch: "arm64"}
)

// program is a Linux program that has a head and nothing to run: static, or with
// the dynamic loader that it asks for.
func program(t testing.TB, p build.Platform, loader string) []byte {
	t.Helper()
	h := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(machine(p.Arch)), Version: uint32(elf.EV_CURRENT),
		Ehsize: 64, Phoff: 64, Phentsize: 56, Phnum: 1, Shentsize: 64,
	}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	segment := elf.Prog64{Type: uint32(elf.PT_LOAD)}
	if loader != "" {
		segment = elf.Prog64{Type: uint32(elf.PT_INTERP), Off: 120, Filesz: uint64(len(loader) + 1)}
	}
	var b bytes.Buffer
	for _, part := range []any{h, segment, append([]byte(loader), 0)} {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// appTree writes an app tree: a server of 200 KB and some files around it.
func appTree(t testing.TB, dir string, p build.Platform) *build.Tree {
	t.Helper()
	content := map[string][]byte{
		"server":           append(program(t, p, ""), bytes.Repeat([]byte("code of "+p.Arch+" "), 20_000)...),
		"public/index.txt": []byte("hello"),
		"public/empty":     nil,
	}
	return treeOf(t, dir, p, content, map[string]string{"current": "public/index.txt"})
}

func treeOf(t testing.TB, dir string, p build.Platform, content map[string][]byte, links map[string]string) *build.Tree {
	t.Helper()
	tree := &build.Tree{Platform: p, Command: []string{"./server", "-x", "<&>"}, Env: map[string]string{"MODE": "live", "A": "1"}}
	for path, data := range content {
		source := filepath.Join(dir, p.Arch, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(source), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(source, data, 0o600); err != nil {
			t.Fatal(err)
		}
		tree.Files = append(tree.Files, build.File{Path: path, Source: source, Executable: path == "server"})
	}
	for path, to := range links {
		tree.Files = append(tree.Files, build.File{Path: path, Link: to})
	}
	slices.SortFunc(tree.Files, func(a, b build.File) int { return strings.Compare(a.Path, b.Path) })
	look(t, tree)
	return tree
}

// look takes the files' Info anew, as a builder does at its end.
func look(t testing.TB, tree *build.Tree) {
	t.Helper()
	for i := range tree.Files {
		f := &tree.Files[i]
		if f.Link != "" {
			continue
		}
		info, err := os.Lstat(f.Source)
		if err != nil {
			t.Fatal(err)
		}
		f.Info = info
	}
}

// fakeAdapter stands in for the embedded adapter, so that digests in golden files
// do not change with it.
func fakeAdapter(arch string) (adapter, error) { return fakeProgram("the adapter for " + arch) }

// fakeResolver stands in for the embedded program that reads secrets.
func fakeResolver(arch string) (adapter, error) { return fakeProgram("the resolver for " + arch) }

func fakeProgram(content string) (adapter, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(content)); err != nil {
		return adapter{}, err
	}
	if err := w.Close(); err != nil {
		return adapter{}, err
	}
	sum := sha256.Sum256([]byte(content))
	return adapter{Gzip: b.Bytes(), Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:]), Version: "v1"}, nil
}

func openStore(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	s.adapter, s.resolver = fakeAdapter, fakeResolver
	return s
}

// spec is that of a service for both platforms, its tree below dir.
func spec(t testing.TB, dir string) Spec {
	t.Helper()
	return Spec{Project: "shop", Service: "api", Port: 8080, Health: "/healthz", Trees: []*build.Tree{
		appTree(t, dir, amd64), appTree(t, dir, arm64),
	}}
}

func assembled(t testing.TB, s *Store, spec Spec) *Release {
	t.Helper()
	r, err := Assemble(context.Background(), s, spec, Options{Warn: func(m string) { t.Errorf("warning: %s", m) }})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// tarOf is a tar of one file.
func tarOf(t testing.TB, name, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o755, Size: int64(len(content))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
