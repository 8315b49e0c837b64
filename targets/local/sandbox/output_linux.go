package sandbox

import (
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// outputs are the pipes between the app and the writers of a Spec.
type outputs struct {
	stdout, stderr *output // the same if both go to one writer; nil if discarded
	running        sync.WaitGroup
}

type output struct {
	read, write *os.File
	to          io.Writer
}

func newOutputs(stdout, stderr io.Writer) (*outputs, error) {
	o := &outputs{}
	var err error
	if o.stdout, err = newOutput(stdout); err != nil {
		return nil, err
	}
	if stdout != nil && sameWriter(stdout, stderr) {
		o.stderr = o.stdout
		return o, nil
	}
	if o.stderr, err = newOutput(stderr); err != nil {
		o.stdout.close()
		return nil, err
	}
	return o, nil
}

// sameWriter tells whether two writers are one. Uncomparable ones are two.
func sameWriter(a, b io.Writer) (same bool) {
	defer func() { _ = recover() }()
	return a == b
}

func newOutput(to io.Writer) (*output, error) {
	if to == nil {
		return nil, nil
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	return &output{read: read, write: write, to: to}, nil
}

func (o *output) close() {
	if o != nil {
		o.read.Close()
		o.write.Close()
	}
}

// each calls f for each pipe once.
func (o *outputs) each(f func(*output)) {
	if o == nil {
		return
	}
	if o.stdout != nil {
		f(o.stdout)
	}
	if o.stderr != nil && o.stderr != o.stdout {
		f(o.stderr)
	}
}

// newScreen is what a terminal shows, as the one output. It owns both ends.
func newScreen(t *terminal, stdout io.Writer) *outputs {
	o := &output{read: t.ours, write: t.theirs, to: stdout}
	return &outputs{stdout: o, stderr: o}
}

// assign puts the write ends into the places 1 and 2 of the app's files.
func (o *outputs) assign(files []*os.File) {
	if o.stdout != nil {
		files[1] = o.stdout.write
	}
	if o.stderr != nil {
		files[2] = o.stderr.write
	}
}

// closeWriters closes this process's copies of the app's ends.
func (o *outputs) closeWriters() { o.each(func(p *output) { p.write.Close() }) }

// copy begins to copy, until the pipes end or drain is called.
func (o *outputs) copy() { o.each(func(p *output) { o.running.Go(p.copy) }) }

// drain writes what is left in the pipes and closes them. The app has ended. A
// process that still holds a pipe, because it left the tree, does not delay it.
func (o *outputs) drain() {
	o.each(func(p *output) { _ = p.read.SetReadDeadline(time.Unix(1, 0)) })
	if o != nil {
		o.running.Wait()
	}
	o.each(func(p *output) { p.read.Close() })
}

func (p *output) copy() {
	buffer := make([]byte, 32<<10)
	for {
		n, err := p.read.Read(buffer)
		p.put(buffer[:n])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			p.rest(buffer)
			return
		}
		if err != nil {
			return
		}
	}
}

// rest copies what the pipe holds, without waiting for more.
func (p *output) rest(buffer []byte) {
	_ = p.read.SetReadDeadline(time.Time{})
	raw, err := p.read.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Read(func(fd uintptr) bool {
		for {
			n, err := syscall.Read(int(fd), buffer)
			if err == syscall.EINTR {
				continue
			}
			if n <= 0 {
				return true
			}
			p.put(buffer[:n])
		}
	})
}

// put writes to the writer until the writer fails. After that the output is
// discarded, so that the app is not held back by a full pipe.
func (p *output) put(data []byte) {
	if p.to == nil || len(data) == 0 {
		return
	}
	if _, err := p.to.Write(data); err != nil {
		p.to = nil
	}
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
