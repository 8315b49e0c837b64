package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/local/container"
)

// A command of an exec has up to three requests: one that lasts as long as the command
// and answers with what it prints, one whose body is what the command reads, and one for
// each new size of its terminal. So the end of the first request is seen at once,
// whatever input still waits to be read.

// executions are the commands that run, by the names that their clients gave them.
type executions struct {
	mu  sync.Mutex
	all map[string]*execution
}

// execution is what the other requests of a command need.
type execution struct {
	ended   <-chan struct{}
	input   *io.PipeWriter
	resized chan targets.TerminalSize
}

func (e *executions) add(id string, one *execution) (remove func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.all == nil {
		e.all = map[string]*execution{}
	}
	e.all[id] = one
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.all, id)
	}
}

func (e *executions) find(id string) (*execution, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if one := e.all[id]; one != nil {
		return one, nil
	}
	return nil, errors.New("the command has ended")
}

// serveExec runs a command, and answers with one message a line: events and output, then
// that it has ended or an error. The command is ended when the client goes away, the
// supervisor does, or the deployment is destroyed.
func (s *supervisor) serveExec(w http.ResponseWriter, r *http.Request) {
	var req execRequest
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		reply(w, nil, fmt.Errorf("read the request: %w", err))
		return
	}
	out := &messages{w: w}
	err := errors.New("the command is empty")
	if len(req.Command) > 0 {
		err = s.exec(r.Context(), req, out)
		s.logger.Printf("ran a command in %s on %s, with success %t", req.Service, req.Target, err == nil)
	}
	if err != nil {
		out.send(message{Error: toWire(err)})
		return
	}
	out.send(message{Ended: true})
}

func (s *supervisor) exec(ctx context.Context, req execRequest, out *messages) error {
	d, done, err := s.open(req.Key, req.Target)
	if err != nil {
		return err
	}
	defer done()
	say := func(e targets.Event) { out.send(message{Event: &e}) }
	// What is deployed is not changed meanwhile. It may be while the command runs.
	who := fmt.Sprintf("the command that process %d starts at %s", req.Pid, time.Now().Format(time.TimeOnly))
	if err := d.take(ctx, who, say); err != nil {
		return err
	}
	o, left, err := d.join(say)
	d.give()
	if err != nil {
		return err
	}
	defer left()
	return d.exec(ctx, o, req, out)
}

// join is the order for a command in what is deployed, whose files stay until left is
// called. The caller has the turn.
func (d *deployment) join(say func(targets.Event)) (o order, left func(), err error) {
	r := d.recorded()
	if r == nil {
		return order{}, nil, errNoRecord
	}
	name := releaseName(r.Release)
	o = order{
		record: r, release: d.releaseDir(name), name: d.workloadName(), deploymentDir: d.dir, resumed: true,
		say: func(message string) { say(targets.Event{Message: message}) },
	}
	if o.secrets, err = r.readSecrets(d.dir); err != nil {
		return order{}, nil, err
	}
	if o.mounts, err = d.s.layout.openVolumes(d.key, r.Spec.Volumes, func(targets.Event) {}); err != nil {
		return order{}, nil, err
	}
	d.hold(name)
	d.leaving.Add(1)
	return o, func() {
		d.drop(name)
		d.leaving.Done()
	}, nil
}

// errHalted is why a command ends whose deployment does.
var errHalted = errors.New("the deployment was ended while the command ran, and the command with it")

func (d *deployment) exec(ctx context.Context, o order, req execRequest, out *messages) error {
	d.mu.Lock()
	hurry := d.hurry
	d.mu.Unlock()
	ctx, halt := context.WithCancelCause(ctx)
	defer halt(nil)
	go func() {
		select {
		case <-hurry:
			halt(errHalted)
		case <-ctx.Done():
		}
	}()
	input, keys := io.Pipe()
	defer input.Close()
	one := &execution{ended: ctx.Done(), input: keys, resized: make(chan targets.TerminalSize)}
	defer d.s.executions.add(req.ID, one)()

	streams := targets.Streams{
		Out: writer(func(p []byte) { out.send(message{Output: p}) }),
		Err: writer(func(p []byte) { out.send(message{Errors: p}) }),
	}
	if req.Size != nil {
		streams.Terminal = &targets.Terminal{Type: req.Term, Size: *req.Size, Resized: one.resized}
	}
	printed := targets.NewPrinted(streams)
	start := container.Start{Command: req.Command, Stdout: printed.Out(), Stderr: printed.Err(), Terminal: streams.Terminal}
	if req.Input {
		start.Stdin = input
	}
	err := d.s.run(ctx, o, start, func() { out.send(message{Started: true}) })
	var ended *endedError
	switch {
	case errors.As(err, &ended):
		return &targets.ExitError{Code: ended.code, Last: printed.Last()}
	case err != nil && context.Cause(ctx) == errEnding:
		return errHalted
	}
	return err
}

// serveInput takes what a command reads. It ends with its body, or with the command.
func (s *supervisor) serveInput(w http.ResponseWriter, r *http.Request) {
	one, err := s.executions.find(r.URL.Query().Get("id"))
	if err == nil {
		// A body that breaks off must not look as if it were whole: its client is gone,
		// and the command goes with it.
		if _, err = io.Copy(one.input, r.Body); err == nil {
			one.input.Close()
		}
		err = nil
	}
	reply(w, struct{}{}, err)
}

func (s *supervisor) serveSize(w http.ResponseWriter, r *http.Request) {
	var req sizeRequest
	if !read(w, r, &req) {
		return
	}
	one, err := s.executions.find(req.ID)
	if err == nil {
		select {
		case one.resized <- req.Size:
		case <-one.ended:
		}
	}
	reply(w, struct{}{}, err)
}
