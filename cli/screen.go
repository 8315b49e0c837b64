package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/term"

	"github.com/twofoldhq/twofold/targets"
)

// screen is the user's terminal while a command of a deployment has it: each key goes
// to the command, also those that end a program, and what the command prints is drawn
// as it comes.
type screen struct {
	in, out *os.File
	mu      sync.Mutex
	before  *term.State // nil while it is not lent
}

// personAt returns the terminal that a person types on and looks at, or nil if standard
// input or output is none.
func (t *terminal) personAt() *screen {
	in, isIn := t.in.(*os.File)
	out, isOut := t.out.(*os.File)
	if !isIn || !isOut || !term.IsTerminal(int(in.Fd())) || !term.IsTerminal(int(out.Fd())) {
		return nil
	}
	return &screen{in: in, out: out}
}

// terminal is what a command gets of it until the context ends.
func (s *screen) terminal(ctx context.Context) (*targets.Terminal, error) {
	size, err := s.measure()
	if err != nil {
		return nil, fmt.Errorf("find the size of the terminal: %w", err)
	}
	resized := make(chan targets.TerminalSize)
	go s.watch(ctx, size, resized)
	return &targets.Terminal{Type: os.Getenv("TERM"), Size: size, Resized: resized}, nil
}

// lend hands the keys to the command that has started, until restore or the end of the
// context. Before it, Ctrl-C still ends the wait for the command.
func (s *screen) lend(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	before, err := term.MakeRaw(int(s.in.Fd()))
	if err != nil {
		return fmt.Errorf("hand the terminal to the command: %w", err)
	}
	s.before = before
	// A second signal may end this program before it is done.
	context.AfterFunc(ctx, s.restore)
	return nil
}

// restore makes the terminal what it was before lend.
func (s *screen) restore() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.before != nil {
		_ = term.Restore(int(s.in.Fd()), s.before)
		s.before = nil
	}
}

func (s *screen) measure() (targets.TerminalSize, error) {
	columns, rows, err := term.GetSize(int(s.out.Fd()))
	return targets.TerminalSize{Columns: uint16(columns), Rows: uint16(rows)}, err
}

// watch delivers the sizes that differ from the one before.
func (s *screen) watch(ctx context.Context, last targets.TerminalSize, resized chan<- targets.TerminalSize) {
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGWINCH)
	defer signal.Stop(changed)
	for {
		size, err := s.measure()
		if err == nil && size != last {
			select {
			case resized <- size:
				last = size
			case <-changed:
				continue
			case <-ctx.Done():
				return
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}
