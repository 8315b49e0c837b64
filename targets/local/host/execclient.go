package host

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/twofoldhq/twofold/targets"
)

// Exec runs a command once in what is deployed, and returns when it has ended. It ends
// with the context, and with this process.
func (c Client) Exec(ctx context.Context, target string, r targets.ExecRequest) error {
	if record, err := c.Record(r.Key, target); err == nil && record == nil {
		return fail("exec in", r.Key, errors.New("it is not deployed; run `twofold deploy` first"))
	}
	err := c.withHost(ctx, false, func(conn connection) error { return conn.exec(ctx, target, r) })
	var exit *targets.ExitError
	if errors.As(err, &exit) {
		exit.Command = r.Command
		return exit
	}
	if err != nil {
		return fail("exec in", r.Key, err)
	}
	return nil
}

func (c connection) exec(ctx context.Context, target string, r targets.ExecRequest) error {
	ctx, failed := context.WithCancelCause(ctx)
	defer failed(nil)
	req := execRequest{keyRequest: keyRequest{r.Key, target}, Command: r.Command, ID: rand.Text(), Input: r.In != nil, Pid: os.Getpid()}
	if r.Terminal != nil {
		req.Term, req.Size = r.Terminal.Type, &r.Terminal.Size
	}
	show := func(out io.Writer, p []byte) {
		if out == nil {
			return
		}
		if _, err := out.Write(p); err != nil {
			failed(fmt.Errorf("write what the command printed: %w", err))
		}
	}
	err := c.stream(ctx, "/exec", req, func(m message) bool {
		switch {
		case m.Event != nil && r.Events != nil:
			r.Events(*m.Event)
		case m.Started:
			r.Begin()
			go c.carry(ctx, req.ID, r.Streams)
		case m.Output != nil:
			show(r.Out, m.Output)
		case m.Errors != nil:
			show(r.Err, m.Errors)
		}
		return m.Ended
	})
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// carry sends what a command reads, and the sizes of its terminal, until the context
// ends. What fails does because the command, or the supervisor, has ended: its own
// request says that.
func (c connection) carry(ctx context.Context, id string, s targets.Streams) {
	if s.In != nil {
		go func() {
			// The body is not to be closed: it is the caller's.
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://host/exec/input?id="+url.QueryEscape(id), io.NopCloser(s.In))
			if err != nil {
				return
			}
			if answer, err := c.http.Do(req); err == nil {
				answer.Body.Close()
			}
		}()
	}
	if s.Terminal == nil {
		return
	}
	for {
		select {
		case size := <-s.Terminal.Resized:
			_ = c.call(ctx, "/exec/size", sizeRequest{id, size}, nil)
		case <-ctx.Done():
			return
		}
	}
}
