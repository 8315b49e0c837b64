package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/secretfile"
)

// Client talks to the supervisor of a layout, and starts one where it is needed.
type Client struct {
	Layout Layout
	// Executable is the twofold binary, Version its version.
	Executable, Version string
}

// startLimit is how long a supervisor may take until it answers.
const startLimit = 20 * time.Second

// errNotRunning is returned by calls that do not start a supervisor.
var errNotRunning = errors.New("the local host is not running")

// Deploy asks for a deployment. send copies the release into the store that it is
// given; it is called only when the supervisor has not got the release.
func (c Client) Deploy(ctx context.Context, req DeployRequest, send Send, events func(targets.Event)) (targets.Status, error) {
	req.Pid = os.Getpid()
	var st targets.Status
	err := c.withRelease(ctx, send, func(conn connection, incoming string) (err error) {
		req.Incoming = incoming
		st, err = conn.deploy(ctx, req, events)
		return err
	})
	if err != nil {
		return targets.Status{}, fail("deploy", req.Key, err)
	}
	return st, nil
}

// Run runs a command once in what a deploy of the request would run, and returns
// when it has ended. It ends with the context, and with this process.
func (c Client) Run(ctx context.Context, req DeployRequest, send Send, command []string, out io.Writer, events func(targets.Event)) error {
	req.Pid = os.Getpid()
	err := c.withRelease(ctx, send, func(conn connection, incoming string) error {
		req.Incoming = incoming
		return conn.run(ctx, runRequest{req, command}, out, events)
	})
	if err != nil {
		return fail("run a command of", req.Key, err)
	}
	return nil
}

// Send copies a release into a store.
type Send func(ctx context.Context, s *release.Store) error

// withRelease calls the supervisor, and once more with the release handed over if
// it has not got it.
func (c Client) withRelease(ctx context.Context, send Send, call func(conn connection, incoming string) error) error {
	return c.withHost(ctx, true, func(conn connection) error {
		err := call(conn, "")
		if !errors.Is(err, errNeedRelease) {
			return err
		}
		incoming, discard, err := c.handOver(ctx, send)
		if err != nil {
			return err
		}
		defer discard()
		return call(conn, incoming)
	})
}

// withHost calls the supervisor, and its successor if it ends meanwhile. own asks
// for one of this client's build.
func (c Client) withHost(ctx context.Context, own bool, call func(connection) error) error {
	const attempts = 3
	for attempt := 1; ; attempt++ {
		conn, err := c.start(ctx, own)
		if err != nil {
			return err
		}
		if err := call(conn); !errors.Is(err, errEnding) || attempt == attempts {
			return err
		}
	}
}

// handOver copies a release to where the supervisor takes it from. The folder is
// locked for as long as this process needs it, so that one whose client died is
// known by its lock.
func (c Client) handOver(ctx context.Context, send Send) (name string, discard func(), err error) {
	for {
		dir, err := os.MkdirTemp(c.Layout.incoming(), "release-")
		if err != nil {
			return "", nil, fmt.Errorf("hand over the release: %w", err)
		}
		unlock, err := tryLock(dir)
		if err != nil {
			continue // a supervisor that starts just now removes it
		}
		discard := func() {
			removeTree(dir)
			unlock()
		}
		store, err := release.OpenStore(dir)
		if err == nil {
			err = send(ctx, store)
		}
		if err != nil {
			discard()
			return "", nil, fmt.Errorf("hand over the release: %w", err)
		}
		return dir[strings.LastIndexByte(dir, '/')+1:], discard, nil
	}
}

// Status asks for the deployments of a target. Without a supervisor it says what
// is on disk.
func (c Client) Status(ctx context.Context, f targets.Filter, target string) ([]targets.Status, error) {
	conn, err := c.running(ctx)
	if errors.Is(err, errNotRunning) {
		return c.recorded(f, target)
	}
	if err != nil {
		return nil, err
	}
	var list []targets.Status
	req := struct {
		targets.Filter
		Target string
	}{f, target}
	if err := conn.call(ctx, "/status", req, &list); err != nil {
		return nil, fmt.Errorf("local host: status: %w", err)
	}
	return list, nil
}

func (c Client) recorded(f targets.Filter, target string) ([]targets.Status, error) {
	records, err := Records(c.Layout)
	var list []targets.Status
	for _, r := range records {
		if matches(f, r.Key) && r.Target == target {
			st := r.status()
			st.Volumes = c.Layout.volumeStatus(r)
			st.Detail = "the local host is not running; `twofold deploy` starts it again"
			list = append(list, st)
		}
	}
	sortStatus(list)
	return list, err
}

// Record returns what is deployed, or nil. It asks nobody.
func (c Client) Record(k targets.Key, target string) (*Record, error) {
	r, err := readRecord(c.Layout.Deployment(k, target))
	if errors.Is(err, errNoRecord) {
		return nil, nil
	}
	return r, err
}

// Secrets returns the values of a record's secrets. It asks nobody.
func (c Client) Secrets(r *Record) (secretfile.Values, error) {
	return r.readSecrets(c.Layout.Deployment(r.Key, r.Target))
}

// Destroy removes a deployment, and says whether there was one.
func (c Client) Destroy(ctx context.Context, k targets.Key, target string) (bool, error) {
	if _, err := os.Stat(c.Layout.Deployment(k, target)); errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	var result destroyResult
	err := c.withHost(ctx, false, func(conn connection) error {
		return conn.call(ctx, "/destroy", keyRequest{k, target}, &result)
	})
	if err != nil {
		return false, fail("destroy", k, err)
	}
	return result.Existed, nil
}

// Invoke sends an event to a deployment.
func (c Client) Invoke(ctx context.Context, k targets.Key, target string, event []byte) (targets.InvokeResult, error) {
	var result targets.InvokeResult
	if r, err := c.Record(k, target); err == nil && r == nil {
		return result, fail("invoke", k, errors.New("it is not deployed; run `twofold deploy` first"))
	}
	err := c.withHost(ctx, false, func(conn connection) error {
		return conn.call(ctx, "/invoke", invokeRequest{keyRequest{k, target}, event}, &result)
	})
	if err != nil {
		return result, fail("invoke", k, err)
	}
	return result, nil
}

// Running returns how the supervisor introduces itself, and false if none answers.
func (c Client) Running(ctx context.Context) (Hello, bool) {
	h, err := dial(c.Layout).hello(ctx)
	return h, err == nil
}

// End ends the supervisor, and returns when it has. The deployments stay on disk,
// and the next supervisor brings them back. Without a supervisor it does nothing.
func (c Client) End(ctx context.Context) error {
	conn := dial(c.Layout)
	for {
		unlock, err := tryLock(c.Layout.lock())
		if err == nil {
			unlock()
			return nil
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		// One that waited for the lock may have taken over from the one before.
		conn.call(ctx, "/end", struct{}{}, nil)
		select {
		case <-ctx.Done():
			return fmt.Errorf("local host: end: %w", ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// running connects to the supervisor that runs.
func (c Client) running(ctx context.Context) (connection, error) {
	conn := dial(c.Layout)
	h, err := conn.hello(ctx)
	if err != nil || h.Ending {
		if ctx.Err() != nil {
			return conn, ctx.Err()
		}
		return conn, errNotRunning
	}
	if h.Protocol != protocol {
		return conn, fmt.Errorf("local host: process %d is of twofold %s, which this version cannot talk to; `twofold deploy` replaces it", h.Pid, h.Build.Version)
	}
	return conn, nil
}

// start connects to the supervisor, and starts one if none runs. One of another
// protocol is replaced; one of another build is if the caller wants its own.
func (c Client) start(ctx context.Context, own bool) (connection, error) {
	if err := c.Layout.Make(); err != nil {
		return connection{}, err
	}
	mine, err := buildOf(c.Executable, c.Version)
	if err != nil {
		return connection{}, err
	}
	conn := dial(c.Layout)
	h, err := conn.hello(ctx)
	if err == nil && !h.Ending && h.Protocol == protocol && !(own && mine.replaces(h.Build)) {
		return conn, nil
	}
	if err == nil && !h.Ending {
		if err := conn.call(ctx, "/end", struct{}{}, nil); err != nil {
			return conn, fmt.Errorf("replace process %d of twofold %s: %w", h.Pid, h.Build.Version, err)
		}
	}
	return conn, c.spawn(ctx, conn, h.Pid)
}

// spawn starts a supervisor, detached from this process and its terminal, and
// waits until one answers that is not the process old.
func (c Client) spawn(ctx context.Context, conn connection, old int) error {
	out, err := os.OpenFile(c.Layout.Log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("start the local host: %w", err)
	}
	defer out.Close()
	state := strings.TrimSuffix(c.Layout.Dir, "/local")
	cmd := exec.Command(c.Executable, HostCommand, "--state", state, "--version", c.Version)
	cmd.Dir = "/"
	cmd.Env = hostEnv(os.Environ())
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the local host: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()

	limit := startLimit
	if old != 0 {
		limit += takeoverLimit
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		if h, err := conn.hello(ctx); err == nil && h.Pid != old && !h.Ending {
			return nil
		}
		select {
		case err := <-ended:
			if err != nil {
				return fmt.Errorf("the local host ended as it started: %w; its log is %s", err, c.Layout.Log())
			}
			ended = nil // another one was faster
		case <-ctx.Done():
			return fmt.Errorf("the local host does not answer; its log is %s: %w", c.Layout.Log(), ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// hostEnv is the part of the environment that the supervisor needs. The rest of
// what the user's shell holds is not kept in a process that lives for long.
func hostEnv(environ []string) []string {
	var kept []string
	for _, e := range environ {
		name, _, _ := strings.Cut(e, "=")
		switch name {
		case "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "XDG_RUNTIME_DIR", "GOCOVERDIR":
			kept = append(kept, e)
		default:
			// A variable of a manifest may be a password.
			ours := strings.HasPrefix(name, "TWOFOLD_") && !strings.HasPrefix(name, "TWOFOLD_VAR_")
			if ours || strings.HasPrefix(name, "DOCKER_") {
				kept = append(kept, e)
			}
		}
	}
	return kept
}
