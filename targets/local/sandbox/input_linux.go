package sandbox

import (
	"io"
	"os"

	"github.com/creack/pty"
)

// terminal is a pseudo-terminal: what is written to our end are keys, and what is read
// from it is drawn on the screen. Their end is the app's standard input and output.
type terminal struct{ ours, theirs *os.File }

func newTerminal(s Size) (*terminal, error) {
	ours, theirs, err := pty.Open()
	if err != nil {
		return nil, err
	}
	t := &terminal{ours, theirs}
	if err := t.resize(s); err != nil {
		ours.Close()
		theirs.Close()
		return nil, err
	}
	return t, nil
}

func (t *terminal) resize(s Size) error {
	return pty.Setsize(t.ours, &pty.Winsize{Rows: s.Rows, Cols: s.Columns})
}

// input carries what a Spec's app reads.
type input struct {
	from io.Reader
	// read is the app's end; nil with a terminal, and to is ours.
	read, to *os.File
}

// newInput returns nil if the app reads nothing.
func newInput(from io.Reader, t *terminal) (*input, error) {
	switch {
	case from == nil:
		return nil, nil
	case t != nil:
		return &input{from: from, to: t.ours}, nil
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	return &input{from, read, write}, nil
}

// copy writes all input and its end, until the app has ended.
func (i *input) copy() {
	_, err := io.Copy(i.to, i.from)
	// Input that failed half way must not look as if it were whole, and a terminal has
	// no end: who hangs up ends the app.
	if err == nil && i.read != nil {
		i.to.Close()
	}
}

// closeReader closes this process's copy of the app's end.
func (i *input) closeReader() {
	if i != nil && i.read != nil {
		i.read.Close()
	}
}

// close ends a copy that writes.
func (i *input) close() {
	if i != nil {
		i.to.Close()
	}
}
