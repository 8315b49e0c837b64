//go:build e2e

package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/engine"
	"github.com/twofoldhq/twofold/targets/engine/enginetest"
)

// TestOverSSH goes through a real server of ssh. An operation is let in once, however
// many connections to the engine it makes, and leaves no ssh behind.
func TestOverSSH(t *testing.T) {
	e := enginetest.New(t, "")
	server := enginetest.StartSSH(t, e.Address)
	t.Setenv("DOCKER_HOST", "")
	target := targetOf(t, schema.Values{"host": "ssh://server"})
	d := deploymentOf(releases.One)
	logins := 0
	step := func(name string, f func() error) {
		t.Helper()
		begin, before := time.Now(), len(server.Runs(t))
		if err := f(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		t.Logf("%s: %s, %d times ssh", name, time.Since(begin).Round(time.Millisecond), len(server.Runs(t))-before)
		if logins++; server.Logins() != logins {
			t.Errorf("%s: the server has let the user in %d times after %d operations", name, server.Logins(), logins)
			logins = server.Logins()
		}
		if left := server.Running(t); len(left) != 0 {
			t.Errorf("%s leaves %q", name, left)
		}
	}
	step("deploy", func() error {
		st, err := target.Deploy(t.Context(), d)
		if err == nil && answer(t, st.URL+"/version") != "one" {
			err = errors.New("it does not answer")
		}
		return err
	})
	step("deploy again", func() error {
		st, err := target.Deploy(t.Context(), d)
		if err == nil && st.Changed {
			err = errors.New("it changes something")
		}
		return err
	})
	step("logs", func() error {
		var out bytes.Buffer
		err := targets.Logs(t.Context(), target, targets.LogsRequest{Key: d.Key, Out: &out})
		if err == nil && out.Len() == 0 {
			err = errors.New("there are none")
		}
		return err
	})
	step("exec", func() error {
		var out bytes.Buffer
		err := targets.Exec(t.Context(), target, targets.ExecRequest{Key: d.Key, Command: []string{"./server", "show", "PORT"}, Streams: targets.Streams{Out: &out}})
		if err == nil && out.Len() == 0 {
			err = errors.New("it prints nothing")
		}
		return err
	})
	step("destroy", func() error {
		_, err := target.Destroy(t.Context(), d.Key)
		return err
	})
	// For comparison, the same without ssh.
	local := targetOf(t, schema.Values{"host": e.Address})
	for _, name := range []string{"deploy over the socket", "deploy over the socket again"} {
		begin := time.Now()
		if _, err := local.Deploy(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %s", name, time.Since(begin).Round(time.Millisecond))
	}
}

// TestSSHTakesKeysFromTheAgent has the key in an agent, and nowhere else.
func TestSSHTakesKeysFromTheAgent(t *testing.T) {
	server := enginetest.StartSSH(t, enginetest.Start(t))
	socket := filepath.Join(filepath.Dir(server.Key), "agent")
	agent := exec.Command("ssh-agent", "-D", "-a", socket)
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		agent.Process.Kill()
		agent.Wait()
	})
	t.Setenv("SSH_AUTH_SOCK", socket)
	for {
		out, err := exec.Command("ssh-add", "-q", server.Key).CombinedOutput()
		if err == nil {
			break
		}
		if !bytes.Contains(out, []byte("Error connecting to agent")) {
			t.Fatalf("ssh-add: %v\n%s", err, out)
		}
	}
	for _, file := range []string{server.Key, server.Key + ".pub"} {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	server.Configure(t, "IdentitiesOnly no", "UserKnownHostsFile "+server.KnownHosts())
	e, err := engine.Connect(t.Context(), "ssh://server", "")
	if err != nil {
		t.Fatal(err)
	}
	e.Close()
}

// TestSSHSharesAsTheUserDoes leaves alone the connection that the user's configuration
// shares: it may have been let in with what is not asked for again.
func TestSSHSharesAsTheUserDoes(t *testing.T) {
	server := enginetest.StartSSH(t, enginetest.Start(t))
	socket := filepath.Join(filepath.Dir(server.Key), "shared")
	server.Configure(t, "IdentityFile "+server.Key, "UserKnownHostsFile "+server.KnownHosts(), "ControlPath "+socket)
	control := func(flags ...string) {
		t.Helper()
		if out, err := exec.Command("ssh", append(flags, "server")...).CombinedOutput(); err != nil {
			t.Fatalf("ssh %s: %v\n%s", flags, err, out)
		}
	}
	control("-M", "-N", "-f")
	// From now on no key is let in.
	server.Configure(t, "IdentityFile none", "UserKnownHostsFile "+server.KnownHosts(), "ControlPath "+socket)
	e, err := engine.Connect(t.Context(), "ssh://server", "")
	if err != nil {
		t.Fatal(err)
	}
	e.Close()
	control("-O", "check")
	control("-O", "exit")
}

func TestSSHSaysWhatIsMissing(t *testing.T) {
	e := enginetest.New(t, "")
	connect := func(t *testing.T, address string) string {
		t.Helper()
		c, err := engine.Connect(t.Context(), address, "")
		if err == nil {
			c.Close()
			t.Fatal("it connects")
		}
		if text := err.Error(); !strings.HasPrefix(text, address+": ") || strings.Contains(text, "ControlPath") || strings.Contains(text, "\n") {
			t.Errorf("got %q", text)
		}
		return err.Error()
	}
	for _, c := range []struct {
		name string
		// lines are of the server's configuration, user those of the user's.
		lines []string
		user  func(*enginetest.SSH) []string
		want  []string
	}{
		{"unknown host", nil, func(s *enginetest.SSH) []string {
			return []string{"IdentityFile " + s.Key, "UserKnownHostsFile /dev/null"}
		}, []string{"log in with ssh: Host key verification failed", "run ssh server true once and compare the fingerprint"}},
		{"another key of the host", nil, func(s *enginetest.SSH) []string {
			public, err := os.ReadFile(s.Key + ".pub")
			if err != nil {
				t.Fatal(err)
			}
			other := filepath.Join(filepath.Dir(s.Key), "other_hosts")
			if err := os.WriteFile(other, []byte(s.Name()+" "+string(public)), 0o600); err != nil {
				t.Fatal(err)
			}
			return []string{"IdentityFile " + s.Key, "UserKnownHostsFile " + other}
		}, []string{"Host key verification failed", "another key than the one in known_hosts"}},
		{"wrong key", nil, func(s *enginetest.SSH) []string {
			other := filepath.Join(filepath.Dir(s.Key), "other")
			s.NewKey(t, other)
			return []string{"IdentityFile " + other, "UserKnownHostsFile " + s.KnownHosts()}
		}, []string{"Permission denied (publickey)", "add the right one with ssh-add"}},
		{"no docker command", []string{"SetEnv PATH=/nowhere"}, nil,
			[]string{"docker: command not found", "install the docker command there"}},
		{"user without the group", []string{`ForceCommand setpriv --reuid=65534 --clear-groups sh -c "$SSH_ORIGINAL_COMMAND"`}, nil,
			[]string{"permission denied", "sudo usermod -aG docker USER on the host"}},
		{"no engine", []string{"SetEnv DOCKER_HOST=unix:///nowhere/docker.sock"}, nil,
			[]string{"no such file or directory", "sudo systemctl start docker on the host"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := enginetest.StartSSH(t, e.Address, c.lines...)
			if c.user != nil {
				server.Configure(t, c.user(server)...)
			}
			got := connect(t, "ssh://server")
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("got  %s\nwant %s", got, want)
				}
			}
			if left := server.Running(t); len(left) != 0 {
				t.Errorf("it leaves %q", left)
			}
		})
	}
	t.Run("no server", func(t *testing.T) {
		address := fmt.Sprintf("ssh://deploy@127.0.0.1:%d", enginetest.FreePort(t))
		if got := connect(t, address); !strings.Contains(got, "Connection refused") || !strings.Contains(got, "deploy@127.0.0.1 true works") {
			t.Errorf("got %s", got)
		}
	})
}

// TestSSHEndsWhenCancelled cancels while a server keeps silent, and while a deploy
// waits for the engine.
func TestSSHEndsWhenCancelled(t *testing.T) {
	server := enginetest.StartSSH(t, enginetest.Start(t))
	t.Run("log in", func(t *testing.T) {
		silent, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			if conn, err := silent.Accept(); err == nil {
				cancel()
				<-t.Context().Done()
				conn.Close()
			}
		}()
		if _, err := engine.Connect(ctx, "ssh://"+silent.Addr().String(), ""); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if left := server.Running(t); len(left) != 0 {
			t.Errorf("it leaves %q", left)
		}
	})
	t.Run("deploy", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		d := deploymentOf(releases.Broken)
		d.Events = func(e targets.Event) {
			if strings.HasPrefix(e.Message, "waiting for") {
				cancel()
			}
		}
		if _, err := targetOf(t, schema.Values{"host": "ssh://server"}).Deploy(ctx, d); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if left := server.Running(t); len(left) != 0 {
			t.Errorf("it leaves %q", left)
		}
	})
}
