package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/twofoldhq/twofold/targets"
)

func (c *commands) exec() *cli.Command {
	return command(&cli.Command{
		Name:      "exec",
		Usage:     "run a command once in what a deployment runs",
		ArgsUsage: "SERVICE -- COMMAND [ARGUMENT...]",
		Description: "The command gets an instance of its own, with the release that is deployed and its environment, secrets and\n" +
			"volumes. It reads standard input, what it prints is printed, and its exit status is that of twofold. Where standard\n" +
			"input and output are a terminal, it gets one too.",
		Flags: flags(manifestFlags(), toFlag(),
			&cli.BoolFlag{Name: "no-tty", Usage: "give the command no terminal"}),
		Action: func(x *cli.Context) error {
			words := x.Args().Slice()
			if at := slices.Index(words, "--"); at != 1 || len(words) == 2 {
				return usageError("name the service, and after -- the command", "twofold exec SERVICE -- COMMAND")
			}
			p, err := c.loadNames(x)
			if err != nil {
				return err
			}
			target, s, err := c.findDeployment(x.Context, p.Manifest, x.StringSlice("to"), targets.Key{Project: p.Project, Service: words[0], Environment: p.Environment})
			if err != nil {
				return err
			}
			return c.execOn(x.Context, target, s, words[2:], !x.Bool("no-tty"))
		},
	})
}

func (c *commands) execOn(ctx context.Context, target targets.Target, s targets.Status, words []string, tty bool) error {
	if target.Info().Operations.Exec == nil {
		return targets.Exec(ctx, target, targets.ExecRequest{})
	}
	// A terminal that is closed, and a reader of our output that ends, end the command
	// where it runs as well.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP)
	defer stop()
	broken := make(chan os.Signal, 1) // It is the write that tells us.
	signal.Notify(broken, syscall.SIGPIPE)
	defer signal.Stop(broken)
	ctx, failed := context.WithCancelCause(ctx)
	defer failed(nil)
	r := targets.ExecRequest{Key: s.Key, Command: words, Events: c.events(s.Service, s.Target)}
	r.Streams = targets.Streams{In: input{c.in, failed}, Out: output{c.out, failed}, Err: output{c.err, failed}}
	r.Started = c.progress.stop
	if person := c.personAt(); tty && person != nil {
		terminal, err := person.terminal(ctx)
		if err != nil {
			return err
		}
		r.Terminal = terminal
		r.Started = func() {
			c.progress.stop()
			if err := person.lend(ctx); err != nil {
				failed(&streamError{err})
			}
		}
		defer person.restore()
	}
	c.progress.begin(s.Service + " exec on " + s.Target)
	return c.ended(ctx, r, targets.Exec(ctx, target, r))
}

// ended makes of a command's end that of twofold.
func (c *commands) ended(ctx context.Context, r targets.ExecRequest, err error) error {
	var exit *targets.ExitError
	var stream *streamError
	switch {
	case errors.As(err, &exit):
		if r.Terminal == nil {
			c.fail(err.Error())
		}
		return exitCode(exit.Code)
	case err != nil && errors.As(context.Cause(ctx), &stream):
		if errors.Is(stream.error, syscall.EPIPE) {
			return exitCode(brokenPipe) // Whoever read our output has read enough.
		}
		return stream
	}
	return err
}

// brokenPipe is the status of a program that SIGPIPE ends.
const brokenPipe = 128 + 13

// streamError is why a command was ended: its input, its output or its terminal failed.
type streamError struct{ error }

// input is standard input for a command. A read that fails ends the command: it must not
// take half of its input for the whole.
type input struct {
	io.Reader
	failed context.CancelCauseFunc
}

func (i input) Read(p []byte) (int, error) {
	n, err := i.Reader.Read(p)
	if err != nil && err != io.EOF {
		i.failed(&streamError{fmt.Errorf("read standard input: %w", err)})
	}
	return n, err
}

// output is standard output or error for a command. A write that fails ends the command:
// nobody would see the rest.
type output struct {
	io.Writer
	failed context.CancelCauseFunc
}

func (o output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if err != nil {
		o.failed(&streamError{fmt.Errorf("write what the command prints: %w", err)})
	}
	return n, err
}
