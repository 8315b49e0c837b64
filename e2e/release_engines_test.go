//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/release"
)

// server is an app that answers with what it sees of its image.
const server = `package main

import (
	"crypto/x509"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		dir, _ := os.Getwd()
		_, zone := time.LoadLocation("Europe/Berlin")
		pool, roots := x509.SystemCertPool()
		tmp := os.WriteFile("/tmp/x", nil, 0o600)
		fmt.Fprintf(w, "uid %d in %s, zone %v, roots %v %v, tmp %v, mode %s", os.Getuid(), dir, zone, roots, pool != nil && len(pool.Subjects()) > 100, tmp, os.Getenv("MODE"))
	})
	log.Fatal(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}
`

// seen is what the server answers in an image on twofold's own base.
const seen = "uid 65532 in /app, zone <nil>, roots <nil> true, tmp <nil>, mode live"

var engines = []build.Platform{{OS: "linux", Arch: "amd64"}, {OS: "linux", Arch: "arm64"}}

// serverRelease makes a release of the server for both platforms.
func serverRelease(t *testing.T, port int) *release.Release {
	t.Helper()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "go.mod"), "module server\n\ngo 1.26\n")
	put(t, filepath.Join(dir, "main.go"), server)
	put(t, filepath.Join(dir, "note.txt"), strings.Repeat("read me ", 100))
	spec := release.Spec{Project: "shop", Service: "api", Port: port, Health: "/"}
	for _, p := range engines {
		out := filepath.Join(dir, "server-"+p.Arch)
		compile := exec.Command("go", "build", "-o", out, ".")
		compile.Dir = dir
		compile.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+p.OS, "GOARCH="+p.Arch, "GOFLAGS=-mod=mod")
		if text, err := compile.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		tree := &build.Tree{Platform: p, Command: []string{"./server"}, Env: map[string]string{"MODE": "live"}}
		for path, source := range map[string]string{"note.txt": filepath.Join(dir, "note.txt"), "server": out} {
			info, err := os.Lstat(source)
			if err != nil {
				t.Fatal(err)
			}
			tree.Files = append(tree.Files, build.File{Path: path, Source: source, Info: info, Executable: path == "server"})
		}
		tree.Files = append(tree.Files, build.File{Path: "link", Link: "note.txt"})
		slices.SortFunc(tree.Files, func(a, b build.File) int { return strings.Compare(a.Path, b.Path) })
		spec.Trees = append(spec.Trees, tree)
	}
	store, err := release.OpenStore(filepath.Join(dir, "store"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := release.Assemble(context.Background(), store, spec, release.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// exported writes a form into a file.
func exported(t *testing.T, r *release.Release, k release.Kind) string {
	t.Helper()
	f, err := r.Form(k, build.Platform{OS: "linux", Arch: runtime.GOARCH})
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "form"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if k == release.Bundle {
		err = r.WriteBundle(context.Background(), f, file)
	} else {
		err = r.WriteImageTar(context.Background(), f, "shop/api:e2e", file)
	}
	if err != nil {
		t.Fatal(err)
	}
	return file.Name()
}

func TestReleaseToolsAcceptTheArchives(t *testing.T) {
	r := serverRelease(t, freePort(t))
	bundle, image := exported(t, r, release.Bundle), exported(t, r, release.Image)
	layers := t.TempDir()
	tool(t, "tar", "-xf", image, "-C", layers)
	for name, command := range map[string][]string{
		"unzip":   {"unzip", "-t", bundle},
		"python":  {"python3", "-c", "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; assert z.namelist()[:2] == ['bootstrap', 'twofold.json'], z.namelist()", bundle},
		"tar":     {"tar", "-tvf", image},
		"gzip":    {"sh", "-c", `for f in ` + layers + `/blobs/sha256/*; do if head -c2 $f | od -An -tx1 | grep -q "1f 8b"; then gzip -t $f && tar -tzvf $f >/dev/null || exit 1; fi; done`},
		"unpack":  {"sh", "-c", "cd " + t.TempDir() + " && unzip -q " + bundle + " && test -x bootstrap && test -x app/server && test -L app/link && test $(wc -c < app/link) = 800"},
		"skopeo":  {"skopeo", "inspect", "docker-archive:" + image},
		"skopeo2": {"skopeo", "inspect", "oci-archive:" + image},
	} {
		t.Run(name, func(t *testing.T) { t.Log(tool(t, command...)) })
	}
}

// TestReleaseDigestAsDocumented runs the program that docs/release.md shows.
func TestReleaseDigestAsDocumented(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "release.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, program, _ := strings.Cut(string(page), "```python\n")
	program, _, _ = strings.Cut(program, "```")
	r := serverRelease(t, 8080)
	for _, p := range engines {
		f, err := r.Form(release.Bundle, p)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if _, err := r.Unpack(context.Background(), f, dir); err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(tool(t, "python3", "-c", program, dir, "")); got != f.Tree {
			t.Errorf("%s: %s, not %s", p, got, f.Tree)
		}
	}
}

func TestReleaseInARegistry(t *testing.T) {
	host := startRegistry(t)
	port := freePort(t)
	r := serverRelease(t, port)
	ref := host + "/shop/api:v1"
	pinned, err := release.Push(context.Background(), r, ref)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("skopeo", func(t *testing.T) {
		out := tool(t, "skopeo", "inspect", "--tls-verify=false", "--override-arch=arm64", "docker://"+ref)
		if !strings.Contains(out, `"Architecture": "arm64"`) {
			t.Error(out)
		}
		dir := filepath.Join(t.TempDir(), "layout")
		tool(t, "skopeo", "copy", "--all", "--src-tls-verify=false", "docker://"+ref, "oci:"+dir+":api")
		copied, err := release.OpenLayout(dir, "")
		if err != nil {
			t.Fatal(err)
		}
		if copied.Digest != r.Digest {
			t.Errorf("%s became %s", r.Digest, copied.Digest)
		}
		wantVerified(t, copied)
	})
	t.Run("pull", func(t *testing.T) {
		store, err := release.OpenStore(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		pulled, err := release.Pull(context.Background(), pinned, store)
		if err != nil {
			t.Fatal(err)
		}
		wantVerified(t, pulled)
	})
	t.Run("containerd", func(t *testing.T) {
		ctr := startContainerd(t)
		tool(t, append(ctr, "images", "pull", "--plain-http", "--snapshotter", "native", ref)...)
		out := tool(t, append(ctr, "images", "check")...)
		if !strings.Contains(out, "complete") {
			t.Error(out)
		}
		tool(t, append(ctr, "images", "import", "--snapshotter", "native", exported(t, r, release.Image))...)
		if out := tool(t, append(ctr, "images", "ls", "-q")...); !strings.Contains(out, "docker.io/shop/api:e2e") {
			t.Error(out)
		}
	})
	t.Run("podman", func(t *testing.T) {
		dir := shortDir(t)
		podman := []string{"podman", "--root", filepath.Join(dir, "root"), "--runroot", filepath.Join(dir, "run"), "--storage-driver", "vfs"}
		tool(t, append(podman, "pull", "--tls-verify=false", ref)...)
		tool(t, append(podman, "load", "--input", exported(t, r, release.Image))...)
		out := tool(t, append(podman, "image", "inspect", "--format", "{{.Architecture}} {{.Config.User}} {{.Config.Entrypoint}}", "docker.io/shop/api:e2e")...)
		if want := runtime.GOARCH + " 65532:65532 [/app/server]"; strings.TrimSpace(out) != want {
			t.Errorf("%q, not %q", out, want)
		}
	})
	t.Run("docker", func(t *testing.T) {
		docker := startDocker(t)
		tool(t, append(docker, "pull", ref)...)
		tool(t, append(docker, "load", "--input", exported(t, r, release.Image))...)
		for _, image := range []string{ref, "shop/api:e2e", pinned} {
			if strings.Contains(image, "@") {
				tool(t, append(docker, "pull", image)...)
			}
			id := strings.TrimSpace(tool(t, append(docker, "run", "--detach", "--rm", "--network", "host", image)...))
			got := eventually(t, fmt.Sprintf("http://127.0.0.1:%d/", port))
			tool(t, append(docker, "kill", id)...)
			if got != seen {
				t.Errorf("%s: %q", image, got)
			}
			goneFrom(t, port)
		}
	})
}

func wantVerified(t *testing.T, r *release.Release) {
	t.Helper()
	report, err := release.Verify(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		if f.Result != release.Pass {
			t.Errorf("%s: %s: %s: %s", f.Result, f.Subject, f.Check, f.Detail)
		}
	}
}

// TestReleaseOnAFullDisk needs root, as a small file system has to be mounted.
func TestReleaseOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	from := serverRelease(t, 8080)
	store, err := release.OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	err = from.CopyTo(context.Background(), store)
	if err == nil || !strings.Contains(err.Error(), "no space left on device: free some space in "+dir) {
		t.Errorf("error is %v", err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "tmp")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	f, err := from.Form(release.Bundle, engines[0])
	if err != nil {
		t.Fatal(err)
	}
	files := filepath.Join(dir, "files")
	if err := os.Mkdir(files, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := from.Unpack(context.Background(), f, files); err == nil || !strings.Contains(err.Error(), "no space left on device: free some space in "+files) {
		t.Errorf("error is %v", err)
	}
}

// tool runs a command to its end and returns what it printed.
func tool(t *testing.T, command ...string) string {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(command, " "), err, &stdout, &stderr)
	}
	return stdout.String()
}

// daemon starts a server of its own process group and ends it with the test.
func daemon(t *testing.T, ready func() bool, command ...string) {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-ended
		}
		log.Close()
	})
	for deadline := time.Now().Add(time.Minute); !ready(); time.Sleep(20 * time.Millisecond) {
		select {
		case <-ended:
		default:
			if time.Now().Before(deadline) {
				continue
			}
		}
		text, _ := os.ReadFile(log.Name())
		t.Fatalf("%s does not start:\n%s", command[0], text)
	}
}

func startRegistry(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	host := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	config := filepath.Join(dir, "config.yml")
	put(t, config, fmt.Sprintf("version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: %s\nhttp:\n  addr: %s\n", filepath.Join(dir, "data"), host))
	daemon(t, func() bool { return answers("tcp", host) }, "docker-registry", "serve", config)
	return host
}

// startContainerd returns the command line of a client.
func startContainerd(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	socket := filepath.Join(shortDir(t), "c.sock")
	config := filepath.Join(dir, "config.toml")
	put(t, config, fmt.Sprintf("version = 2\nroot = %q\nstate = %q\n[grpc]\naddress = %q\n[ttrpc]\naddress = %q\n",
		filepath.Join(dir, "root"), filepath.Join(dir, "state"), socket, socket+".ttrpc"))
	client := []string{"ctr", "--address", socket}
	daemon(t, func() bool { return exec.Command(client[0], append(client[1:], "version")...).Run() == nil }, "containerd", "--config", config)
	return client
}

// startDocker returns the command line of a client.
func startDocker(t *testing.T) []string {
	t.Helper()
	dir, run := t.TempDir(), shortDir(t)
	// The daemon leaves the network namespace of --network host mounted.
	t.Cleanup(func() { _ = syscall.Unmount(filepath.Join(run, "exec", "netns", "default"), syscall.MNT_DETACH) })
	socket := "unix://" + filepath.Join(run, "d.sock")
	client := []string{"docker", "--host", socket}
	config := filepath.Join(dir, "daemon.json")
	put(t, config, "{}")
	daemon(t, func() bool { return exec.Command(client[0], append(client[1:], "version")...).Run() == nil },
		"dockerd", "--config-file", config, "--host", socket, "--data-root", filepath.Join(dir, "data"), "--exec-root", filepath.Join(run, "exec"),
		"--pidfile", filepath.Join(run, "pid"), "--bridge=none", "--iptables=false", "--storage-driver=vfs")
	return client
}

// shortDir is a folder with a path that is short enough for a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "tf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func answers(network, address string) bool {
	c, err := net.Dial(network, address)
	if err == nil {
		c.Close()
	}
	return err == nil
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// eventually returns the body once a server answers.
func eventually(t *testing.T, url string) string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		r, err := http.Get(url)
		if err != nil {
			if time.Now().After(deadline) {
				t.Fatal(err)
			}
			continue
		}
		var b bytes.Buffer
		_, err = b.ReadFrom(r.Body)
		r.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
}

// goneFrom waits until nothing listens on a port.
func goneFrom(t *testing.T, port int) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); answers("tcp", fmt.Sprintf("127.0.0.1:%d", port)); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("port %d is still in use", port)
		}
	}
}
