package targets

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
)

// ExecRequest is a command that runs once beside what a deployment runs now: with the
// same files, environment, secrets, volumes and limits, in an instance of its own.
type ExecRequest struct {
	Key
	// Command has at least one word. A first word that begins with "./" is a file of
	// the app tree.
	Command []string
	Streams
	// Started is called when the command runs, before In is read; nil is allowed.
	Started func()
	// Events receives what happens until then; nil is allowed.
	Events func(Event)
}

// Streams are what a command that runs once reads and writes.
type Streams struct {
	// In is what the command reads, byte for byte to its end; nil is nothing. A read may still wait
	// when the command has ended.
	In io.Reader
	// Out and Err receive what the command prints as it comes, byte for byte; nil discards
	// it. Where the platform has what is printed as a log only, Out receives both, as
	// text. They may be one writer, and are not written to at the same time.
	Out, Err io.Writer
	// Terminal gives the command a terminal, whose keys are In and whose screen is Out;
	// nil gives it none.
	Terminal *Terminal
}

// Terminal is the terminal of a command.
type Terminal struct {
	// Type is its name in terminfo, such as "xterm-256color": the command's TERM.
	Type string
	// Size is its size when the command starts.
	Size TerminalSize
	// Resized delivers each other size that it gets; nil is never.
	Resized <-chan TerminalSize
}

// TerminalSize is the size of a terminal in characters.
type TerminalSize struct {
	Columns uint16 `json:"columns"`
	Rows    uint16 `json:"rows"`
}

// Begin says that the command runs.
func (r ExecRequest) Begin() {
	if r.Started != nil {
		r.Started()
	}
}

// Exec runs a command once, and returns when it has ended: with an *ExitError if it
// failed, or ErrUnsupported where the target has no such operation.
func Exec(ctx context.Context, t Target, r ExecRequest) error {
	if op := t.Info().Operations.Exec; op != nil {
		return op(ctx, r)
	}
	return fmt.Errorf("%s: exec: %w", t.Info().Address(), ErrUnsupported)
}

// ExitError is a command that ended and failed.
type ExitError struct {
	Command []string
	// Code is the exit status, 128 and the signal's number for one that a signal ended.
	Code int
	// Last is the last line that it printed, on standard error if it did there; "" with
	// a terminal.
	Last string
}

func (e *ExitError) Error() string {
	const signalled = 128
	how := fmt.Sprintf("it exited with status %d", e.Code)
	if e.Code > signalled {
		how = fmt.Sprintf("it was ended by signal %d", e.Code-signalled)
	}
	if e.Last != "" {
		how += ": " + e.Last
	}
	return fmt.Sprintf("%q: %s", strings.Join(e.Command, " "), how)
}

// Printed hands on what a command prints, and remembers the last line of it.
type Printed struct {
	mu       sync.Mutex
	out, err printing
}

// NewPrinted hands on to the writers of s.
func NewPrinted(s Streams) *Printed {
	p := new(Printed)
	p.out, p.err = printing{p: p, to: s.Out}, printing{p: p, to: s.Err}
	for _, w := range []*printing{&p.out, &p.err} {
		if w.to == nil {
			w.to = io.Discard
		}
		w.silent = s.Terminal != nil
	}
	return p
}

// Out is for what the command prints. Out and Err may be written to at the same time.
func (p *Printed) Out() io.Writer { return &p.out }

// Err is for the command's standard error.
func (p *Printed) Err() io.Writer { return &p.err }

// Last is the last line that is not empty, of standard error if there is one; "" with a
// terminal, whose lines are not for a message.
func (p *Printed) Last() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if last := p.err.last(); last != "" {
		return last
	}
	return p.out.last()
}

// printing is one stream of a command.
type printing struct {
	p           *Printed
	to          io.Writer
	silent      bool
	whole, part []byte
}

func (w *printing) Write(b []byte) (int, error) {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	w.remember(b)
	return w.to.Write(b)
}

func (w *printing) remember(b []byte) {
	const most = 4 << 10
	if w.silent {
		return
	}
	for _, c := range b {
		switch {
		case c != '\n' && len(w.part) < most:
			w.part = append(w.part, c)
		case c == '\n' && len(w.part) > 0:
			w.whole, w.part = w.part, w.whole[:0]
		}
	}
}

func (w *printing) last() string {
	if len(w.part) > 0 {
		return string(w.part)
	}
	return string(w.whole)
}
