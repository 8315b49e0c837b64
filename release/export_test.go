package release

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

func formOf(t *testing.T, r *Release, k Kind) Form {
	t.Helper()
	f, err := r.Form(k, amd64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestWriteBundle(t *testing.T) {
	r := assembled(t, openStore(t, t.TempDir()), spec(t, t.TempDir()))
	var b bytes.Buffer
	if err := r.WriteBundle(context.Background(), formOf(t, r, Bundle), &b); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	if want := []string{"bootstrap", "twofold.json", "app/current", "app/public/empty", "app/public/index.txt", "app/server"}; !slices.Equal(names, want) {
		t.Error(names)
	}
	if err := r.WriteBundle(context.Background(), formOf(t, r, Image), &b); err == nil {
		t.Error("an image was written as a bundle")
	}
}

func TestWriteImageTar(t *testing.T) {
	r := assembled(t, openStore(t, t.TempDir()), spec(t, t.TempDir()))
	var one, two bytes.Buffer
	for _, out := range []io.Writer{&one, &two} {
		if err := r.WriteImageTar(context.Background(), formOf(t, r, Image), "shop/api:v1", out); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("the bytes differ")
	}
	tag, err := name.NewTag("shop/api:v1")
	if err != nil {
		t.Fatal(err)
	}
	image, err := tarball.Image(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(one.Bytes())), nil }, &tag)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(image); err != nil {
		t.Error(err)
	}
	for _, tag := range []string{"UPPER", "a b", ""} {
		if err := r.WriteImageTar(context.Background(), formOf(t, r, Image), tag, io.Discard); err == nil {
			t.Errorf("tag %q is no error", tag)
		}
	}
}

func TestNamesOfTags(t *testing.T) {
	for in, want := range map[string][2]string{
		"api":                {"api:latest", "docker.io/library/api:latest"},
		"shop/api:v1":        {"shop/api:v1", "docker.io/shop/api:v1"},
		"ghcr.io/shop/api:2": {"ghcr.io/shop/api:2", "ghcr.io/shop/api:2"},
		"localhost:5000/api": {"localhost:5000/api:latest", "localhost:5000/api:latest"},
	} {
		tag, err := name.NewTag(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]string{familiar(tag), canonicalName(tag)}; got != want {
			t.Errorf("%s: %q", in, got)
		}
	}
}

func TestWriteLayout(t *testing.T) {
	s := openStore(t, t.TempDir())
	assembled(t, s, small(t, "shop", "web", "another"))
	r := assembled(t, s, spec(t, t.TempDir()))
	dir := filepath.Join(t.TempDir(), "layout")
	for range 2 { // the second one replaces the first
		if err := r.WriteLayout(context.Background(), dir); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(left) != 1 {
		t.Errorf("beside the layout: %v, %v", left, err)
	}
	opened, err := OpenLayout(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	opened.store.adapter = fakeAdapter
	if opened.Digest != r.Digest {
		t.Errorf("%s became %s", r.Digest, opened.Digest)
	}
	wantVerified(t, opened)
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	needed := 0
	if err := r.blobs(context.Background(), func(descriptor) error { needed++; return nil }); err != nil {
		t.Fatal(err)
	}
	if blobs, err := os.ReadDir(filepath.Join(dir, "blobs", "sha256")); err != nil || len(blobs) != needed {
		t.Errorf("%d blobs, %d are needed, %v", len(blobs), needed, err)
	}
}

func TestWriteLayoutSparesOtherFolders(t *testing.T) {
	r := assembled(t, openStore(t, t.TempDir()), small(t, "shop", "api", "1"))
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteLayout(context.Background(), dir); err == nil || !strings.Contains(err.Error(), `holds "notes.txt"`) {
		t.Errorf("error is %v", err)
	}
}

func TestWriteLayoutThatFailsLeavesTheOldOne(t *testing.T) {
	s := openStore(t, t.TempDir())
	old := assembled(t, s, small(t, "shop", "api", "1"))
	next := assembled(t, s, small(t, "shop", "api", "2"))
	dir := filepath.Join(t.TempDir(), "layout")
	if err := old.WriteLayout(context.Background(), dir); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := next.WriteLayout(ctx, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if left, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(left) != 1 {
		t.Errorf("beside the layout: %v, %v", left, err)
	}
	if r, err := OpenLayout(dir, ""); err != nil || r.Digest != old.Digest {
		t.Errorf("%v, %v", r, err)
	}
}

func TestOpenLayout(t *testing.T) {
	s := openStore(t, t.TempDir())
	one := assembled(t, s, small(t, "shop", "api", "1"))
	assembled(t, s, small(t, "shop", "web", "1"))
	if _, err := OpenLayout(s.Dir(), ""); err == nil || !strings.Contains(err.Error(), "2 releases") {
		t.Errorf("error is %v", err)
	}
	if r, err := OpenLayout(s.Dir(), "api"); err != nil || r.Digest != one.Digest {
		t.Errorf("%v, %v", r, err)
	}
	if _, err := OpenLayout(t.TempDir(), ""); err == nil {
		t.Error("an empty folder is no error")
	}
}

func TestUnpack(t *testing.T) {
	r := assembled(t, openStore(t, t.TempDir()), spec(t, t.TempDir()))
	image, bundle := t.TempDir(), t.TempDir()
	u, err := r.Unpack(context.Background(), formOf(t, r, Image), image)
	if err != nil {
		t.Fatal(err)
	}
	if u.Dir != "/app" || u.User != "65532:65532" || !slices.Equal(u.Command, []string{"/app/server", "-x", "<&>"}) || !slices.Contains(u.Env, "PORT=8080") {
		t.Errorf("%+v", u)
	}
	u, err = r.Unpack(context.Background(), formOf(t, r, Bundle), bundle)
	if err != nil {
		t.Fatal(err)
	}
	if u.App.Port != 8080 || u.App.Health != "/healthz" || u.App.Dir != "app" || u.App.Command[0] != "./server" || u.App.Env["MODE"] != "live" {
		t.Errorf("%+v", u)
	}
	for _, dir := range []string{image, bundle} {
		if b, err := os.ReadFile(filepath.Join(dir, "app", "current")); err != nil || string(b) != "hello" {
			t.Errorf("%q, %v", b, err)
		}
		if info, err := os.Stat(filepath.Join(dir, "app", "server")); err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("%v, %v", info, err)
		}
	}
	if info, err := os.Stat(filepath.Join(image, "tmp")); err != nil || info.Mode().Perm() != 0o777 || info.Mode()&os.ModeSticky == 0 {
		t.Errorf("%v, %v", info, err)
	}
	if b, err := os.ReadFile(filepath.Join(bundle, "bootstrap")); err != nil || string(b) != "the adapter for amd64" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := r.Unpack(context.Background(), formOf(t, r, Bundle), bundle); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("into a folder that is not empty: %v", err)
	}
	if _, err := r.Unpack(context.Background(), formOf(t, r, Bundle), filepath.Join(bundle, "missing")); err == nil {
		t.Error("into a missing folder: no error")
	}
}

func TestAnImageTarWithoutLayersThatTheEngineHas(t *testing.T) {
	r := assembled(t, openStore(t, t.TempDir()), spec(t, t.TempDir()))
	f := formOf(t, r, Image)
	layers, err := r.Layers(f)
	if err != nil {
		t.Fatal(err)
	}
	files := func(skip int) map[string]string {
		var out bytes.Buffer
		if err := r.WriteImageTarWithout(context.Background(), f, "shop/api:v1", skip, &out); err != nil {
			t.Fatal(err)
		}
		return tarFiles(t, &out)
	}
	whole := files(0)
	for skip := range len(layers) + 1 {
		some := files(skip)
		if missing := len(whole) - len(some); missing != skip {
			t.Errorf("without %d layers %d files are missing", skip, missing)
		}
		for name, content := range some {
			if whole[name] != content {
				t.Errorf("without %d layers the file %s is another one", skip, name)
			}
		}
	}
	var size int64
	for _, l := range layers {
		size += l.Size
		if !strings.HasPrefix(l.DiffID, "sha256:") || !strings.Contains(whole[blobName(configOf(t, r, f))], l.DiffID) {
			t.Errorf("%q is no layer of the config", l.DiffID)
		}
	}
	if size != f.Size {
		t.Errorf("the layers have %d bytes, the form %d", size, f.Size)
	}
	if _, err := r.Layers(formOf(t, r, Bundle)); err == nil {
		t.Error("a bundle has layers")
	}
}

func configOf(t *testing.T, r *Release, f Form) descriptor {
	t.Helper()
	m, err := r.formManifest(f, Image)
	if err != nil {
		t.Fatal(err)
	}
	return m.Config
}

// tarFiles are the files of a tar.
func tarFiles(t *testing.T, in io.Reader) map[string]string {
	t.Helper()
	all := map[string]string{}
	for r := tar.NewReader(in); ; {
		h, err := r.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			all[h.Name] = string(content)
		}
	}
}
