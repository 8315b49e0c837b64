package parity_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets/local/container"
	"github.com/twofoldhq/twofold/targets/local/function"
	"github.com/twofoldhq/twofold/targets/local/sandbox"
	"github.com/twofoldhq/twofold/traffic/parity"
)

// TestHTTPBinAnswersAlikeAsImageAndAsBundle replays the example's requests
// against the example's server: on one side behind the container gateway, on the
// other behind the real adapter and the emulated function. Both run as plain
// processes here; the sandboxes and the release are tried in e2e.
func TestHTTPBinAnswersAlikeAsImageAndAsBundle(t *testing.T) {
	suite, err := parity.Load("../../examples/httpbin/requests.hcl")
	if err != nil {
		t.Fatal(err)
	}
	if len(suite.Requests) < 60 {
		t.Errorf("the example has %d requests, fewer than 60", len(suite.Requests))
	}
	bundle := bundleOfHTTPBin(t)
	image := httptest.NewServer(asContainer(t, bundle))
	defer image.Close()
	fn := httptest.NewServer(asFunction(t, bundle))
	defer fn.Close()

	report, err := parity.Replay(t.Context(), suite,
		parity.Side{Name: "image", URL: image.URL}, parity.Side{Name: "bundle", URL: fn.URL}, parity.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	report.WriteText(&text, parity.TextOptions{Width: 120, Verbose: true})
	if !report.OK() || report.Unseen > 0 {
		t.Errorf("%s", text.String())
	} else {
		t.Logf("%s", text.String())
	}
}

// bundleOfHTTPBin builds the server and the adapter and lays them out as in an
// unpacked bundle.
func bundleOfHTTPBin(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	build(t, "../..", filepath.Join(dir, release.AdapterName), "./adapter")
	build(t, "../../examples/httpbin", filepath.Join(dir, release.AppDir, "server"), "github.com/mccutchen/go-httpbin/v2/cmd/go-httpbin")
	config, err := json.Marshal(release.AppConfig{Command: []string{"./server"}, Dir: release.AppDir, Port: 8080, Health: "/status/200"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, release.AppConfigName), config, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func build(t *testing.T, dir, output, pkg string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "go", "build", "-o", output, pkg)
	c.Dir = dir
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, out)
	}
}

// The environment that the example's manifest gives to the service.
var environment = map[string]string{"MAX_BODY_SIZE": "8388608", "HTTPBIN_ENV_GREETING": "hello"}

func asContainer(t *testing.T, bundle string) *container.Group {
	t.Helper()
	group := container.NewGroup(container.Config{
		Runner:  plainRunner{filepath.Join(bundle, release.AppDir)},
		Name:    "httpbin",
		Health:  "/status/200",
		Start:   10 * time.Second,
		Timeout: 30 * time.Second,
		Log:     func() io.WriteCloser { return discard{} },
		Logger:  log.New(io.Discard, "", 0),
	})
	if err := group.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(group.Close)
	return group
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }

func asFunction(t *testing.T, bundle string) *function.Function {
	t.Helper()
	output := &lockedBuffer{}
	fn, err := function.New(function.Config{
		Name:        "httpbin",
		Task:        bundle,
		TaskRoot:    bundle,
		Timeout:     30 * time.Second,
		Concurrency: 8,
		Env:         environment,
		Log:         output,
		Launch: func(ctx context.Context, l function.LaunchSpec) (function.Instance, error) {
			_, port, err := freeAddress()
			if err != nil {
				return nil, err
			}
			return startPlain(exec.Command(filepath.Join(bundle, release.AdapterName)), append(l.Env, "PORT="+port), l.Stdout, l.Stderr)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := fn.Close(ctx); err != nil {
			t.Errorf("close the function: %v", err)
		}
		if t.Failed() {
			t.Logf("the function printed:\n%s", output)
		}
	})
	return fn
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// freeAddress returns an address that nobody listens at.
func freeAddress() (address, port string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer l.Close()
	_, port, err = net.SplitHostPort(l.Addr().String())
	return l.Addr().String(), port, err
}

// plain is a process without a sandbox.
type plain struct {
	command *exec.Cmd
	address string
	done    chan struct{}
}

func startPlain(c *exec.Cmd, env []string, stdout, stderr io.Writer) (*plain, error) {
	c.Env, c.Stdout, c.Stderr = env, stdout, stderr
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		return nil, err
	}
	p := &plain{command: c, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		c.Wait()
		p.Kill() // what the process has started
	}()
	return p, nil
}

func (p *plain) Done() <-chan struct{} { return p.done }
func (p *plain) Pid() int              { return p.command.Process.Pid }
func (p *plain) Terminate() error      { return p.command.Process.Signal(syscall.SIGTERM) }
func (p *plain) Kill() error {
	if err := syscall.Kill(-p.Pid(), syscall.SIGKILL); !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

func (p *plain) Exit() sandbox.Exit {
	status, _ := p.command.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return sandbox.Exit{Signal: status.Signal()}
	}
	return sandbox.Exit{Code: status.ExitStatus()}
}

// plainRunner starts the app of a container in a folder of this machine.
type plainRunner struct{ dir string }

func (r plainRunner) Describe() string { return "plain process" }

func (r plainRunner) Start(ctx context.Context, s container.Start) (container.Instance, error) {
	address, port, err := freeAddress()
	if err != nil {
		return nil, err
	}
	env := []string{"PORT=" + port}
	for name, value := range environment {
		env = append(env, name+"="+value)
	}
	p, err := startPlain(exec.Command(filepath.Join(r.dir, "server")), env, s.Stdout, s.Stderr)
	if err != nil {
		return nil, err
	}
	p.address = address
	return plainContainer{p}, nil
}

type plainContainer struct{ *plain }

func (p plainContainer) Address() string { return p.address }
func (p plainContainer) Exit() string    { return fmt.Sprintf("it ended: %v", p.plain.Exit()) }
func (p plainContainer) Code() int       { return p.plain.Exit().Code }
func (p plainContainer) Stop(grace time.Duration) {
	p.Terminate()
	select {
	case <-p.Done():
	case <-time.After(grace):
		p.Kill()
		<-p.Done()
	}
}
