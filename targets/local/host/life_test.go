package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/targets"
	"golang.org/x/sys/unix"
)

func TestDeploymentComesBackAtItsURLAfterTheSupervisorWasKilled(t *testing.T) {
	c := newClient(t)
	first := deploy(t, c, releases.One)
	kill(t, c)
	if st := status(t, c); st.State != targets.Stopped || !strings.Contains(st.Detail, "twofold deploy") {
		t.Errorf("without a supervisor the status is %s, %q", st.State, st.Detail)
	}
	again := deploy(t, c, releases.One)
	if again.Changed || again.URL != first.URL || !again.Deployed.Equal(first.Deployed) {
		t.Errorf("deploy of what was there: %+v, before %+v", again, first)
	}
	if got := get(t, again.URL+"/version"); got != "one" {
		t.Errorf("release %q answers", got)
	}
}

func TestSupervisorSurvivesTheTerminal(t *testing.T) {
	c := newClient(t)
	st := deploy(t, c, releases.One)
	h, _ := c.Running(t.Context())
	if session, err := unix.Getsid(h.Pid); err != nil || session != h.Pid {
		t.Errorf("the supervisor is in session %d (%v), want its own, %d", session, err, h.Pid)
	}
	if err := syscall.Kill(h.Pid, syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if got := get(t, st.URL+"/version"); got != "one" {
		t.Errorf("after SIGHUP release %q answers", got)
	}
	if dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", h.Pid)); err != nil || dir != "/" {
		t.Errorf("it works in %q (%v), and keeps that folder busy", dir, err)
	}
}

func TestSupervisorWithNothingToDoEndsAndOneWithADeploymentStays(t *testing.T) {
	layout, err := NewLayout(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	err = run(t.Context(), layout, "test", func(s *supervisor) { s.idleAfter = 20 * time.Millisecond })
	if err != nil || time.Since(began) > 5*time.Second {
		t.Errorf("run returned %v after %s", err, time.Since(began))
	}
	if path, _ := layout.Socket(); fileExists(path) {
		t.Errorf("%s is left over", path)
	}

	busy := newSupervisor(layout, Build{}, nil)
	busy.idleAfter = time.Millisecond
	busy.deployments["id"] = newDeployment(busy, testKey(), containerTarget)
	busy.watchIdle()
	busy.enter()
	busy.leave() // the last operation is over, and the deployment is there
	select {
	case <-busy.quit:
		t.Error("a supervisor with a deployment went idle")
	case <-time.After(50 * time.Millisecond):
	}
}

func fileExists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func TestAnotherVersionTakesOver(t *testing.T) {
	c := newClient(t)
	first := deploy(t, c, releases.One)
	before, _ := c.Running(t.Context())

	newer := c
	newer.Version = "test-2"
	if list, err := newer.Status(t.Context(), targets.Filter{}, containerTarget); err != nil || len(list) != 1 {
		t.Fatalf("status by another version: %v, %v", list, err)
	}
	if now, _ := c.Running(t.Context()); now.Pid != before.Pid {
		t.Error("status replaced the supervisor")
	}
	if st, err := newer.Deploy(t.Context(), request(releases.One), releases.One.CopyTo, nil); err != nil || st.Changed || st.URL != first.URL {
		t.Fatalf("deploy by another version: %+v, %v", st, err)
	}
	now, _ := c.Running(t.Context())
	if now.Pid == before.Pid || now.Build.Version != "test-2" {
		t.Errorf("supervisor %+v, before %+v", now, before)
	}
	if got := get(t, first.URL+"/version"); got != "one" {
		t.Errorf("release %q answers", got)
	}
}

func TestDeployGoesOnInTheNextSupervisorWhenOneEnds(t *testing.T) {
	c := newClient(t)
	deploy(t, c, releases.One)
	slow := request(releases.Broken)
	slow.Spec.Start = 2 * time.Second
	begun := make(chan struct{}, 10)
	ended := make(chan error, 1)
	go func() {
		_, err := c.Deploy(t.Context(), slow, releases.Broken.CopyTo, func(e targets.Event) {
			if strings.HasPrefix(e.Message, "waiting for /") {
				begun <- struct{}{}
			}
		})
		ended <- err
	}()
	<-begun
	before, _ := c.Running(t.Context())
	syscall.Kill(before.Pid, syscall.SIGTERM)
	<-begun
	if now, _ := c.Running(t.Context()); now.Pid == before.Pid {
		t.Error("the supervisor was told to end and did not")
	}
	var unhealthy *targets.NotHealthyError
	if err := <-ended; !errors.As(err, &unhealthy) {
		t.Errorf("the deploy ended with %v", err)
	}
	if st := status(t, c); st.Release != releases.One.Digest {
		t.Errorf("release %s is deployed", st.Release)
	}
}

func TestClientsThatStartTheSupervisorTogetherGetOne(t *testing.T) {
	c := newClient(t)
	pids := make(chan int, 5)
	for range cap(pids) {
		go func() {
			pid := 0
			if conn, err := c.start(t.Context(), true); err != nil {
				t.Error(err)
			} else if h, err := conn.hello(t.Context()); err != nil {
				t.Error(err)
			} else {
				pid = h.Pid
			}
			pids <- pid
		}()
	}
	first := <-pids
	for range cap(pids) - 1 {
		if pid := <-pids; pid != first {
			t.Errorf("supervisors %d and %d", first, pid)
		}
	}
}

func TestPortThatIsTakenIsNamedAndComesBackWhenItIsFree(t *testing.T) {
	c := newClient(t)
	first := deploy(t, c, releases.One)
	kill(t, c)
	address := strings.TrimPrefix(first.URL, "http://")
	var other net.Listener
	eventually(t, func() (err error) {
		other, err = net.Listen("tcp", address)
		return err
	})
	defer other.Close()

	_, port, _ := net.SplitHostPort(address)
	_, err := c.Deploy(t.Context(), request(releases.Two), releases.Two.CopyTo, nil)
	for _, part := range []string{"port " + port, fmt.Sprintf("process %d (", os.Getpid()), "free the port"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("deploy: %v; want it to say %q", err, part)
		}
	}
	eventually(t, func() error {
		if st := status(t, c); st.State != targets.Failing || !strings.Contains(st.Detail, "port "+port) {
			return fmt.Errorf("status %s, %q", st.State, st.Detail)
		}
		return nil
	})
	if st := status(t, c); st.Release != releases.One.Digest {
		t.Errorf("the deploy that failed changed the release to %s", st.Release)
	}
	other.Close()
	eventually(t, func() error {
		if st := status(t, c); st.State != targets.Running {
			return fmt.Errorf("status %s, %q", st.State, st.Detail)
		}
		return nil
	})
	if got := get(t, first.URL+"/version"); got != "one" {
		t.Errorf("release %q answers", got)
	}
}

func TestAppThatDiesIsStartedAgain(t *testing.T) {
	c := newClient(t)
	st := deploy(t, c, releases.One)
	if resp, err := http.Get(st.URL + "/exit"); err != nil || resp.StatusCode != http.StatusBadGateway {
		t.Errorf("a request whose app dies: %v, %v; want 502", resp, err)
	}
	if got := get(t, st.URL+"/version"); got != "one" {
		t.Errorf("the request after it is answered %q", got)
	}
}

func TestFullDiskFailsTheDeployAndLeavesTheOldRelease(t *testing.T) {
	if os.Getuid() != 0 {
		t.Log("only root can mount a small disk; nothing is tested")
		return
	}
	state := t.TempDir()
	if err := syscall.Mount("tmpfs", state, "tmpfs", 0, "size=64m,mode=0700"); err != nil {
		t.Logf("no disk can be mounted, nothing is tested: %v", err)
		return
	}
	t.Cleanup(func() { syscall.Unmount(state, syscall.MNT_DETACH) })
	c := clientIn(t, state)
	st := deploy(t, c, releases.One)

	// What is left is enough to begin with, and too little to end.
	var disk syscall.Statfs_t
	if err := syscall.Statfs(state, &disk); err != nil {
		t.Fatal(err)
	}
	const left = 3 << 20
	if err := os.WriteFile(filepath.Join(state, "ballast"), make([]byte, int64(disk.Bfree)*disk.Bsize-left), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := c.Deploy(t.Context(), request(releases.Two), releases.Two.CopyTo, nil)
	if err == nil || !strings.Contains(err.Error(), "no space left on device") {
		t.Errorf("deploy on a full disk: %v", err)
	}
	if got := get(t, st.URL+"/version"); got != "one" {
		t.Errorf("release %q answers", got)
	}
	checkFiles(t, c, releases.One)
	os.Remove(filepath.Join(state, "ballast"))
	deploy(t, c, releases.Two)
	if got := get(t, st.URL+"/version"); got != "two" {
		t.Errorf("after there is room again release %q answers", got)
	}
}

func TestSecondDeployIsToldWhomItWaitsFor(t *testing.T) {
	c := newClient(t)
	deploy(t, c, releases.One)
	slow := request(releases.Broken)
	slow.Spec.Start = time.Minute
	begun, cancelled := make(chan struct{}), make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		_, err := c.Deploy(ctx, slow, releases.Broken.CopyTo, func(e targets.Event) {
			if strings.HasPrefix(e.Message, "waiting for /") {
				close(begun)
			}
		})
		cancelled <- err
	}()
	<-begun
	var waited string
	_, err := c.Deploy(t.Context(), request(releases.Two), releases.Two.CopyTo, func(e targets.Event) {
		if waited == "" {
			waited = e.Message
			cancel()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("waiting for the deploy started by process %d at ", os.Getpid()); !strings.HasPrefix(waited, want) {
		t.Errorf("the second deploy was told %q", waited)
	}
	if err := <-cancelled; !errors.Is(err, context.Canceled) {
		t.Errorf("the first deploy: %v", err)
	}
	if st := status(t, c); st.Release != releases.Two.Digest {
		t.Errorf("release %s is deployed", st.Release)
	}
}

func TestEnvironmentIsShownNowhere(t *testing.T) {
	const secret = "the-secret-of-the-service"
	c := newClient(t)
	for _, r := range []DeployRequest{request(releases.One), request(releases.Crashing)} {
		r.Spec.Env = map[string]string{"PASSWORD": secret}
		send := releases.One.CopyTo
		if r.Release == releases.Crashing.Digest {
			send = releases.Crashing.CopyTo
		}
		if _, err := c.Deploy(t.Context(), r, send, nil); err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("the error shows it: %v", err)
		}
	}
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range append(lines, c.Layout.Log()) {
		if text, err := os.ReadFile(path); err == nil && strings.Contains(string(text), secret) {
			t.Errorf("%s shows it", path)
		}
	}
	info, err := os.Stat(filepath.Join(c.Layout.Deployment(testKey(), containerTarget), recordName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the record has mode %v (%v), want 0600", info.Mode(), err)
	}
}

func TestStateFolderWithALongPathWorks(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	state := filepath.Join(t.TempDir(), strings.Repeat("long/", 30))
	c := clientIn(t, state)
	st := deploy(t, c, releases.One)
	if got := get(t, st.URL+"/version"); got != "one" {
		t.Errorf("release %q answers", got)
	}
}

func TestReleasesReplaceEachOtherUnderLoadWithoutAFailedRequest(t *testing.T) {
	c := newClient(t)
	st := deploy(t, c, releases.One)
	load := startLoad(t, st.URL+"/version", 200)
	deploys := 20
	if testing.Short() {
		deploys = 4
	}
	for n := range deploys {
		r := releases.Two
		if n%2 == 1 {
			r = releases.One
		}
		deploy(t, c, r)
	}
	sent, failed := load()
	t.Logf("%d requests during %d deploys", sent, deploys)
	if len(failed) > 0 {
		t.Errorf("%d of %d requests failed, the first: %v", len(failed), sent, failed[0])
	}
}

// startLoad sends requests at a rate until its result is called.
func startLoad(t *testing.T, url string, rate int) func() (sent int, failed []error) {
	ctx, cancel := context.WithCancel(t.Context())
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 20}}
	results := make(chan error, 1<<16)
	ended := make(chan int)
	go func() {
		tick := time.NewTicker(time.Second / time.Duration(rate))
		defer tick.Stop()
		for sent := 0; ; sent++ {
			select {
			case <-ctx.Done():
				ended <- sent
				return
			case <-tick.C:
			}
			go func() {
				resp, err := client.Get(url)
				if err == nil {
					resp.Body.Close()
					if resp.StatusCode != http.StatusOK {
						err = fmt.Errorf("status %d", resp.StatusCode)
					}
				}
				results <- err
			}()
		}
	}()
	return func() (int, []error) {
		cancel()
		sent := <-ended
		var failed []error
		for range sent {
			if err := <-results; err != nil {
				failed = append(failed, err)
			}
		}
		return sent, failed
	}
}
