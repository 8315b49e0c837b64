package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/twofoldhq/twofold/targets"
)

// execs is a target whose commands copy what they read.
type execs struct {
	targets.Target
	end error
}

func (e execs) Info() targets.Info {
	return targets.Info{Plugin: "test", Name: "execs", Operations: targets.Operations{Exec: e.exec}}
}

func (e execs) exec(ctx context.Context, r targets.ExecRequest) error {
	r.Begin()
	if _, err := io.Copy(r.Out, r.In); err != nil {
		<-ctx.Done()
		return ctx.Err()
	}
	return e.end
}

func TestTheEndOfACommandIsThatOfTwofold(t *testing.T) {
	lost := errors.New("the disk is gone")
	for _, c := range []struct {
		name string
		in   io.Reader
		out  io.Writer
		end  error
		code int
		says string
	}{
		{name: "it succeeds", in: strings.NewReader("all of it"), out: new(bytes.Buffer)},
		{name: "it fails", in: strings.NewReader(""), out: new(bytes.Buffer), end: &targets.ExitError{Command: []string{"app"}, Code: 7, Last: "why"}, code: 7, says: "status 7: why"},
		{name: "its input breaks off", in: io.MultiReader(strings.NewReader("half"), iotest.ErrReader(lost)), out: new(bytes.Buffer), code: 1, says: "read standard input: the disk is gone"},
		{name: "nobody reads its output", in: strings.NewReader("much"), out: failing{syscall.EPIPE}, code: 141},
		{name: "its output has no room", in: strings.NewReader("much"), out: failing{syscall.ENOSPC}, code: 1, says: "write what the command prints"},
		{name: "the connection to the target breaks", in: strings.NewReader(""), out: new(bytes.Buffer), end: syscall.EPIPE, code: 1, says: "broken pipe"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var said bytes.Buffer
			terminal := newTerminal(Streams{In: c.in, Out: c.out, Err: &said})
			err := (&commands{terminal}).execOn(t.Context(), execs{end: c.end}, targets.Status{}, []string{"app"}, true)
			if code := terminal.report(err); code != c.code || !strings.Contains(said.String(), c.says) || c.says == "" && said.Len() > 0 {
				t.Errorf("exit code %d and %q, want %d and %q", code, &said, c.code, c.says)
			}
			if copied, ok := c.out.(*bytes.Buffer); ok && c.name == "it succeeds" && copied.String() != "all of it" {
				t.Errorf("it printed %q", copied)
			}
		})
	}
}

// failing is an output that takes nothing.
type failing struct{ error }

func (f failing) Write([]byte) (int, error) { return 0, f.error }
