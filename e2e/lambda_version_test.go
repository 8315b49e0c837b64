//go:build e2e

package e2e

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/twofoldhq/twofold/release/unpack"
	"github.com/twofoldhq/twofold/targets/local/function"
	"github.com/twofoldhq/twofold/targets/local/sandbox"
)

// runningVersion is one version of a function, with the settings that moto has of it.
type runningVersion struct {
	function *function.Function
	once     sync.Once
}

func (v *runningVersion) close() {
	v.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		v.function.Close(ctx)
	})
}

// version returns a version that runs. Its instances start with the first invocation.
func (c *lambdaCloud) version(name, version string) (*runningVersion, error) {
	id := name + ":" + version
	c.mu.Lock()
	defer c.mu.Unlock()
	if v := c.running[id]; v != nil {
		return v, nil
	}
	var is struct {
		CodeSha256, Runtime, Handler string
		MemorySize                   int64
		Timeout                      int
		Environment                  struct{ Variables map[string]string }
	}
	if err := c.ask("lambda", "/2015-03-31/functions/"+name+"/configuration?Qualifier="+version, "", nil, &is); err != nil {
		return nil, err
	}
	bundle := c.bundles[is.CodeSha256]
	if bundle == nil {
		return nil, fmt.Errorf("no bundle with the sum %s was sent", is.CodeSha256)
	}
	// The instances share this machine's network, so that each gets a port of its own.
	delete(is.Environment.Variables, "PORT")
	task, err := os.MkdirTemp(c.t.TempDir(), "task-")
	if err == nil {
		err = unzip(bundle, task)
	}
	if err != nil {
		return nil, err
	}
	stream := time.Now().UTC().Format("2006/01/02") + "/[" + version + "]" + strconv.FormatInt(time.Now().UnixNano(), 16)
	f, err := function.New(function.Config{
		Name: name, Version: version, Task: task, TaskRoot: task, Runtime: is.Runtime, Handler: is.Handler, Region: "eu-west-1",
		Memory: is.MemorySize << 20, Timeout: time.Duration(is.Timeout) * time.Second, Concurrency: 10, Env: is.Environment.Variables,
		Path: os.Getenv("PATH"), Log: c.logs.writer("/aws/lambda/"+name, stream),
		Launch: func(ctx context.Context, l function.LaunchSpec) (function.Instance, error) {
			return launchPlain(c, task, l)
		},
	})
	if err != nil {
		return nil, err
	}
	v := &runningVersion{function: f}
	c.running[id] = v
	return v, nil
}

func unzip(bundle []byte, to string) error {
	r, err := zip.NewReader(bytes.NewReader(bundle), int64(len(bundle)))
	if err != nil {
		return err
	}
	return unpack.Bundle(context.Background(), r, to, 250<<20)
}

// launchPlain starts a bundle's bootstrap as a process of this machine, on a port of
// its own, since instances are not apart from each other here.
func launchPlain(c *lambdaCloud, task string, l function.LaunchSpec) (function.Instance, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	cmd := exec.Command(filepath.Join(task, "bootstrap"))
	// The secrets program asks this cloud, which takes any key for an account of its own.
	cmd.Env = append(l.Env, "PORT="+strconv.Itoa(port), "AWS_ENDPOINT_URL="+c.url, "AWS_ACCESS_KEY_ID=test")
	cmd.Dir, cmd.Stdout, cmd.Stderr = task, l.Stdout, l.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &plainInstance{cmd: cmd, done: make(chan struct{})}
	go p.wait()
	return p, nil
}

type plainInstance struct {
	cmd  *exec.Cmd
	done chan struct{}
	exit sandbox.Exit
}

func (p *plainInstance) wait() {
	err := p.cmd.Wait()
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // the app, when the adapter has gone
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		status := ended.Sys().(syscall.WaitStatus)
		p.exit = sandbox.Exit{Code: status.ExitStatus()}
		if status.Signaled() {
			p.exit = sandbox.Exit{Code: 128 + int(status.Signal()), Signal: status.Signal()}
		}
	}
	close(p.done)
}

func (p *plainInstance) Done() <-chan struct{} { return p.done }
func (p *plainInstance) Exit() sandbox.Exit    { return p.exit }
func (p *plainInstance) Terminate() error      { return p.cmd.Process.Signal(syscall.SIGTERM) }
func (p *plainInstance) Kill() error           { return syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) }
func (p *plainInstance) Pid() int              { return p.cmd.Process.Pid }

// logSink puts lines into CloudWatch Logs, in batches as Lambda does.
type logSink struct {
	lines chan logLine
	done  chan struct{}
}

type logLine struct {
	group, stream, text string
	at                  int64
}

func (s *logSink) start(c *lambdaCloud) {
	s.lines, s.done = make(chan logLine, 10000), make(chan struct{})
	go func() {
		defer close(s.done)
		made := map[string]bool{}
		for line := range s.lines {
			batch := []logLine{line}
			for len(s.lines) > 0 && len(batch) < 1000 {
				next := <-s.lines
				if next.stream != line.stream {
					c.putLines(batch, made)
					batch, line = nil, next
				}
				batch = append(batch, next)
			}
			c.putLines(batch, made)
		}
	}()
}

func (s *logSink) end() {
	close(s.lines)
	<-s.done
}

func (s *logSink) writer(group, stream string) io.Writer { return &streamWriter{s, group, stream} }

// streamWriter takes whole lines.
type streamWriter struct {
	sink          *logSink
	group, stream string
}

func (w *streamWriter) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		w.sink.lines <- logLine{w.group, w.stream, line, time.Now().UnixMilli()}
	}
	return len(p), nil
}

// putLines loses the lines of a group that was destroyed, as AWS does.
func (c *lambdaCloud) putLines(batch []logLine, made map[string]bool) {
	names := map[string]any{"logGroupName": batch[0].group, "logStreamName": batch[0].stream}
	if !made[batch[0].stream] {
		made[batch[0].stream] = c.ask("logs", "/", "Logs_20140328.CreateLogStream", names, nil) == nil
	}
	var events []map[string]any
	for _, line := range batch {
		events = append(events, map[string]any{"timestamp": line.at, "message": line.text})
	}
	names["logEvents"] = events
	_ = c.ask("logs", "/", "Logs_20140328.PutLogEvents", names, nil)
}
