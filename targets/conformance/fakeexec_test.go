package conformance

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/twofoldhq/twofold/targets"
)

// execFaults are the ways in which a fake breaks the contract of exec.
type execFaults struct {
	undeclared      bool // no fault
	oneStream       bool // the platform does not keep the two apart: no fault
	readsNothing    bool // the command finds no input
	neverEnds       bool // the input, for the command
	linesOnly       bool // what is printed is carried over by lines
	statusOne       bool // for any failure
	runsOn          bool // a command that was cancelled
	noTerminal      bool // the command gets none
	keepsTheOldSize bool // of the terminal
	execsAnything   bool // also in what is not deployed
}

// exec plays the commands of the suite's app.
func (f *fake) exec(ctx context.Context, r targets.ExecRequest) error {
	faults := f.faults.exec
	f.mu.Lock()
	d := f.deployments[r.Key]
	f.mu.Unlock()
	if d == nil && !faults.execsAnything {
		return errors.New("not deployed")
	}
	if d == nil {
		d = new(fakeDeployment)
	}
	r.Begin()
	printed := targets.NewPrinted(r.Streams)
	errs := printed.Err()
	if faults.oneStream {
		errs = printed.Out()
	}
	code := 0
	switch r.Command[1] {
	case "show":
		fmt.Fprintln(printed.Out(), "app one shows", d.env[r.Command[2]])
	case "fail":
		fmt.Fprintln(printed.Out(), "app fails")
		code = 3
	case "copy":
		if err := f.copies(ctx, r, printed.Out(), errs); err != nil {
			return err
		}
	case "screen":
		f.screen(ctx, r, printed.Out())
		code = 4
	}
	if faults.statusOne {
		code = min(code, 1)
	}
	if code != 0 {
		return &targets.ExitError{Command: r.Command, Code: code, Last: printed.Last()}
	}
	return nil
}

func (f *fake) copies(ctx context.Context, r targets.ExecRequest, out, errs io.Writer) error {
	faults := f.faults.exec
	fmt.Fprintln(out, "app copies")
	if faults.runsOn {
		ctx = context.Background()
	}
	if faults.readsNothing {
		r.In = new(bytes.Buffer)
	}
	copied := make(chan []byte, 1)
	go func() {
		all, _ := io.ReadAll(r.In)
		if !faults.neverEnds {
			copied <- all
		}
	}()
	select {
	case all := <-copied:
		if faults.linesOnly {
			all = append(all, '\n')
		}
		out.Write(all)
		fmt.Fprintln(errs, "app copied", len(all))
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Second):
		return errors.New("no end of the input")
	}
}

func (f *fake) screen(ctx context.Context, r targets.ExecRequest, out io.Writer) {
	faults := f.faults.exec
	size := r.Terminal.Size
	if faults.noTerminal {
		size = targets.TerminalSize{}
	}
	fmt.Fprintf(out, "app sees %d x %d <nil>\r\n", size.Columns, size.Rows)
	words := make(chan string)
	go func() {
		for in := bufio.NewScanner(r.In); in.Scan(); {
			words <- in.Text()
		}
	}()
	for {
		select {
		case word := <-words:
			if word == "end" {
				return
			}
			fmt.Fprintf(out, "app reads %s on a %s\r\n", word, r.Terminal.Type)
		case next := <-r.Terminal.Resized:
			if !faults.keepsTheOldSize {
				size = next
			}
			fmt.Fprintf(out, "app sees %d x %d <nil>\r\n", size.Columns, size.Rows)
		case <-ctx.Done():
			return
		}
	}
}
