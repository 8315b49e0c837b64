package docker

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"

	"github.com/twofoldhq/twofold/targets/gateway"
)

// command sends a command to a gateway's container, calls each for every reply but
// the last, and returns the last. What the gateway says went wrong is a *refusedError;
// after an *unansweredError nobody knows yet whether it has done it.
func (s *session) command(ctx context.Context, name string, req gateway.Request, each func(gateway.Reply)) (gateway.Reply, error) {
	c, err := s.dial(ctx, name, req)
	if err != nil {
		return gateway.Reply{}, err
	}
	defer c.close()
	for {
		r, err := c.next(ctx)
		if err != nil {
			return r, &unansweredError{err, c.exec}
		}
		if r.Done {
			if r.Error != "" {
				return r, &refusedError{r}
			}
			return r, nil
		}
		if each != nil {
			each(r)
		}
	}
}

// refusedError is a gateway's answer that it could not do what it was told.
type refusedError struct{ reply gateway.Reply }

func (e *refusedError) Error() string { return e.reply.Error }

// unansweredError is a command whose answer did not come. exec is its number in the
// engine.
type unansweredError struct {
	err  error
	exec string
}

func (e *unansweredError) Error() string { return e.err.Error() }
func (e *unansweredError) Unwrap() error { return e.err }

// over returns when a command whose answer did not come has ended, one way or the
// other: the gateway gives it up when the connection ends.
func (s *session) over(ctx context.Context, c *unansweredError) error {
	for {
		found, err := s.ExecInspect(ctx, c.exec, client.ExecInspectOptions{})
		if err != nil || !found.Running {
			return err
		}
		select {
		case <-time.After(look):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// hold takes the lock of a deployment. held ends when the lock is lost, and release
// gives it up. When this process or its connection ends, so does the lock; it
// outlasts a cancelled context, for what is then put in order.
func (s *session) hold(ctx context.Context, name, lock string, waiting func()) (held context.Context, release func(), err error) {
	c, err := s.dial(ctx, name, gateway.Request{Op: gateway.OpHold, Name: lock})
	if err != nil {
		return nil, nil, err
	}
	for {
		r, err := c.next(ctx)
		switch {
		case err != nil:
			c.close()
			return nil, nil, err
		case r.Done:
			c.close()
			return nil, nil, fmt.Errorf("take the lock of it: %s", r.Error)
		case r.Event == gateway.EventWaiting:
			waiting()
		case r.Event == gateway.EventHeld:
			c.stop()
			held, cancel := context.WithCancelCause(ctx)
			go func() {
				c.next(held) // nothing comes as long as the lock is held
				cancel(&goneError{"the connection that held the lock of it ended, and another deploy may be under way: deploy again"})
			}()
			return held, func() {
				cancel(nil)
				c.close()
			}, nil
		}
	}
}

// connection is one command to a gateway that is under way.
type connection struct {
	hijacked client.HijackedResponse
	exec     string // its number in the engine
	replies  *bufio.Scanner
	problems *bytes.Buffer
	stop     func() bool
	ended    chan struct{} // by close
}

// replyMax is the size in bytes that a reply may have.
const replyMax = 4 << 20

func (s *session) dial(ctx context.Context, name string, req gateway.Request) (*connection, error) {
	const misses = 3
	req.Silence = misses * s.target.silence
	text, err := json.Marshal(req)
	if err != nil {
		return nil, err
	}
	made, err := s.ExecCreate(ctx, name, client.ExecCreateOptions{
		AttachStdin: true, AttachStdout: true, AttachStderr: true,
		Cmd: []string{gateway.Program, gateway.VerbControl},
	})
	if err != nil {
		return nil, fmt.Errorf("reach the gateway %s: %w", name, err)
	}
	attached, err := s.ExecAttach(ctx, made.ID, client.ExecAttachOptions{})
	if err != nil {
		return nil, fmt.Errorf("reach the gateway %s: %w", name, err)
	}
	c := &connection{hijacked: attached.HijackedResponse, exec: made.ID, problems: new(bytes.Buffer), ended: make(chan struct{})}
	c.stop = context.AfterFunc(ctx, attached.HijackedResponse.Close)
	out, to := io.Pipe()
	go func() {
		_, err := stdcopy.StdCopy(to, c.problems, attached.Reader)
		to.CloseWithError(err)
	}()
	c.replies = bufio.NewScanner(out)
	c.replies.Buffer(nil, replyMax)
	if _, err := attached.Conn.Write(append(text, '\n')); err != nil {
		c.close()
		return nil, fmt.Errorf("reach the gateway %s: %w", name, err)
	}
	go c.live(s.target.silence)
	return c, nil
}

// live tells the gateway that whoever asks is still there.
func (c *connection) live(silence time.Duration) {
	for {
		select {
		case <-time.After(silence / 2):
		case <-c.ended:
			return
		}
		if _, err := c.hijacked.Conn.Write([]byte{'\n'}); err != nil {
			return
		}
	}
}

func (c *connection) next(ctx context.Context) (r gateway.Reply, err error) {
	if !c.replies.Scan() {
		if ctx.Err() != nil {
			return r, ctx.Err()
		}
		if err := c.replies.Err(); err != nil {
			return r, fmt.Errorf("the gateway hung up: %w", err)
		}
		return r, fmt.Errorf("the gateway hung up: %s", strings.TrimSpace(c.problems.String()))
	}
	if err := json.Unmarshal(c.replies.Bytes(), &r); err != nil {
		return r, fmt.Errorf("the gateway answers what is no reply: %q", c.replies.Text())
	}
	return r, nil
}

func (c *connection) close() {
	close(c.ended)
	c.stop()
	c.hijacked.Close()
}
