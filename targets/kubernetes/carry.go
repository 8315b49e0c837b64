package kubernetes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/twofoldhq/twofold/targets"
)

// carrier stands between a command in a pod and the streams of a request.
type carrier struct {
	*watcher
	request targets.ExecRequest
	printed *targets.Printed
	// carried is when all was carried over; zero is not yet.
	carried time.Time
}

// watch returns when the pod of a Job has ended.
func (c *carrier) watch(ctx context.Context, job string) error {
	for {
		found, err := c.list(ctx, pods, query("batch.kubernetes.io/job-name", job))
		if err != nil {
			return err
		}
		for _, pod := range found {
			if err := c.warnings(ctx, pod.GetName()); err != nil {
				return err
			}
			for _, container := range fields(pod.Object, "status", "containerStatuses") {
				if ended, err := c.act(ctx, pod.GetName(), container); ended || err != nil {
					return err
				}
			}
		}
		if err := pause(ctx, look); err != nil {
			return err
		}
	}
}

// act acts on the state of the pod's container, and reports whether the command has
// ended.
func (c *carrier) act(ctx context.Context, pod string, container map[string]any) (bool, error) {
	command := c.request.Command
	ended, _, _ := unstructured.NestedMap(container, "state", "terminated")
	running, _, _ := unstructured.NestedMap(container, "state", "running")
	if ended == nil && running == nil {
		var n *targets.NotHealthyError
		if failed := c.failed(ctx, pod, container); errors.As(failed, &n) {
			return false, fmt.Errorf("%q does not start: %s", strings.Join(command, " "), n.Reason)
		}
		return false, nil
	}
	if c.carried.IsZero() {
		if err := c.carry(ctx, pod, ended == nil); err != nil {
			return false, err
		}
		c.carried = time.Now()
	}
	switch {
	case ended == nil && time.Since(c.carried) > endLimit:
		return false, fmt.Errorf("the connection to %q was closed while it ran: it is ended", command[0])
	case ended == nil:
		return false, nil
	}
	if code := number(ended, "exitCode"); code != 0 {
		return true, &targets.ExitError{Command: command, Code: int(code), Last: c.printed.Last()}
	}
	return true, nil
}

// endLimit is how long the cluster may take to say that a command has ended whose output
// has.
const endLimit = time.Minute

// carry carries over what the command reads and prints until it has ended. All that it
// prints is in its log, and comes from there. What is typed is answered within a line,
// which no log has before it is whole: a terminal is attached to.
func (c *carrier) carry(ctx context.Context, pod string, running bool) error {
	c.request.Begin()
	if c.request.Terminal != nil {
		if err := c.copyLog(ctx, pod, lineEnds{c.printed.Out()}, false); err != nil || !running {
			return err
		}
		return c.attach(ctx, pod)
	}
	ctx, failed := context.WithCancelCause(ctx)
	defer failed(nil)
	if c.request.In != nil && running {
		go func() {
			if err := c.attach(ctx, pod); err != nil {
				failed(err)
			}
		}()
	}
	err := c.copyLog(ctx, pod, c.printed.Out(), true)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// copyLog prints what the command has printed so far, or until it ends. It goes on after
// a connection that broke.
func (c *carrier) copyLog(ctx context.Context, pod string, out io.Writer, follow bool) error {
	q := url.Values{}
	if follow {
		q.Set("follow", "true")
	}
	const attempts = 3
	var done int64
	for attempt := 1; ; attempt++ {
		answer, err := c.log(ctx, pod, "app", q)
		if err != nil {
			return err
		}
		body := &reading{Reader: answer.Body}
		_, err = io.CopyN(io.Discard, body, done)
		if err == nil {
			var n int64
			n, err = io.Copy(out, body)
			done += n
		}
		answer.Body.Close()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case body.failed == nil || attempt == attempts:
			return fmt.Errorf("read what %q prints: %w", c.request.Command[0], err)
		}
	}
}

// lineEnds are those that a terminal has and its log has not.
type lineEnds struct{ io.Writer }

func (l lineEnds) Write(p []byte) (int, error) {
	if _, err := l.Writer.Write(bytes.ReplaceAll(p, []byte("\n"), []byte("\r\n"))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// reading tells a read that failed from a write.
type reading struct {
	io.Reader
	failed error
}

func (r *reading) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && err != io.EOF {
		r.failed = err
	}
	return n, err
}
