package conformance

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	"github.com/twofoldhq/twofold/targets"
)

// checkExec runs commands beside the first release, which serves.
func checkExec(ctx context.Context, s *suite) {
	out := new(bytes.Buffer)
	req := targets.ExecRequest{Key: s.key(), Command: []string{"./server", "show", "APP_GREETING"}}
	req.Out, req.Err = out, out
	err := targets.Exec(ctx, s.Target, req)
	if s.Target.Info().Operations.Exec == nil {
		if !errors.Is(err, targets.ErrUnsupported) {
			s.fail("exec is not declared (%s) and returns %v", s.operations(), err)
		}
		return
	}
	if err != nil || !hasLine(out.String(), "app one shows hello") {
		s.fail("exec prints %q (%v), want the version that serves and a variable of the deployment", out, err)
	}
	req.Command = []string{"./server", "fail"}
	var exit *targets.ExitError
	if err := targets.Exec(ctx, s.Target, req); !errors.As(err, &exit) || exit.Code != 3 || exit.Last != "app fails" {
		s.fail("the error of an exec that exits with status 3 is %v, want its status and its last line", err)
	}
	s.execCopies(ctx, req)
	s.execOnTerminal(ctx, req)
	s.execCancelled(ctx, req)
	req.Service, req.Command = req.Service+"x", []string{"./server", "show", "APP_GREETING"}
	if err := targets.Exec(ctx, s.Target, req); err == nil {
		s.fail("exec in what is not deployed returns no error")
	}
}

// execLimit is how many times as long a command may take as what is to happen soon: an
// instance is made for it.
const execLimit = 4

// execCopies sends bytes of all values through a command.
func (s *suite) execCopies(ctx context.Context, req targets.ExecRequest) {
	const size = 300 << 10
	sent := make([]byte, size)
	for n := range sent {
		sent[n] = byte(n * n >> 3)
	}
	out, errs := new(bytes.Buffer), new(bytes.Buffer)
	req.Command = []string{"./server", "copy"}
	req.In, req.Out, req.Err = bytes.NewReader(sent), out, errs
	if err := targets.Exec(ctx, s.Target, req); err != nil {
		s.fail("exec with input: %w", err)
	}
	const before, after = "app copies\n", "app copied 307200\n"
	got := out.Bytes()
	if errs.Len() == 0 { // the platform does not keep the two apart
		got = bytes.Replace(got, []byte(after), nil, 1)
		errs.WriteString(after)
	}
	if whole := append([]byte(before), sent...); !bytes.Equal(got, whole) || errs.String() != after {
		s.fail("a command that copies its input of %d bytes prints %d on standard output, and %q on standard error", size, len(got), errs)
	}
}

// execOnTerminal is a person at a terminal, who types, makes the window larger, and
// ends the command.
func (s *suite) execOnTerminal(ctx context.Context, req targets.ExecRequest) {
	ctx, cancel := context.WithTimeout(ctx, execLimit*s.settle)
	defer cancel()
	in, keys := io.Pipe()
	defer keys.Close()
	shown := &lines{changed: make(chan struct{}, 1)}
	resized := make(chan targets.TerminalSize)
	req.Command = []string{"./server", "screen"}
	req.In, req.Out, req.Err = in, shown, nil
	req.Terminal = &targets.Terminal{Type: "xterm-256color", Size: targets.TerminalSize{Columns: 91, Rows: 33}, Resized: resized}
	begun, ended := make(chan struct{}), make(chan error, 1)
	req.Started = func() { close(begun) }
	go func() { ended <- targets.Exec(ctx, s.Target, req) }()
	show := func(want string) bool {
		_, err := shown.match(ctx, want, func(line string) bool { return strings.TrimSuffix(line, "\r") == want })
		if err != nil {
			s.fail("a command with a terminal: %w", err)
		}
		return err == nil
	}
	select {
	case <-begun:
	case err := <-ended:
		s.fail("exec with a terminal: %v", err)
		return
	}
	if !show("app sees 91 x 33 <nil>") {
		return
	}
	go io.WriteString(keys, "a word\n")
	if !show("app reads a word on a xterm-256color") {
		return
	}
	select {
	case resized <- targets.TerminalSize{Columns: 100, Rows: 40}:
	case <-ctx.Done():
		s.fail("exec takes no new size of the terminal")
		return
	}
	if !show("app sees 100 x 40 <nil>") {
		return
	}
	go io.WriteString(keys, "end\n")
	var exit *targets.ExitError
	if err := <-ended; !errors.As(err, &exit) || exit.Code != 4 || exit.Last != "" {
		s.fail("the error of a command with a terminal that exits with status 4 is %v", err)
	}
}

// execCancelled ends a command that waits for input which does not come.
func (s *suite) execCancelled(ctx context.Context, req targets.ExecRequest) {
	soon, stop := context.WithTimeout(ctx, execLimit*s.settle)
	defer stop()
	running, cancel := context.WithCancel(soon)
	defer cancel()
	in, keys := io.Pipe()
	defer keys.Close()
	live := &lines{changed: make(chan struct{}, 1)}
	req.Command = []string{"./server", "copy"}
	req.In, req.Out, req.Err = in, live, live
	ended := make(chan error, 1)
	go func() { ended <- targets.Exec(running, s.Target, req) }()
	if _, err := live.find(soon, "app copies"); err != nil {
		s.fail("the output of a command that waits for input: %w", err)
	}
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			s.fail("the error of an exec that was cancelled is no context.Canceled: %v", err)
		}
	case <-soon.Done():
		s.fail("a command goes on after the context of its exec has ended")
	}
}
