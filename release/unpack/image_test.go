package unpack

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// dir, file, link and hard are entries of a layer.
func dir(name string) tar.Header { return tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o755} }
func link(name, to string) tar.Header {
	return tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: to}
}
func hard(name, to string) tar.Header {
	return tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: to}
}

// file has its own name as its content, and what stands behind a "=" of it.
func file(name string) tar.Header {
	return tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Uid: os.Getuid(), Gid: os.Getgid()}
}

func layerOf(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		name, content, ok := strings.Cut(h.Name, "=")
		if !ok {
			content = name
		}
		h.Name = name
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(content))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := io.WriteString(w, content); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// unpackLayers unpacks layers into a folder beside which nothing may change.
func unpackLayers(t testing.TB, layers ...[]byte) (string, error) {
	t.Helper()
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(outside, "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	err := func() error {
		im, err := NewImage(root)
		if err != nil {
			return err
		}
		defer im.Close()
		for _, l := range layers {
			if err := im.Layer(context.Background(), bytes.NewReader(l)); err != nil {
				return err
			}
		}
		return im.Finish()
	}()
	untouched(t, outside)
	return root, err
}

func untouched(t testing.TB, outside string) {
	t.Helper()
	list, err := os.ReadDir(outside)
	if err != nil || len(list) != 2 {
		t.Errorf("outside there is %v, %v", list, err)
	}
	if b, err := os.ReadFile(filepath.Join(outside, "secret")); err != nil || string(b) != "secret" {
		t.Errorf("the file outside is %q, %v", b, err)
	}
}

// content lists what a folder holds: files with their content, links with "->".
func content(t testing.TB, root string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		name := path[len(root)+1:]
		switch {
		case e.IsDir():
			found[name+"/"] = ""
		case e.Type() == fs.ModeSymlink:
			to, err := os.Readlink(path)
			found[name] = "-> " + to
			return err
		default:
			b, err := os.ReadFile(path)
			found[name] = string(b)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestLayers(t *testing.T) {
	tests := []struct {
		name   string
		layers [][]tar.Header
		want   map[string]string
	}{
		{"folders are made", [][]tar.Header{{file("a/b/c")}}, map[string]string{"a/": "", "a/b/": "", "a/b/c": "a/b/c"}},
		{"a later layer replaces", [][]tar.Header{{file("a=1")}, {file("a=2")}}, map[string]string{"a": "2"}},
		{"a file becomes a folder", [][]tar.Header{{file("a")}, {dir("a"), file("a/b")}}, map[string]string{"a/": "", "a/b": "a/b"}},
		{"a folder becomes a file", [][]tar.Header{{file("a/b")}, {file("a")}}, map[string]string{"a": "a"}},
		{"a link becomes a folder", [][]tar.Header{{dir("x"), link("a", "x")}, {dir("a"), file("a/b")}}, map[string]string{"x/": "", "a/": "", "a/b": "a/b"}},
		{"whiteout", [][]tar.Header{{file("a"), file("b/c")}, {file(".wh.a"), file(".wh.b")}}, map[string]string{}},
		{"whiteout of nothing", [][]tar.Header{{file("a"), file(".wh.b")}}, map[string]string{"a": "a"}},
		{"whiteout spares its own layer", [][]tar.Header{{file("a=1")}, {file("a=2"), file(".wh.a")}}, map[string]string{"a": "2"}},
		{"opaque whiteout", [][]tar.Header{{file("d/a"), file("d/b"), file("e")}, {dir("d"), file("d/.wh..wh..opq"), file("d/c")}},
			map[string]string{"d/": "", "d/c": "d/c", "e": "e"}},
		{"opaque whiteout at the end", [][]tar.Header{{file("d/x/old"), file("d/b")}, {file("d/x/new"), file("d/.wh..wh..opq")}},
			map[string]string{"d/": "", "d/x/": "", "d/x/new": "d/x/new"}},
		{"metadata of aufs is left out", [][]tar.Header{{file("a"), dir(".wh..wh.plnk"), file(".wh..wh.aufs")}}, map[string]string{"a": "a"}},
		{"absolute link is within", [][]tar.Header{{dir("run"), dir("var"), link("var/run", "/run"), file("var/run/x")}},
			map[string]string{"run/": "", "run/x": "var/run/x", "var/": "", "var/run": "-> /run"}},
		{"link far up ends at the root", [][]tar.Header{{link("up", "../../../../etc"), file("up/x")}},
			map[string]string{"etc/": "", "etc/x": "up/x", "up": "-> ../../../../etc"}},
		{"a file replaces a link", [][]tar.Header{{link("a", "/secret"), file("a")}}, map[string]string{"a": "a"}},
		{"name far up ends at the root", [][]tar.Header{{file("../../secret=x"), file("/abs=y")}}, map[string]string{"secret": "x", "abs": "y"}},
		{"hard link", [][]tar.Header{{file("a/b"), hard("c", "a/b"), hard("d", "/a/b")}},
			map[string]string{"a/": "", "a/b": "a/b", "c": "a/b", "d": "a/b"}},
		{"hard link through a link", [][]tar.Header{{file("a/b"), link("l", "/a"), hard("c", "l/b")}},
			map[string]string{"a/": "", "a/b": "a/b", "l": "-> /a", "c": "a/b"}},
		{"hard link to itself", [][]tar.Header{{file("a"), hard("a", "a")}}, map[string]string{"a": "a"}},
		{"devices and pipes are left out", [][]tar.Header{{
			{Typeflag: tar.TypeChar, Name: "null"}, {Typeflag: tar.TypeBlock, Name: "sda"}, {Typeflag: tar.TypeFifo, Name: "pipe"}, file("a"),
		}}, map[string]string{"a": "a"}},
		{"the root has an entry", [][]tar.Header{{dir("./"), file("./a=a")}}, map[string]string{"a": "a"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var layers [][]byte
			for _, l := range test.layers {
				layers = append(layers, layerOf(t, l...))
			}
			root, err := unpackLayers(t, layers...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, content(t, root)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLayersThatCannotBe(t *testing.T) {
	tests := map[string][]tar.Header{
		"a folder that is a file":    {file("a"), file("a/b")},
		"a loop of links":            {link("a", "b"), link("b", "a"), file("a/x")},
		"hard link to nothing":       {hard("a", "nothing")},
		"hard link outside":          {hard("a", "../secret")},
		"hard link outside by links": {link("l", ".."), hard("a", "l/secret")},
		"whiteout without a name":    {file(".wh.")},
		"whiteout of above":          {file("d/.wh...")},
	}
	for name, headers := range tests {
		t.Run(name, func(t *testing.T) {
			root, err := unpackLayers(t, layerOf(t, headers...))
			if err == nil {
				t.Errorf("no error; it made %v", content(t, root))
			}
		})
	}
}

func TestModes(t *testing.T) {
	root, err := unpackLayers(t, layerOf(t,
		tar.Header{Typeflag: tar.TypeDir, Name: "tmp", Mode: 0o1777},
		tar.Header{Typeflag: tar.TypeDir, Name: "closed", Mode: 0o555},
		tar.Header{Typeflag: tar.TypeReg, Name: "closed/secret", Mode: 0o400},
		tar.Header{Typeflag: tar.TypeReg, Name: "su", Mode: 0o6755},
	))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{
		"tmp": fs.ModeDir | fs.ModeSticky | 0o777, "closed": fs.ModeDir | 0o555, "closed/secret": 0o400, "su": 0o755,
	} {
		info, err := os.Lstat(filepath.Join(root, name))
		if err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestCompressions(t *testing.T) {
	plain := layerOf(t, file("a"))
	var zipped bytes.Buffer
	for range 2 { // as two members, which is one stream
		half := plain[:len(plain)/2]
		if zipped.Len() > 0 {
			half = plain[len(plain)/2:]
		}
		w := gzip.NewWriter(&zipped)
		if _, err := w.Write(half); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, layer := range map[string][]byte{"plain": plain, "gzip": zipped.Bytes(), "zstd": z.EncodeAll(plain, nil)} {
		root, err := unpackLayers(t, layer)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := content(t, root); got["a"] != "a" {
			t.Errorf("%s: %v", name, got)
		}
	}
	for name, layer := range map[string][]byte{"gzip": zipped.Bytes()[:zipped.Len()-20], "zstd": z.EncodeAll(plain, nil)[:30], "plain": plain[:512]} {
		if _, err := unpackLayers(t, layer); err == nil {
			t.Errorf("%s: a stream that is cut off is no error", name)
		}
	}
}

// TestHugeFileOfHolesIsAnError gives a header of GNU's old sparse format, which says
// that a file of 8 GB has no content at all.
func TestHugeFileOfHolesIsAnError(t *testing.T) {
	b := layerOf(t, tar.Header{Typeflag: tar.TypeReg, Name: "lastlog=", Mode: 0o644, Format: tar.FormatGNU})
	b[156] = tar.TypeGNUSparse
	copy(b[386:], "77777777777\x0000000000000\x00") // the one part of data: at its end, empty
	copy(b[483:], "77777777777\x00")                // the real size
	copy(b[148:], "        ")
	sum := 0
	for _, c := range b[:512] {
		sum += int(c)
	}
	copy(b[148:], fmt.Sprintf("%06o\x00 ", sum))
	_, err := unpackLayers(t, b)
	if err == nil || !strings.Contains(err.Error(), "8589934591 bytes with holes") {
		t.Errorf("error is %v", err)
	}
}

func TestLayerIsReadToItsEnd(t *testing.T) {
	im, err := NewImage(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer im.Close()
	r := bytes.NewReader(append(layerOf(t, file("a")), make([]byte, 1<<20)...))
	if err := im.Layer(context.Background(), r); err != nil || r.Len() > 0 {
		t.Errorf("%d bytes are left, %v", r.Len(), err)
	}
}

func FuzzLayer(f *testing.F) {
	f.Add(layerOf(f, dir("d"), file("d/a"), link("l", "/d"), file("l/b"), hard("h", "d/a"), file("d/.wh.a")))
	f.Add(layerOf(f, link("a", "../.."), file("a/secret"), file("../x"), hard("y", "a/secret")))
	f.Add([]byte{0x1f, 0x8b})
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd})
	f.Fuzz(func(t *testing.T, layer []byte) {
		// Whether it is an error does not matter: nothing outside may change.
		_, _ = unpackLayers(t, layer, layer)
	})
}
