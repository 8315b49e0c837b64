package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/local/container"
	"github.com/twofoldhq/twofold/targets/local/sandbox"
)

// serveRun runs a command, and answers with one message a line: events and output,
// then that it has ended or an error. The command is ended when the client goes
// away, or the supervisor does.
func (s *supervisor) serveRun(w http.ResponseWriter, r *http.Request) {
	var req runRequest
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		reply(w, nil, fmt.Errorf("read the request: %w", err))
		return
	}
	out := &messages{w: w}
	err := req.check()
	if err == nil && len(req.Command) == 0 {
		err = errors.New("the command is empty")
	}
	if err == nil {
		err = s.runOnce(r.Context(), req, out)
		s.logger.Printf("ran a command of %s on %s, with success %t", req.Service, req.Target, err == nil)
	}
	if err != nil {
		out.send(message{Error: toWire(err)})
		return
	}
	out.send(message{Ended: true})
}

func (s *supervisor) runOnce(ctx context.Context, req runRequest, out *messages) error {
	d, done, err := s.open(req.Key, req.Target)
	if err != nil {
		return err
	}
	defer done()
	who := fmt.Sprintf("the command that process %d runs since %s", req.Pid, time.Now().Format(time.TimeOnly))
	say := func(e targets.Event) { out.send(message{Event: &e}) }
	if err := d.take(ctx, who, say); err != nil {
		return err
	}
	defer d.give()
	var began atomic.Bool
	err = d.run(ctx, req, say, writer(func(p []byte) { out.send(message{Output: p}) }), func() { began.Store(true) })
	if err == nil || context.Cause(ctx) != errEnding {
		return err
	}
	if began.Load() {
		// It is not for the client to run it a second time.
		return errors.New("the local host was ended while the command ran, and the command with it")
	}
	return errEnding
}

// run runs a command once in a release. The caller has the turn, so nothing of the
// deployment changes meanwhile, and no other command runs.
func (d *deployment) run(ctx context.Context, req runRequest, say func(targets.Event), out io.Writer, began func()) error {
	dir, err := d.takeIn(req.DeployRequest)
	if err != nil {
		return err
	}
	defer d.drop(releaseName(req.Release))
	o := order{
		record:  &Record{Format: recordFormat, Key: req.Key, Target: req.Target, Release: req.Release, Form: req.Form, Spec: req.Spec},
		release: dir, secrets: req.Secrets, name: d.workloadName(), deploymentDir: d.dir,
		say: func(message string) { say(targets.Event{Message: message}) },
	}
	if o.mounts, err = d.s.layout.openVolumes(d.key, req.Spec.Volumes, func(targets.Event) {}); err != nil {
		return err
	}
	last := new(container.Tail)
	lines := &lineWriter{out: io.MultiWriter(out, last)}
	began()
	err = d.s.run(ctx, o, container.Start{Command: req.Command, Stdout: lines, Stderr: lines}, func() {})
	lines.Close()
	var ended *endedError
	if errors.As(err, &ended) {
		ended.output = last.String()
	}
	return err
}

// endedError is a command that did not exit with status 0.
type endedError struct {
	code    int
	command string // its first word; the others may hold what is nobody's business
	how     string
	output  string
}

func (e *endedError) Error() string {
	text := fmt.Sprintf("the command %q did not succeed: %s", e.command, e.how)
	if e.output != "" {
		text += "; its last output:\n" + e.output
	}
	return text
}

// oneOff is a process that runs a command once.
type oneOff interface {
	Done() <-chan struct{}
	Exit() string
	Code() int
	Stop(grace time.Duration)
}

// runGrace is what a command that is cancelled has between SIGTERM and its end.
const runGrace = 10 * time.Second

// run starts the command, calls began, and waits for its end. When the context ends, so
// does the command.
func (m *maker) run(ctx context.Context, o order, s container.Start, began func()) error {
	start := m.startInImage
	if o.record.Form == release.Bundle {
		start = m.startInBundle
	}
	s.Name = o.name + "-run"
	p, cleanup, err := start(ctx, o, s)
	if err != nil {
		return err
	}
	defer cleanup()
	began()
	select {
	case <-p.Done():
		p.Stop(0) // removes what is left of it
	case <-ctx.Done():
		p.Stop(runGrace)
		return context.Cause(ctx)
	}
	if p.Code() != 0 {
		return &endedError{code: p.Code(), command: s.Command[0], how: p.Exit()}
	}
	return nil
}

func (m *maker) startInImage(ctx context.Context, o order, s container.Start) (oneOff, func(), error) {
	runner, engine, err := m.runner(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	cleanup := func() {
		if engine != nil {
			engine.Close()
		}
	}
	i, err := runner.Start(ctx, s)
	if err != nil {
		cleanup()
		return nil, nil, err
	}
	return i, cleanup, nil
}

func (m *maker) startInBundle(ctx context.Context, o order, s container.Start) (oneOff, func(), error) {
	if err := canMount(o.mounts); err != nil {
		return nil, nil, err
	}
	_, form, err := o.release.open(o.record.Release, release.Bundle)
	if err != nil {
		return nil, nil, err
	}
	u, err := o.release.unpack(ctx, o.record.Release, release.Bundle)
	if err != nil {
		return nil, nil, err
	}
	runtime, err := findInterpreter(form.Runtime)
	if err != nil {
		return nil, nil, err
	}
	dir := path.Join("/var/task", u.App.Dir)
	command := slices.Clone(s.Command)
	if strings.HasPrefix(command[0], "./") {
		command[0] = path.Join(dir, command[0])
	}
	spec := o.record.Spec
	p, err := sandbox.Start(ctx, sandbox.Spec{
		Mounts:   functionMounts(runtime, o.release.files(), o.mounts),
		ReadOnly: true, TmpSize: functionTmp, Memory: spec.Memory, CPU: spec.CPU,
		Command: command, Dir: dir, Env: container.WithTerm(runEnv(runtime.path, u.App, o), s.Terminal),
		Stdin: s.Stdin, Terminal: container.SizeOf(s.Terminal),
		Loopback: true, Stdout: s.Stdout, Stderr: s.Stderr, Name: s.Name,
	})
	if err != nil {
		return nil, nil, err
	}
	go container.FollowSize(p, s.Terminal)
	return process{p}, func() {}, nil
}

// runEnv is the environment of a command in a bundle: what the app has of the
// release and of the deployment, and nothing of the platform's.
func runEnv(searched string, app release.AppConfig, o order) []string {
	all := map[string]string{"LANG": "en_US.UTF-8", "TZ": ":UTC", "PATH": searched}
	maps.Copy(all, app.Env)
	all["PATH"] = searched
	maps.Copy(all, o.env())
	all["PORT"] = strconv.Itoa(o.record.Spec.Port)
	env := make([]string, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		env = append(env, name+"="+all[name])
	}
	return env
}

// process is a sandbox as a oneOff.
type process struct{ *sandbox.Process }

func (p process) Code() int    { return p.Process.Exit().Code }
func (p process) Exit() string { return "it ended: " + p.Process.Exit().String() }

func (p process) Stop(grace time.Duration) {
	if p.Terminate() == nil && grace > 0 {
		limit := time.NewTimer(grace)
		defer limit.Stop()
		select {
		case <-p.Done():
		case <-limit.C:
		}
	}
	p.Kill()
	<-p.Done()
}

type writer func(p []byte)

func (w writer) Write(p []byte) (int, error) {
	w(p)
	return len(p), nil
}
