package engine

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"

	"github.com/twofoldhq/twofold/targets"
)

// WithStreams makes a container have what the streams of its command need.
func WithStreams(o *client.ContainerCreateOptions, s targets.Streams) {
	o.Config.OpenStdin, o.Config.StdinOnce, o.Config.AttachStdin = s.In != nil, s.In != nil, s.In != nil
	if s.Terminal == nil {
		return
	}
	o.Config.Tty = true
	o.HostConfig.ConsoleSize = [2]uint{uint(s.Terminal.Size.Rows), uint(s.Terminal.Size.Columns)}
	named := func(e string) bool { return strings.HasPrefix(e, "TERM=") }
	if s.Terminal.Type != "" && !slices.ContainsFunc(o.Config.Env, named) {
		o.Config.Env = append(slices.Clone(o.Config.Env), "TERM="+s.Terminal.Type)
	}
}

// Attached is the connection to the streams of a container.
type Attached struct {
	engine    *Engine
	container string
	streams   targets.Streams
	stream    client.HijackedResponse
}

// Attach connects to a container that has not started, so that nothing of what it
// prints is missed.
func (e *Engine) Attach(ctx context.Context, container string, s targets.Streams) (*Attached, error) {
	r, err := e.ContainerAttach(ctx, container, client.ContainerAttachOptions{
		Stream: true, Stdin: s.In != nil, Stdout: true, Stderr: true, DetachKeys: detachKeys,
	})
	if err != nil {
		return nil, fmt.Errorf("attach to container %s: %w", container, err)
	}
	return &Attached{engine: e, container: container, streams: s, stream: r.HijackedResponse}, nil
}

// detachKeys is what nobody types. The engine's own, Ctrl-P and Ctrl-Q, would keep a
// Ctrl-P from the command until the next key.
const detachKeys = "ctrl-@,ctrl-@,ctrl-@,ctrl-@"

// Carry carries over what the container reads and prints, from its start to its end or
// that of the context.
func (a *Attached) Carry(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, a.stream.Close)
	defer stop()
	out, errs := a.streams.Out, a.streams.Err
	if out == nil {
		out = io.Discard
	}
	if errs == nil {
		errs = io.Discard
	}
	if a.streams.In != nil {
		go a.carryInput()
	}
	var err error
	if a.streams.Terminal != nil {
		go a.resize(ctx)
		_, err = io.Copy(out, a.stream.Reader)
	} else {
		_, err = stdcopy.StdCopy(out, errs, a.stream.Reader)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// Close ends the connection. It may be called more than once.
func (a *Attached) Close() { a.stream.Close() }

// carryInput writes what a command reads, and then its end. A command that has ended
// reads no more, which is no error.
func (a *Attached) carryInput() {
	if _, err := io.Copy(a.stream.Conn, a.streams.In); err == nil {
		a.stream.CloseWrite()
	}
}

// resize gives the container's terminal each size that the user's gets.
func (a *Attached) resize(ctx context.Context) {
	size := a.streams.Terminal.Size
	for {
		// One that fails is of a command that has just ended. The first is for engines
		// that take no size when they make a container.
		_, _ = a.engine.ContainerResize(ctx, a.container, client.ContainerResizeOptions{Height: uint(size.Rows), Width: uint(size.Columns)})
		select {
		case <-ctx.Done():
			return
		case size = <-a.streams.Terminal.Resized:
		}
	}
}
