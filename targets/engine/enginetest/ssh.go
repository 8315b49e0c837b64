package enginetest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// SSH is a server of ssh of a test's own, and what a user has to reach it: it is called
// "server" in the configuration of the ssh command that the test has on its PATH.
type SSH struct {
	// Key is the private key that the server lets in, and Config the user's
	// configuration: tests write what they need into it.
	Key, Config string

	dir, known string
	port       int
	output     *lines
}

// StartSSH starts a server, which ends with the test, for the user of the test. The
// docker command that is run through it talks to the engine at that address. lines are
// more lines of its configuration. It needs root and the commands sshd and ssh.
func StartSSH(t testing.TB, address string, lines ...string) *SSH {
	t.Helper()
	dir, err := os.MkdirTemp("", "sshd-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &SSH{dir: dir, Key: filepath.Join(dir, "key"), Config: filepath.Join(dir, "config"), known: filepath.Join(dir, "known_hosts"), port: FreePort(t)}
	s.NewKey(t, s.Key)
	s.NewKey(t, filepath.Join(dir, "host"))
	authorized, host := read(t, s.Key+".pub"), read(t, filepath.Join(dir, "host.pub"))
	write(t, filepath.Join(dir, "authorized"), authorized)
	write(t, s.known, s.Name()+" "+host)
	write(t, filepath.Join(dir, "sshd"), strings.Join(append([]string{
		fmt.Sprintf("Port %d", s.port), "ListenAddress 127.0.0.1", "HostKey " + filepath.Join(dir, "host"), "PidFile none",
		"AuthorizedKeysFile " + filepath.Join(dir, "authorized"), "StrictModes no", "UsePAM no", "PermitRootLogin prohibit-password",
		"PasswordAuthentication no", "KbdInteractiveAuthentication no",
	}, append(lines, fmt.Sprintf("SetEnv DOCKER_HOST=%s PATH=%s", address, os.Getenv("PATH")))...), "\n")+"\n")
	s.Configure(t, "IdentityFile "+s.Key, "UserKnownHostsFile "+s.known)
	s.command(t)
	s.start(t)
	return s
}

// Configure writes the user's configuration of the host "server".
func (s *SSH) Configure(t testing.TB, lines ...string) {
	t.Helper()
	all := append([]string{"Host server", "HostName 127.0.0.1", fmt.Sprintf("Port %d", s.port)}, lines...)
	all = append(all, "IdentitiesOnly yes") // the first line of a name counts
	write(t, s.Config, strings.Join(all, "\n  ")+"\n")
}

// Name is what files of known hosts call the server.
func (s *SSH) Name() string { return fmt.Sprintf("[127.0.0.1]:%d", s.port) }

// KnownHosts is the file with the server's own key.
func (s *SSH) KnownHosts() string { return s.known }

// NewKey makes a key without a passphrase.
func (s *SSH) NewKey(t testing.TB, file string) {
	t.Helper()
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
}

// Runs are the ssh commands that were started, each with its arguments.
func (s *SSH) Runs(t testing.TB) []string {
	t.Helper()
	return strings.Split(strings.TrimSuffix(read(t, filepath.Join(s.dir, "runs")), "\n"), "\n")
}

// Logins is how often the server has let the user in.
func (s *SSH) Logins() int { return s.output.count("Accepted publickey") }

// Running are the ssh commands that run still.
func (s *SSH) Running(t testing.TB) (running []string) {
	t.Helper()
	names, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		line, err := os.ReadFile(name)
		if err == nil && bytes.Contains(line, []byte(s.Config)) {
			running = append(running, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return running
}

// command puts an ssh command before the others on the PATH that has this server's
// configuration as the user's: the real one finds it in the home that the system knows.
func (s *SSH) command(t testing.TB) {
	t.Helper()
	ssh, err := exec.LookPath("ssh")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(s.dir, "runs"), "")
	bin := filepath.Join(s.dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(bin, "ssh"), fmt.Sprintf("#!/bin/sh\necho \"$@\" >>%s/runs\nexec %s -F %s \"$@\"\n", s.dir, ssh, s.Config))
	if err := os.Chmod(filepath.Join(bin, "ssh"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
}

func (s *SSH) start(t testing.TB) {
	t.Helper()
	// Where sshd keeps the privileges of its children apart.
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		t.Fatal(err)
	}
	s.output = new(lines)
	cmd := exec.Command("/usr/sbin/sshd", "-D", "-e", "-f", filepath.Join(s.dir, "sshd"))
	cmd.Stderr = s.output
	if err := cmd.Start(); err != nil {
		t.Fatalf("start sshd: %v", err)
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		<-ended
	})
	for {
		if conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port)); err == nil {
			conn.Close()
			return
		}
		select {
		case <-ended:
			t.Fatalf("sshd ended as it started:\n%s", s.output.text.String())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// lines is what a server prints.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), part)
}

// FreePort is a port of loopback at which nothing listens.
func FreePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func read(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t testing.TB, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
