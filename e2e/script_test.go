// Package e2e runs the real binary as its users do. The scripts in testdata/script
// are whole sessions: commands, what they print, and what must not exist after.
package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// binary is the folder that holds the twofold that is tested.
var binary string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "twofold-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "twofold"), "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as releases are built: it runs in containers
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build twofold: %v\n%s", err, out)
		return 1
	}
	binary = dir
	return m.Run()
}

func TestScripts(t *testing.T) { testscript.Run(t, scripts("testdata/script")) }

// scripts are those of a folder, each with a home and a state of its own.
func scripts(dir string) testscript.Params {
	return testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			state := filepath.Join(env.WorkDir, "state")
			env.Setenv("PATH", binary+string(filepath.ListSeparator)+os.Getenv("PATH"))
			env.Setenv("TWOFOLD_STATE_DIR", state)
			env.Setenv("NO_COLOR", "1")
			// The compiler's own caches: a script builds real services.
			for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPROXY", "GOFLAGS", "GOSUMDB", "GONOSUMDB", "GONOSUMCHECK"} {
				env.Setenv(name, goEnv(name))
			}
			env.Setenv("GOTOOLCHAIN", "local")
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			// No engine, so that each machine runs the same: the engine has tests of its own.
			env.Setenv("DOCKER_HOST", "unix://"+filepath.Join(env.WorkDir, "no-engine.sock"))
			env.Defer(func() { killHost(state) })
			return os.Mkdir(filepath.Join(env.WorkDir, "home"), 0o755)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"get":       get,
			"find-url":  findURL,
			"service":   service,
			"kill-host": kill,
			"listen":    listen,
		},
	}
}

func goEnv(name string) string {
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// get URL [STATUS]: asks for the URL; the body becomes the script's stdout.
func get(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: get URL [STATUS]")
	}
	client := http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Get(args[0])
	if err != nil {
		if neg {
			return
		}
		ts.Fatalf("get: %v", err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	ts.Check(err)
	want := http.StatusOK
	if len(args) == 2 {
		want, err = strconv.Atoi(args[1])
		ts.Check(err)
	}
	if (answer.StatusCode == want) == neg {
		ts.Fatalf("get %s: status %d, body %s", args[0], answer.StatusCode, body)
	}
	ts.Stdout().Write(body)
}

var urlPattern = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

// find-url VARIABLE [TARGET]: sets the variable to the URL in the last standard
// output, on the line that names the target.
func findURL(ts *testscript.TestScript, neg bool, args []string) {
	for _, line := range strings.Split(ts.ReadFile("stdout"), "\n") {
		if len(args) == 2 && !strings.Contains(line, args[1]) {
			continue
		}
		if url := urlPattern.FindString(line); url != "" {
			ts.Setenv(args[0], url)
			return
		}
	}
	ts.Fatalf("there is no URL in the output")
}

// service DIR: writes the tiny service that the scripts deploy.
func service(ts *testscript.TestScript, neg bool, args []string) {
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	source, err := os.ReadDir(filepath.Join(testDir, "service"))
	ts.Check(err)
	for _, file := range source {
		data, err := os.ReadFile(filepath.Join(testDir, "service", file.Name()))
		ts.Check(err)
		ts.Check(os.WriteFile(filepath.Join(dir, strings.TrimSuffix(file.Name(), ".tmpl")), data, 0o644))
	}
}

// kill-host: ends the local host with SIGKILL, and waits until it is gone.
func kill(ts *testscript.TestScript, neg bool, args []string) {
	if !killHost(ts.Getenv("TWOFOLD_STATE_DIR")) {
		ts.Fatalf("there is no local host to kill")
	}
}

// listen URL: takes the URL's port until the script ends.
func listen(ts *testscript.TestScript, neg bool, args []string) {
	server := &http.Server{Addr: strings.TrimPrefix(args[0], "http://"), Handler: http.NotFoundHandler()}
	listener, err := listenOn(server.Addr)
	ts.Check(err)
	go server.Serve(listener)
	ts.Defer(func() { server.Close() })
}

// killHost ends the local hosts of a state folder with SIGKILL.
func killHost(state string) bool {
	killed := false
	for _, pid := range hosts(state) {
		if syscall.Kill(pid, syscall.SIGKILL) == nil {
			killed = true
			waitGone(pid)
		}
	}
	return killed
}

// hosts returns the process ids of the local hosts of a state folder.
func hosts(state string) []int {
	var found []int
	commands, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range commands {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		args := strings.Split(strings.TrimRight(string(text), "\x00"), "\x00")
		if len(args) < 3 || args[1] != "local-host" || !strings.Contains(strings.Join(args[2:], " "), state) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			found = append(found, pid)
		}
	}
	return found
}

// waitGone waits until a process that is not our child has ended.
func waitGone(pid int) {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(state), ") Z ") {
			return
		}
	}
}
