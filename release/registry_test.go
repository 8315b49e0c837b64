package release

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// testRegistry is a registry in this process that counts requests and can refuse
// them.
type testRegistry struct {
	host     string
	requests atomic.Int64
	status   atomic.Int64 // of every answer, if not 0
	server   *httptest.Server
}

func startRegistry(t *testing.T) *testRegistry {
	t.Helper()
	r := &testRegistry{}
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.requests.Add(1)
		if code := int(r.status.Load()); code != 0 {
			http.Error(w, "no", code)
			return
		}
		inner.ServeHTTP(w, req)
	}))
	t.Cleanup(r.server.Close)
	r.host = strings.TrimPrefix(r.server.URL, "http://")
	return r
}

// base pushes an image for the platforms, with Docker's media types, and returns
// its reference.
func (r *testRegistry) base(t *testing.T, tag string, platforms ...string) string {
	t.Helper()
	ref, err := name.ParseReference(r.host + "/library/base:" + tag)
	if err != nil {
		t.Fatal(err)
	}
	index := mutate.IndexMediaType(empty.Index, types.DockerManifestList)
	for _, p := range platforms {
		platform, err := v1.ParsePlatform(p)
		if err != nil {
			t.Fatal(err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: baseOf(t, *platform), Descriptor: v1.Descriptor{Platform: platform}})
	}
	if err := remote.WriteIndex(ref, index); err != nil {
		t.Fatal(err)
	}
	return ref.Name()
}

func baseOf(t *testing.T, p v1.Platform) v1.Image {
	t.Helper()
	im, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.DockerManifestSchema2),
		static.NewLayer(tarOf(t, "bin/node", "program of "+p.Architecture), types.DockerUncompressedLayer),
		static.NewLayer(tarOf(t, "etc/passwd", "node:x:1000:1000::/:\n"), types.OCIUncompressedLayer))
	if err != nil {
		t.Fatal(err)
	}
	file, err := im.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Variant = p.OS, p.Architecture, p.Variant
	file.Config = v1.Config{
		User: "1000", Env: []string{"PATH=/opt/node/bin:/bin", "MODE=base", "PORT=1"}, Cmd: []string{"node"}, Entrypoint: []string{"docker-entrypoint.sh"},
		Labels: map[string]string{"vendor": "someone"}, WorkingDir: "/", StopSignal: "SIGQUIT",
		ExposedPorts: map[string]struct{}{"1/tcp": {}}, Healthcheck: &v1.HealthConfig{Test: []string{"CMD", "true"}},
	}
	if im, err = mutate.ConfigFile(im, file); err != nil {
		t.Fatal(err)
	}
	return im
}

// scripted is a service that needs a base: its command is a script's interpreter.
func scripted(t *testing.T, base string) Spec {
	t.Helper()
	tree := treeOf(t, t.TempDir(), amd64, map[string][]byte{"index.js": []byte("listen()")}, nil)
	tree.Command, tree.Runtime = []string{"node", "index.js"}, "nodejs24.x"
	return Spec{Project: "shop", Service: "web", Port: 3000, Health: "/", Base: base, Trees: append(spec(t, t.TempDir()).Trees[1:], tree)}
}

func TestImageOnAnotherBase(t *testing.T) {
	reg := startRegistry(t)
	ref := reg.base(t, "1", "linux/s390x", "linux/amd64", "linux/arm64/v8")
	s := openStore(t, t.TempDir())
	var warnings []string
	in := scripted(t, ref)
	r, err := Assemble(context.Background(), s, in, Options{Warn: func(m string) { warnings = append(warnings, m) }})
	if err != nil {
		t.Fatal(err)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], `write base = "`+ref+"@sha256:") {
		t.Errorf("warnings are %q", warnings)
	}
	wantVerified(t, r)
	f, err := r.Form(Image, amd64)
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.formManifest(f, Image)
	if err != nil {
		t.Fatal(err)
	}
	config, err := r.imageConfig(m)
	if err != nil {
		t.Fatal(err)
	}
	c := config.Config
	wantEnv := []string{"PATH=/opt/node/bin:/bin", "MODE=live", "PORT=3000", "A=1"}
	if c.User != "1000" || !slices.Equal(c.Env, wantEnv) || !slices.Equal(c.Entrypoint, []string{"node", "index.js"}) ||
		len(c.Cmd) > 0 || c.Labels["vendor"] != "someone" || c.StopSignal != "" || len(c.ExposedPorts) != 1 || c.WorkingDir != "/app" {
		t.Errorf("%+v", c)
	}
	if m.Annotations["org.opencontainers.image.base.name"] != ref || m.Annotations["org.opencontainers.image.base.digest"] == "" {
		t.Errorf("%v", m.Annotations)
	}
	for _, l := range m.Layers {
		if !strings.HasPrefix(l.MediaType, "application/vnd.oci.image.layer.v1.tar") {
			t.Errorf("a layer has the type %s", l.MediaType)
		}
	}
	u, err := r.Unpack(context.Background(), f, t.TempDir())
	if err != nil || u.User != "1000" {
		t.Errorf("%+v, %v", u, err)
	}

	// From now on the registry is not needed.
	reg.server.Close()
	in.Port++
	if _, err := Assemble(context.Background(), s, in, Options{}); err != nil {
		t.Error(err)
	}
	if err := s.Prune("web", 1); err != nil {
		t.Fatal(err)
	}
	in.Port++
	if _, err := Assemble(context.Background(), s, in, Options{}); err != nil {
		t.Errorf("after a prune: %v", err)
	}
}

func TestPullAsksForTheTagAgain(t *testing.T) {
	reg := startRegistry(t)
	ref := reg.base(t, "1", "linux/amd64", "linux/arm64")
	s, in := openStore(t, t.TempDir()), scripted(t, ref)
	age(t, in.Trees)
	assemble := func(o Options) string {
		t.Helper()
		r, err := Assemble(context.Background(), s, in, o)
		if err != nil {
			t.Fatal(err)
		}
		return r.Digest
	}
	one := assemble(Options{})
	if again := assemble(Options{Pull: true}); again != one {
		t.Error("the tag did not move, but the release changed")
	}
	// The tag moves.
	moved := reg.base(t, "2", "linux/amd64", "linux/arm64", "linux/riscv64")
	from, err := name.ParseReference(moved)
	if err != nil {
		t.Fatal(err)
	}
	to, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	changed, err := mutate.Config(baseOf(t, v1.Platform{OS: "linux", Architecture: "amd64"}), v1.Config{User: "2000"})
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Index(from)
	if err != nil {
		t.Fatal(err)
	}
	index = mutate.AppendManifests(mutate.RemoveManifests(index, func(d v1.Descriptor) bool { return d.Platform.Architecture == "amd64" }),
		mutate.IndexAddendum{Add: changed, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}})
	if err := remote.WriteIndex(to, index); err != nil {
		t.Fatal(err)
	}
	before := reg.requests.Load()
	if assemble(Options{}) != one || reg.requests.Load() != before {
		t.Error("the registry was asked, or the release changed, without Pull")
	}
	if assemble(Options{Pull: true}) == one {
		t.Error("the new base was not taken")
	}
}

func TestBaseThatCannotBeHad(t *testing.T) {
	reg := startRegistry(t)
	amd := reg.base(t, "amd", "linux/amd64", "linux/s390x")
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	tests := []struct {
		name, base string
		status     int
		want       string
	}{
		{"missing", reg.host + "/library/nothing:1", 0, "check the name and the tag"},
		{"platform", amd, 0, "no image for linux/arm64, only for linux/amd64, linux/s390x"},
		{"no login", amd, 401, "docker login " + reg.host},
		{"forbidden", amd, 403, "docker login " + reg.host},
		{"too many", amd, 429, "takes no more requests"},
		{"no network", strings.TrimPrefix(closed.URL, "http://") + "/library/node:1", 0, "cannot be reached: check the network"},
		{"no reference", "UPPER case", 0, "no reference of an image"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			reg.status.Store(int64(test.status))
			defer reg.status.Store(0)
			s := openStore(t, t.TempDir())
			_, err := Assemble(context.Background(), s, scripted(t, test.base), Options{})
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), fmt.Sprintf("base %q", test.base)) {
				t.Errorf("error is %v", err)
			}
			noDebris(t, s)
		})
	}
}

func TestDefaultBases(t *testing.T) {
	for runtime, want := range map[string]string{
		"nodejs24.x": "docker.io/library/node:24-slim", "python3.13": "docker.io/library/python:3.13-slim",
		"java21": "docker.io/library/eclipse-temurin:21-jre", "ruby3.4": "docker.io/library/ruby:3.4-slim",
		"dotnet10": "mcr.microsoft.com/dotnet/aspnet:10.0", "": "",
	} {
		in := scripted(t, "")
		in.Trees[0].Runtime = runtime
		if got, err := baseReference(in, in.Trees[0]); err != nil || got != want {
			t.Errorf("%s: %s, %v", runtime, got, err)
		}
		in.Base = "debian"
		if got, err := baseReference(in, in.Trees[0]); err != nil || got != "debian" {
			t.Errorf("%s: %s, %v", runtime, got, err)
		}
	}
}

func TestPushAndPull(t *testing.T) {
	reg := startRegistry(t)
	s := openStore(t, t.TempDir())
	r := assembled(t, s, spec(t, t.TempDir()))
	ref := reg.host + "/shop/api:v1"
	pinned, err := Push(context.Background(), r, ref)
	if err != nil {
		t.Fatal(err)
	}
	if want := reg.host + "/shop/api@" + r.Digest; pinned != want {
		t.Errorf("%s, not %s", pinned, want)
	}
	for _, ref := range []string{ref, pinned} {
		other := openStore(t, t.TempDir())
		pulled, err := Pull(context.Background(), ref, other)
		if err != nil {
			t.Fatal(err)
		}
		if pulled.Digest != r.Digest || len(pulled.Forms) != 4 {
			t.Errorf("%+v", pulled)
		}
		wantVerified(t, pulled)
		if found, err := other.Find("api"); err != nil || found.Digest != r.Digest {
			t.Errorf("%v, %v", found, err)
		}
	}
	parsed, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	// An engine that pulls the tag for its platform gets the image.
	for _, p := range []v1.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm64"}} {
		image, err := remote.Image(parsed, remote.WithPlatform(p))
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Image(image); err != nil {
			t.Error(err)
		}
		file, err := image.ConfigFile()
		if err != nil || file.Architecture != p.Architecture {
			t.Errorf("%s: %+v, %v", p.Architecture, file, err)
		}
	}
	index, err := remote.Index(parsed)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
}

func TestPullOfWhatIsNoReleaseIsAnError(t *testing.T) {
	reg := startRegistry(t)
	ref := reg.base(t, "1", "linux/amd64")
	for ref, want := range map[string]string{
		ref: "no OCI image index", reg.host + "/library/nothing:1": "does not have it", "::": "no reference",
	} {
		s := openStore(t, t.TempDir())
		_, err := Pull(context.Background(), ref, s)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", ref, err)
		}
		noDebris(t, s)
	}
}

func TestPushOfAnotherDigestIsAnError(t *testing.T) {
	r := assembled(t, openStore(t, t.TempDir()), small(t, "shop", "api", "1"))
	_, err := Push(context.Background(), r, "localhost:1/api@sha256:"+strings.Repeat("0", 64))
	if err == nil || !strings.Contains(err.Error(), "names another digest") {
		t.Errorf("error is %v", err)
	}
}

func TestRegistryThatSendsSomethingElseIsFound(t *testing.T) {
	reg := startRegistry(t)
	r := assembled(t, openStore(t, t.TempDir()), spec(t, t.TempDir()))
	if _, err := Push(context.Background(), r, reg.host+"/shop/api:v1"); err != nil {
		t.Fatal(err)
	}
	liar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		answer := httptest.NewRecorder()
		reg.server.Config.Handler.ServeHTTP(answer, req)
		body := answer.Body.Bytes()
		if strings.Contains(req.URL.Path, "/blobs/") && len(body) > 0 {
			body[len(body)/2] ^= 1
		}
		for k, v := range answer.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(body)
	}))
	defer liar.Close()
	s := openStore(t, t.TempDir())
	_, err := Pull(context.Background(), strings.TrimPrefix(liar.URL, "http://")+"/shop/api:v1", s)
	if err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("error is %v", err)
	}
	noDebris(t, s)
}
