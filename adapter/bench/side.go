package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// side is one way to serve the same app on a function platform.
type side struct {
	name string
	// program is started by the platform, in a folder where a bundle lies.
	program string
	// app, if any, is a second process that the program starts.
	app string
	// extension says that the program is one of Lambda's extensions: the platform starts
	// the app itself, beside it.
	extension bool
}

// instance is a running side.
type instance struct {
	side     side
	platform *platform
	cmd      *exec.Cmd
	beside   *exec.Cmd // the app that the platform has started, or nil
	// start is the time from exec to the first call of next.
	start time.Duration
}

// launch starts a side and waits until it asks for an event.
func launch(s side, dir string) (*instance, error) {
	p, err := newPlatform()
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	root, err := os.MkdirTemp(dir, "bundle")
	if err != nil {
		return nil, err
	}
	config, err := json.Marshal(map[string]any{"command": []string{s.app}, "dir": "", "port": port, "health": "/healthz"})
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(root, "twofold.json"), config, 0o644); err != nil {
		return nil, err
	}
	cmd := exec.Command(s.program)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "AWS_LAMBDA_RUNTIME_API="+p.address(), "LAMBDA_TASK_ROOT="+root, "PORT="+strconv.Itoa(port), "APP="+s.app,
		"AWS_LAMBDA_FUNCTION_NAME=bench", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512", "AWS_LAMBDA_FUNCTION_VERSION=1",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/bench", "AWS_LAMBDA_LOG_STREAM_NAME=1", "AWS_REGION=eu-west-1",
		"AWS_LWA_PORT="+strconv.Itoa(port), "AWS_LWA_READINESS_CHECK_PATH=/healthz")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = os.Stderr
	inst := &instance{side: s, platform: p, cmd: cmd}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if s.extension {
		inst.beside = exec.Command(s.app)
		inst.beside.Dir, inst.beside.Env, inst.beside.Stderr, inst.beside.SysProcAttr = cmd.Dir, cmd.Env, cmd.Stderr, cmd.SysProcAttr
		if err := inst.beside.Start(); err != nil {
			cmd.Process.Kill()
			return nil, err
		}
	}
	select {
	case at := <-p.waiting:
		inst.start = at.Sub(begin)
		return inst, nil
	case <-time.After(10 * time.Second):
		inst.stop()
		return nil, fmt.Errorf("%s does not ask for an event", s.name)
	}
}

// startAlone starts the app without any platform, and returns the time from exec to the
// first connection that it takes.
func startAlone(app string) (time.Duration, error) {
	port, err := freePort()
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(app)
	cmd.Env = append(os.Environ(), "PORT="+strconv.Itoa(port))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	for time.Since(begin) < 10*time.Second {
		c, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			c.Close()
			return time.Since(begin), nil
		}
		time.Sleep(50 * time.Microsecond)
	}
	return 0, errors.New("the app alone does not start")
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// invoke hands over an event and returns the answer and the time it took as the
// platform sees it: from the event's first byte to the answer's last.
func (i *instance) invoke(event []byte) (answer, time.Duration, error) {
	begin := time.Now()
	i.platform.events <- event
	select {
	case a := <-i.platform.answers:
		<-i.platform.waiting
		return a, a.at.Sub(begin), nil
	case <-time.After(10 * time.Second):
		return answer{}, 0, errors.New(i.side.name + " does not answer")
	}
}

// memory returns the resident memory of the process and of what it started, in KiB.
func (i *instance) memory() (own, app int) {
	own = resident(i.cmd.Process.Pid)
	if i.beside != nil {
		return own, resident(i.beside.Process.Pid)
	}
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", i.cmd.Process.Pid))
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", i.cmd.Process.Pid))
	for _, t := range tasks {
		more, _ := os.ReadFile(t)
		text = append(text, more...)
	}
	seen := map[string]bool{}
	for _, pid := range strings.Fields(string(text)) {
		if n, err := strconv.Atoi(pid); err == nil && !seen[pid] {
			seen[pid] = true
			app += resident(n)
		}
	}
	return own, app
}

func resident(pid int) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.Atoi(strings.Fields(rest)[0])
			return n
		}
	}
	return 0
}

// stop ends the program, and what it started within its process group.
func (i *instance) stop() {
	for _, cmd := range []*exec.Cmd{i.cmd, i.beside} {
		if cmd != nil {
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			cmd.Wait()
		}
	}
	i.platform.close()
}
