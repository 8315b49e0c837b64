package release

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// forger changes documents of a release and everything that names them, so that
// all digests are right and only what they say is wrong.
type forger struct {
	t     *testing.T
	s     *Store
	index *ocispec.Index
}

func forge(t *testing.T) *forger {
	t.Helper()
	s := openStore(t, t.TempDir())
	r := assembled(t, s, spec(t, t.TempDir()))
	index, err := r.indexDocument()
	if err != nil {
		t.Fatal(err)
	}
	return &forger{t, s, index}
}

// manifest changes the manifest of a form: 0 and 1 are images, 2 and 3 bundles.
func (f *forger) manifest(i int, change func(*ocispec.Manifest)) {
	f.t.Helper()
	m, err := f.s.manifest(f.index.Manifests[i])
	if err != nil {
		f.t.Fatal(err)
	}
	change(m)
	f.put(&f.index.Manifests[i], m)
}

// config changes the config of an image.
func (f *forger) config(i int, change func(*ocispec.Image)) {
	f.manifest(i, func(m *ocispec.Manifest) {
		raw, err := f.s.document(m.Config)
		if err != nil {
			f.t.Fatal(err)
		}
		var c ocispec.Image
		if err := json.Unmarshal(raw, &c); err != nil {
			f.t.Fatal(err)
		}
		change(&c)
		f.put(&m.Config, c)
	})
}

// bundle writes the zip of a bundle anew.
func (f *forger) bundle(i int, change func(name string, content []byte) (string, []byte), extra ...string) {
	f.manifest(i, func(m *ocispec.Manifest) {
		raw, err := os.ReadFile(f.s.blobPath(string(m.Layers[0].Digest)))
		if err != nil {
			f.t.Fatal(err)
		}
		z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			f.t.Fatal(err)
		}
		var out bytes.Buffer
		w := zip.NewWriter(&out)
		write := func(h *zip.FileHeader, content []byte) {
			e, err := w.CreateHeader(&zip.FileHeader{Name: h.Name, ExternalAttrs: h.ExternalAttrs, CreatorVersion: h.CreatorVersion})
			if err == nil {
				_, err = e.Write(content)
			}
			if err != nil {
				f.t.Fatal(err)
			}
		}
		for _, e := range z.File {
			r, err := e.Open()
			if err != nil {
				f.t.Fatal(err)
			}
			content, err := io.ReadAll(r)
			if err != nil {
				f.t.Fatal(err)
			}
			h := e.FileHeader
			h.Name, content = change(e.Name, content)
			if h.Name != "" {
				write(&h, content)
			}
		}
		for _, name := range extra {
			write(&zip.FileHeader{Name: name}, nil)
		}
		if err := w.Close(); err != nil {
			f.t.Fatal(err)
		}
		d, err := f.s.put(m.Layers[0].MediaType, out.Bytes())
		if err != nil {
			f.t.Fatal(err)
		}
		m.Layers[0].Digest, m.Layers[0].Size = d.Digest, d.Size
	})
}

func (f *forger) put(d *descriptor, v any) {
	f.t.Helper()
	made, err := f.s.putJSON(d.MediaType, v)
	if err != nil {
		f.t.Fatal(err)
	}
	d.Digest, d.Size = made.Digest, made.Size
}

// failures verifies the forged release.
func (f *forger) failures() string {
	f.t.Helper()
	var d descriptor
	f.put(&d, f.index)
	r := &Release{Digest: string(d.Digest), store: f.s, index: d}
	report, err := Verify(context.Background(), r)
	if err != nil {
		f.t.Fatal(err)
	}
	var failed []string
	for _, x := range report.Findings {
		if x.Result == Fail {
			failed = append(failed, x.Subject+": "+x.Check+": "+x.Detail)
		}
	}
	if report.OK() != (len(failed) == 0) {
		f.t.Error("OK is wrong")
	}
	return strings.Join(failed, "\n")
}

func same0(name string, content []byte) (string, []byte) { return name, content }

func TestVerifyFindsWhatIsForged(t *testing.T) {
	tests := []struct {
		name  string
		forge func(f *forger)
		want  string
	}{
		{"nothing", func(*forger) {}, ""},
		{"a file in the bundle", func(f *forger) {
			f.bundle(2, func(name string, content []byte) (string, []byte) {
				if name == "app/public/index.txt" {
					content = []byte("hallo")
				}
				return name, content
			})
		}, "linux/amd64: the image and the bundle hold the same app tree"},
		{"a file missing from the bundle", func(f *forger) {
			f.bundle(3, func(name string, content []byte) (string, []byte) {
				if name == "app/public/empty" {
					name = ""
				}
				return name, content
			})
		}, "linux/arm64: the image and the bundle hold the same app tree"},
		{"the command in the bundle", func(f *forger) {
			f.bundle(2, func(name string, content []byte) (string, []byte) {
				if name == AppConfigName {
					content = bytes.Replace(content, []byte(`"-x"`), []byte(`"-y"`), 1)
				}
				return name, content
			})
		}, "the app tree has the digest that the manifest states"},
		{"the adapter", func(f *forger) {
			f.bundle(2, func(name string, content []byte) (string, []byte) {
				if name == AdapterName {
					content = []byte("evil")
				}
				return name, content
			})
		}, "the adapter is the one of this twofold"},
		{"another file in the bundle's root", func(f *forger) { f.bundle(2, same0, "evil.so") }, "its root holds the adapter and twofold.json"},
		{"no adapter", func(f *forger) {
			f.bundle(2, func(name string, content []byte) (string, []byte) {
				return strings.TrimPrefix(name, AdapterName), content
			})
		}, "its root holds the adapter"},
		{"a file twice", func(f *forger) { f.bundle(2, same0, "app/server") }, "is there twice"},
		{"the entrypoint", func(f *forger) {
			f.config(0, func(c *ocispec.Image) { c.Config.Entrypoint = []string{"/bin/sh"} })
		}, "it starts the app as the label dev.twofold.app says"},
		{"a command behind the entrypoint", func(f *forger) {
			f.config(0, func(c *ocispec.Image) { c.Config.Cmd = []string{"--debug"} })
		}, "it starts the app as the label dev.twofold.app says"},
		{"the environment", func(f *forger) {
			f.config(0, func(c *ocispec.Image) { c.Config.Env = append(c.Config.Env[:2], c.Config.Env[3:]...) })
		}, "in the environment"},
		{"the label and the entrypoint", func(f *forger) {
			f.config(0, func(c *ocispec.Image) {
				c.Config.Labels[LabelApp] = strings.Replace(c.Config.Labels[LabelApp], `"-x"`, `"-y"`, 1)
				c.Config.Entrypoint[1] = "-y"
			})
		}, "the app tree has the digest that the manifest states"},
		{"the health path", func(f *forger) {
			f.config(0, func(c *ocispec.Image) { c.Config.Labels[LabelHealth] = "/" })
		}, "health path"},
		{"the platform", func(f *forger) {
			f.config(0, func(c *ocispec.Image) { c.Architecture = "arm64" })
		}, "the config is for its platform"},
		{"the layers in the config", func(f *forger) {
			f.config(0, func(c *ocispec.Image) { c.RootFS.DiffIDs = c.RootFS.DiffIDs[1:] })
		}, "the config names its layers"},
		{"the tree in the manifest", func(f *forger) {
			f.manifest(0, func(m *ocispec.Manifest) { m.Annotations[AnnotationTree] = "sha256:" + strings.Repeat("0", 64) })
		}, "the app tree has the digest that the manifest states"},
		{"the tree in the index", func(f *forger) {
			f.index.Manifests[0].Annotations[AnnotationTree] = "sha256:" + strings.Repeat("0", 64)
		}, "the app tree has the digest that the index states"},
		{"the runtime", func(f *forger) {
			f.manifest(2, func(m *ocispec.Manifest) { m.Annotations[AnnotationRuntime] = "nodejs24.x" })
		}, "the app tree has the digest that the manifest states"},
		{"a bundle with a platform", func(f *forger) {
			f.index.Manifests[2].Platform = &ocispec.Platform{OS: "linux", Architecture: "amd64"}
		}, "its platform in the index is not unknown/unknown"},
		{"a descriptor without a platform", func(f *forger) { f.index.Manifests[2].Platform = nil }, "it has no platform"},
		{"a bundle first", func(f *forger) {
			f.index.Manifests[0], f.index.Manifests[2] = f.index.Manifests[2], f.index.Manifests[0]
		}, "an image comes after a bundle"},
		{"no image", func(f *forger) { f.index.Manifests = f.index.Manifests[1:] }, "linux/amd64: the image and the bundle hold the same app tree: the image has none"},
		{"an image twice", func(f *forger) {
			f.index.Manifests = append(f.index.Manifests[:1], f.index.Manifests...)
		}, "there are two"},
		{"nothing in it", func(f *forger) { f.index.Manifests = nil }, "it holds none"},
		{"no service", func(f *forger) { delete(f.index.Annotations, AnnotationService) }, "dev.twofold.service is missing"},
		{"data in a descriptor", func(f *forger) { f.index.Manifests[0].Data = []byte("x") }, "descriptors no data"},
		{"a semicolon in a type", func(f *forger) {
			f.manifest(2, func(m *ocispec.Manifest) { m.Config.MediaType += ";v=1" })
		}, "media types no"},
		{"another type of layer", func(f *forger) {
			f.manifest(2, func(m *ocispec.Manifest) { m.Layers[0].MediaType = "application/x-zip" })
		}, "it has not one layer of the type application/zip"},
		{"no zip", func(f *forger) {
			f.manifest(2, func(m *ocispec.Manifest) { f.put(&m.Layers[0], "no zip") })
		}, "not a valid zip file"},
		{"a layer that is missing", func(f *forger) {
			f.manifest(0, func(m *ocispec.Manifest) { m.Layers[0].Digest = m.Layers[0].Digest[:70] + "0" })
		}, "no such file"},
		{"another size", func(f *forger) {
			f.manifest(0, func(m *ocispec.Manifest) { m.Layers[1].Size++ })
		}, "the content is not what the digest says"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := forge(t)
			test.forge(f)
			got := f.failures()
			if test.want == "" && got != "" || !strings.Contains(got, test.want) {
				t.Errorf("failures are:\n%s", got)
			}
		})
	}
}

func TestVerifyChangesNothing(t *testing.T) {
	f := forge(t)
	path := f.s.blobPath(string(f.index.Manifests[0].Digest))
	if err := os.WriteFile(path, []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := f.failures(); !strings.Contains(got, "the manifest has the stated digest") {
		t.Error(got)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestVerifyNotesAnotherAdapter(t *testing.T) {
	s := openStore(t, t.TempDir())
	r := assembled(t, s, spec(t, t.TempDir()))
	s.adapter = func(arch string) (adapter, error) {
		a, err := fakeAdapter(arch)
		a.Version = "v2"
		return a, err
	}
	report, err := Verify(context.Background(), r)
	if err != nil || !report.OK() {
		t.Errorf("%+v, %v", report, err)
	}
	notes := 0
	for _, f := range report.Findings {
		if f.Result == Note && f.Detail == "it is version v1, this twofold has v2" {
			notes++
		}
	}
	if notes != 2 {
		t.Errorf("%+v", report.Findings)
	}
}

func FuzzIndex(f *testing.F) {
	for _, name := range []string{"index.json", "layout.json", "image.json", "bundle.json"} {
		raw, err := os.ReadFile("testdata/golden/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s := &Store{dir: t.TempDir(), foreign: true}
		if index, err := parseIndex(raw); err == nil {
			_ = indexRules(index)
			for _, d := range index.Manifests {
				_ = s.has(d)
			}
			_, _ = find(index, "api")
		}
		if m, err := parseManifest(raw); err == nil {
			_, _ = form(descriptor{Platform: &ocispec.Platform{OS: "linux", Architecture: "amd64"}}, m)
			_ = plain(m)
			_ = bundleRules(m)
		}
	})
}
