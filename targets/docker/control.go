package docker

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"

	"github.com/twofoldhq/twofold/targets/docker/gateway"
)

// command sends a command to a gateway's container, calls each for every reply but
// the last, and returns the last.
func (s *session) command(ctx context.Context, name string, req gateway.Request, each func(gateway.Reply)) (gateway.Reply, error) {
	c, err := s.dial(ctx, name, req)
	if err != nil {
		return gateway.Reply{}, err
	}
	defer c.close()
	for {
		r, err := c.next(ctx)
		if err != nil {
			return r, err
		}
		if r.Done {
			if r.Error != "" {
				return r, errors.New(r.Error)
			}
			return r, nil
		}
		if each != nil {
			each(r)
		}
	}
}

// hold takes the lock of a deployment and returns what gives it up. When this
// process or its connection ends, so does the lock.
func (s *session) hold(ctx context.Context, name, lock string, waiting func()) (release func(), err error) {
	c, err := s.dial(ctx, name, gateway.Request{Op: gateway.OpHold, Name: lock})
	if err != nil {
		return nil, err
	}
	for {
		r, err := c.next(ctx)
		switch {
		case err != nil:
			c.close()
			return nil, err
		case r.Done:
			c.close()
			return nil, fmt.Errorf("take the lock of it: %s", r.Error)
		case r.Event == gateway.EventWaiting:
			waiting()
		case r.Event == gateway.EventHeld:
			return c.close, nil
		}
	}
}

// connection is one command to a gateway that is under way.
type connection struct {
	hijacked client.HijackedResponse
	replies  *bufio.Scanner
	problems *bytes.Buffer
	stop     func() bool
}

// replyMax is the size in bytes that a reply may have.
const replyMax = 4 << 20

func (s *session) dial(ctx context.Context, name string, req gateway.Request) (*connection, error) {
	text, err := json.Marshal(req)
	if err != nil {
		return nil, err
	}
	made, err := s.ExecCreate(ctx, name, client.ExecCreateOptions{
		AttachStdin: true, AttachStdout: true, AttachStderr: true,
		Cmd: []string{gateway.Program, gateway.Command, gateway.VerbControl},
	})
	if err != nil {
		return nil, fmt.Errorf("reach the gateway %s: %w", name, err)
	}
	attached, err := s.ExecAttach(ctx, made.ID, client.ExecAttachOptions{})
	if err != nil {
		return nil, fmt.Errorf("reach the gateway %s: %w", name, err)
	}
	c := &connection{hijacked: attached.HijackedResponse, problems: new(bytes.Buffer)}
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
	return c, nil
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
	c.stop()
	c.hijacked.Close()
}
