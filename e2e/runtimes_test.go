package e2e

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// The starters for languages with a runtime, in both forms. Their base images
// come from a registry; here it is one that holds this machine's own runtimes.
func TestStartersWithARuntimeRunInBothForms(t *testing.T) {
	host := httptest.NewServer(registry.New())
	defer host.Close()
	address := strings.TrimPrefix(host.URL, "http://")

	for _, test := range []struct {
		template string
		// program is the runtime; files are folders that it needs beside its libraries.
		program string
		files   []string
	}{
		{"node", "node", nil},
		{"python", "/usr/bin/python3", []string{"/usr/lib/python3*"}},
	} {
		t.Run(test.template, func(t *testing.T) {
			base := address + "/" + test.template + ":1"
			push(t, base, runtimeImage(t, test.program, test.files))

			dir := filepath.Join(t.TempDir(), "shop")
			state := t.TempDir()
			twofold := func(args ...string) string { return runTwofold(t, dir, state, args...) }
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { killHost(state) })
			twofold("init", test.template)
			replaceInFile(t, filepath.Join(dir, "twofold.hcl"), `base( *)= "[^"]*"`, `base$1= "`+base+`"`)

			deployed := twofold("deploy", "--to", "local.container", "--to", "local.function")
			urls := urlPattern.FindAllString(deployed, -1)
			if len(urls) != 2 {
				t.Fatalf("two forms have two URLs, not:\n%s", deployed)
			}
			if a, b := body(t, urls[0]), body(t, urls[1]); a != b || !strings.Contains(a, "shop") {
				t.Errorf("the forms answer differently:\n%s\n%s", a, b)
			}
			twofold("verify", "web")
			twofold("destroy", "--yes")
		})
	}
}

func runTwofold(t *testing.T, dir, state string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), filepath.Join(binary, "twofold"), args...)
	command.Dir = dir
	command.Env = append(os.Environ(), "TWOFOLD_STATE_DIR="+state, "NO_COLOR=1", "DOCKER_HOST=unix:///nonexistent.sock")
	var errs bytes.Buffer
	command.Stderr = &errs
	out, err := command.Output()
	if err != nil {
		t.Fatalf("twofold %s: %v\n%s%s", strings.Join(args, " "), err, out, errs.String())
	}
	return string(out)
}

func body(t *testing.T, url string) string {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s, %v: %s", url, answer.Status, err, text)
	}
	return string(text)
}

func replaceInFile(t *testing.T, path, pattern, replacement string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := regexp.MustCompile(pattern).ReplaceAll(text, []byte(replacement))
	if bytes.Equal(changed, text) {
		t.Fatalf("%s has nothing like %s:\n%s", path, pattern, text)
	}
	if err := os.WriteFile(path, changed, 0o644); err != nil {
		t.Fatal(err)
	}
}

func push(t *testing.T, reference string, image v1.Image) {
	t.Helper()
	ref, err := name.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, image); err != nil {
		t.Fatal(err)
	}
}

// runtimeImage makes an image of a program of this machine, the libraries that it
// is linked with, and the given folders.
func runtimeImage(t *testing.T, program string, folders []string) v1.Image {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatalf("%s is needed; e2e/install.sh installs it: %v", program, err)
	}
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	addFile(t, w, "/usr/bin/"+filepath.Base(path), path)
	for _, library := range libraries(t, path) {
		addFile(t, w, library, library)
	}
	for _, pattern := range folders {
		matches, _ := filepath.Glob(pattern)
		for _, folder := range matches {
			addFolder(t, w, folder)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	opened := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(layer.Bytes())), nil }
	l, err := tarball.LayerFromOpener(opened)
	if err != nil {
		t.Fatal(err)
	}
	image, err := mutate.AppendLayers(empty.Image, l)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", runtime.GOARCH
	config.Config.Env = []string{"PATH=/usr/bin:/bin"}
	if image, err = mutate.ConfigFile(image, config); err != nil {
		t.Fatal(err)
	}
	return image
}

// libraries returns what the dynamic linker loads for a program, and the linker.
func libraries(t *testing.T, path string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ldd", path).Output()
	if err != nil {
		t.Fatalf("ldd %s: %v", path, err)
	}
	return regexp.MustCompile(`/\S+`).FindAllString(regexp.MustCompile(`\(0x[0-9a-f]+\)`).ReplaceAllString(string(out), ""), -1)
}

func addFile(t *testing.T, w *tar.Writer, name, source string) {
	t.Helper()
	data, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	header := &tar.Header{Name: strings.TrimPrefix(name, "/"), Mode: 0o755, Size: int64(len(data))}
	if err := w.WriteHeader(header); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
}

func addFolder(t *testing.T, w *tar.Writer, folder string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || strings.HasSuffix(path, ".pyc") {
			return err
		}
		addFile(t, w, path, path)
		return nil
	})
	if err != nil {
		t.Fatal(fmt.Errorf("add %s: %w", folder, err))
	}
}
