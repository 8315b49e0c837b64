package release

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/twofoldhq/twofold/release/base"
)

func functionImageOf(t *testing.T, r *Release, secrets bool) v1.Image {
	t.Helper()
	f, err := r.Form(Image, arm64)
	if err != nil {
		t.Fatal(err)
	}
	image, err := r.FunctionImage(t.Context(), f, secrets)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func TestFunctionImageIsTheImageAndOneLayer(t *testing.T) {
	r := assembled(t, openStore(t, t.TempDir()), spec(t, t.TempDir()))
	for _, secrets := range []bool{false, true} {
		image := functionImageOf(t, r, secrets)
		if err := validate.Image(image); err != nil {
			t.Fatal(err)
		}
		m, err := image.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		f, _ := r.Form(Image, arm64)
		own, err := r.formManifest(f, Image)
		if err != nil {
			t.Fatal(err)
		}
		if m.MediaType != types.OCIManifestSchema1 || len(m.Layers) != len(own.Layers)+1 {
			t.Errorf("%s with %d layers, the image has %d", m.MediaType, len(m.Layers), len(own.Layers))
		}
		for i, l := range own.Layers {
			if m.Layers[i].Digest.String() != string(l.Digest) {
				t.Errorf("layer %d is another one", i)
			}
		}
		c, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if c.Architecture != "arm64" || c.OS != "linux" || !slices.Equal(c.Config.Entrypoint, []string{"/twofold/bootstrap"}) || len(c.Config.Cmd) > 0 || c.Config.WorkingDir != "/app" {
			t.Errorf("the config is %+v", c)
		}
		entries, app := lastLayer(t, image)
		want := map[string]string{"twofold/": "", "twofold/bootstrap": "755 the adapter for arm64", "twofold/twofold.json": "644"}
		if secrets {
			want["twofold/twofold-secrets"] = "755 the resolver for arm64"
			want["twofold/ca-certificates.crt"] = "644 " + string(base.CertificateFile())
		}
		if !cmp.Equal(entries, want) {
			t.Error(cmp.Diff(want, entries))
		}
		wantApp := AppConfig{Command: []string{"/app/server", "-x", "<&>"}, Dir: "/app", Port: 8080, Health: "/healthz", Env: map[string]string{
			"A": "1", "MODE": "live", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt",
		}}
		if !cmp.Equal(app, wantApp) {
			t.Error(cmp.Diff(wantApp, app))
		}
	}
}

// lastLayer returns the entries of an image's last layer, and its app config.
func lastLayer(t *testing.T, image v1.Image) (map[string]string, AppConfig) {
	t.Helper()
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	r, err := layers[len(layers)-1].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	entries, app := map[string]string{}, AppConfig{}
	for in := tar.NewReader(r); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return entries, app
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case h.Typeflag == tar.TypeDir:
			entries[h.Name] = ""
		case h.Name == "twofold/twofold.json":
			entries[h.Name] = "644"
			if err := json.Unmarshal(content, &app); err != nil {
				t.Fatal(err)
			}
		default:
			entries[h.Name] = map[int64]string{0o755: "755 ", 0o644: "644 "}[h.Mode] + string(content)
		}
	}
}

func TestFunctionImageIsTheSameEachTime(t *testing.T) {
	digest := func() string {
		r := assembled(t, openStore(t, t.TempDir()), spec(t, t.TempDir()))
		h, err := functionImageOf(t, r, true).Digest()
		if err != nil {
			t.Fatal(err)
		}
		return h.String()
	}
	if one, two := digest(), digest(); one != two {
		t.Errorf("%s and %s", one, two)
	}
}

func TestFunctionImageIsOfAnImage(t *testing.T) {
	r := assembled(t, openStore(t, t.TempDir()), spec(t, t.TempDir()))
	f, err := r.Form(Bundle, arm64)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.FunctionImage(t.Context(), f, false); err == nil {
		t.Error("a bundle was taken")
	}
}
