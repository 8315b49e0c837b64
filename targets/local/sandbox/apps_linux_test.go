package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// appVariable names the app that this test binary is to be. It serves as every
// app that the tests run in a sandbox.
const appVariable = "SANDBOX_TEST_APP"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == InitCommand {
		os.Exit(Init())
	}
	if app := os.Getenv(appVariable); app != "" {
		os.Exit(runApp(app, os.Args[1:]))
	}
	os.Exit(m.Run())
}

func runApp(name string, args []string) int {
	apps := map[string]func(args []string) int{
		"look": lookApp, "exit": exitApp, "wait": waitApp, "fill": fillApp, "grow": growApp,
		"child": childApp, "flood": floodApp, "listen": listenApp, "starter": starterApp, "write": writeApp,
		"burn": burnApp, "hold": func([]string) int { select {} }, "binds": bindsApp, "dial": dialApp, "orphan": orphanApp,
	}
	return apps[name](args)
}

// self is this test binary, which the kernel finds from within any root.
const self = "/proc/self/exe"

// appSpec is the spec of an app in the machine's view.
func appSpec(app string, args ...string) Spec {
	return Spec{
		Command: append([]string{self}, args...),
		Env:     []string{"PATH=/usr/bin:/bin", appVariable + "=" + app},
	}
}

// run runs an app to its end.
func run(t *testing.T, s Spec) (Exit, string) {
	t.Helper()
	var out bytes.Buffer
	s.Stdout, s.Stderr = &out, &out
	p, err := Start(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return wait(t, p), out.String()
}

// wait waits for the end of a process, and kills it with the test's patience.
func wait(t *testing.T, p *Process) Exit {
	t.Helper()
	select {
	case <-p.Done():
	case <-time.After(30 * time.Second):
		_ = p.Kill()
		t.Fatalf("process %d does not end", p.Pid())
	}
	return p.Exit()
}

// talk starts an app and returns the lines that it prints.
func talk(t *testing.T, s Spec) (*Process, func() string) {
	t.Helper()
	read, write := io.Pipe()
	s.Stdout = write
	p, err := Start(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { read.Close(); _ = p.Kill(); wait(t, p) })
	return p, lines(t, read)
}

func lines(t *testing.T, r io.Reader) func() string {
	var rest []byte
	return func() string {
		t.Helper()
		buffer := make([]byte, 4096)
		for {
			if line, after, ok := bytes.Cut(rest, []byte("\n")); ok {
				rest = after
				return string(line)
			}
			n, err := r.Read(buffer)
			if err != nil {
				t.Fatalf("the app printed no line: %v", err)
			}
			rest = append(rest, buffer[:n]...)
		}
	}
}

// view is what an app sees of its world.
type view struct {
	UID, GID, PID, Parent int
	Status                map[string]string
	Root                  []string
	Processes             []string
	Host, Dir             string
	Files                 []string // open ones
	Env                   []string
	Errors                map[string]string // of things that must not work
	Read                  map[string]string
}

// lookApp looks around; its arguments are files to read.
func lookApp(args []string) int {
	v := view{
		UID: os.Getuid(), GID: os.Getgid(), PID: os.Getpid(), Parent: os.Getppid(),
		Status: map[string]string{}, Errors: map[string]string{}, Read: map[string]string{}, Env: os.Environ(),
	}
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		key, value, _ := strings.Cut(line, ":")
		v.Status[key] = strings.TrimSpace(value)
	}
	v.Root = names("/")
	for _, fd := range names("/proc/self/fd") {
		file, _ := os.Readlink("/proc/self/fd/" + fd)
		v.Files = append(v.Files, file)
	}
	for _, name := range names("/proc") {
		if _, err := strconv.Atoi(name); err == nil {
			v.Processes = append(v.Processes, name)
		}
	}
	v.Host, _ = os.Hostname()
	v.Dir, _ = os.Getwd()
	try := func(what string, err error) {
		if err == nil {
			err = fmt.Errorf("it works")
		}
		v.Errors[what] = err.Error()
	}
	try("write root", os.WriteFile("/written", nil, 0o600))
	try("write usr", os.WriteFile("/usr/written", nil, 0o600))
	try("write sysctl", os.WriteFile("/proc/sys/kernel/core_pattern", []byte("core"), 0o600))
	try("mount", unix.Mount("tmpfs", "/tmp", "tmpfs", 0, ""))
	_ = syscall.Kill(1, syscall.SIGKILL) // no error for the init's own user, and no effect
	try("trace init", unix.PtraceAttach(1))
	_, err := os.ReadFile("/proc/1/environ")
	try("read init", err)
	_, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, 0, 0)
	try("io_uring", errno)
	_, err = unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, false)
	try("keyring", err)
	for _, file := range args {
		data, err := os.ReadFile(file)
		v.Read[file] = string(data)
		if err != nil {
			v.Read[file] = err.Error()
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(v); err != nil {
		return 1
	}
	return 0
}

func names(dir string) (all []string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// look runs lookApp.
func look(t *testing.T, s Spec) view {
	t.Helper()
	exit, out := run(t, s)
	var v view
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatalf("%v: %v: %s", exit, err, out)
	}
	return v
}

// exitApp exits with a code, or by a signal if it begins with "-".
func exitApp(args []string) int {
	code, _ := strconv.Atoi(args[0])
	if code >= 0 {
		return code
	}
	_ = syscall.Kill(os.Getpid(), syscall.Signal(-code))
	select {}
}

// waitApp waits for SIGTERM, and exits with its argument then; or ignores it.
func waitApp(args []string) int {
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	fmt.Println("ready")
	<-term
	if len(args) == 0 {
		fmt.Println("ignored")
		select {}
	}
	code, _ := strconv.Atoi(args[0])
	return code
}

// fillApp writes to a file until that fails, and prints how much went in.
func fillApp(args []string) int {
	file, err := os.Create(args[0])
	if err != nil {
		fmt.Println(err)
		return 1
	}
	most, _ := strconv.Atoi(args[1])
	written, block := 0, make([]byte, 1<<20)
	for written < most {
		n, err := file.Write(block)
		written += n
		if err != nil {
			fmt.Println(written, err)
			return 0
		}
	}
	fmt.Println(written)
	return 0
}

// growApp takes memory; with "child" in a child that it outlives.
func growApp(args []string) int {
	bytes, _ := strconv.Atoi(args[0])
	if len(args) > 1 && args[1] == "child" {
		cmd := exec.Command(self, args[0], "stay")
		_ = cmd.Run()
		select {}
	}
	if len(args) > 1 && args[1] == "fill" {
		_ = os.WriteFile("/tmp/filled", make([]byte, 15<<20), 0o600)
		defer os.Remove("/tmp/filled")
	}
	held := make([]byte, bytes)
	for i := 0; i < len(held); i += 4096 {
		held[i] = 1
	}
	fmt.Println("held")
	if len(args) > 1 && args[1] == "stay" {
		select {}
	}
	return int(held[0]) - 1
}

// childApp starts a child that leaves its session and holds the output, prints
// its process id, and then exits or stays.
func childApp(args []string) int {
	cmd := exec.Command(self)
	cmd.Env = []string{appVariable + "=hold"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("child", cmd.Process.Pid)
	if len(args) > 0 && args[0] == "stay" {
		select {}
	}
	return 0
}

// floodApp prints many bytes and exits at once.
func floodApp(args []string) int {
	bytes, _ := strconv.Atoi(args[0])
	_, _ = os.Stdout.Write(make([]byte, bytes))
	return 0
}

// writeApp writes its second argument to the file of its first one.
func writeApp(args []string) int {
	if err := os.MkdirAll(args[0], 0o755); err != nil {
		fmt.Println(err)
		return 1
	}
	if err := os.WriteFile(args[0]+"/file", []byte(args[1]), 0o600); err != nil {
		fmt.Println(err)
		return 1
	}
	data, err := os.ReadFile(args[0] + "/file")
	fmt.Print(string(data))
	if err != nil {
		return 1
	}
	return 0
}

// starterApp starts a sandbox itself, prints the process ids, and waits to be
// killed. Its argument chooses the kind of sandbox.
func starterApp(args []string) int {
	m := thisMachine()
	if args[0] == "plain" {
		m = machine{seccomp: m.seccomp, loopback: m.loopback}
	}
	read, write, _ := os.Pipe()
	s := appSpec("child", "stay")
	s.Stdout = write
	p, err := start(context.Background(), s, m, false)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	buffer := make([]byte, 100)
	_, _ = read.Read(buffer)
	var all []string
	for _, e := range descendants(os.Getpid()) {
		all = append(all, strconv.Itoa(e.pid))
	}
	fmt.Println(p.Pid(), strings.Join(all, " "))
	<-p.Done()
	return 0
}

// burnApp uses one processor for as long as its argument says, and prints the
// processor time that it got.
func burnApp(args []string) int {
	span, _ := time.ParseDuration(args[0])
	for end := time.Now().Add(span); time.Now().Before(end); {
	}
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	fmt.Println(time.Duration(used.Utime.Nano() + used.Stime.Nano()).Milliseconds())
	return 0
}

// orphanApp makes a process that loses its parent, kills it, and waits until
// somebody has collected it.
func orphanApp([]string) int {
	out, err := exec.Command("/bin/sh", "-c", "sleep 100 >/dev/null 2>&1 & echo $!").Output()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		if syscall.Kill(pid, 0) == syscall.ESRCH {
			return 0
		}
	}
	fmt.Println("it is a zombie")
	return 1
}
