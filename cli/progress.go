package cli

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// progress shows on a terminal what is going on: a line that moves once a step
// takes over a second. Without a terminal it shows only what is over.
type progress struct {
	out    io.Writer
	person bool
	style  func(code, text string) string

	mu      sync.Mutex
	step    string
	started time.Time
	drawn   bool
	ticking bool
	stopped chan struct{}
	done    chan struct{}
}

// A step that is over sooner than this is not worth a moving line.
const progressAfter = time.Second

var spinner = [...]string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}

func newProgress(out io.Writer, person bool, style func(code, text string) string) *progress {
	return &progress{out: out, person: person, style: style}
}

// begin names the step that is going on.
func (p *progress) begin(step string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.step, p.started = step, time.Now()
	if !p.person || p.ticking {
		return
	}
	p.ticking, p.stopped, p.done = true, make(chan struct{}), make(chan struct{})
	go p.tick(p.stopped, p.done)
}

// update says how far the step that is going on has come.
func (p *progress) update(step string) {
	p.mu.Lock()
	p.step = step
	p.mu.Unlock()
}

func (p *progress) tick(stopped, done chan struct{}) {
	defer close(done)
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for i := 0; ; i++ {
		select {
		case <-stopped:
			return
		case <-ticker.C:
		}
		p.mu.Lock()
		if elapsed := time.Since(p.started); p.step != "" && elapsed >= progressAfter {
			fmt.Fprintf(p.out, "\r\x1b[K%s %s %s", p.style(cyan, spinner[i%len(spinner)]), p.step, p.style(dim, seconds(elapsed)))
			p.drawn = true
		}
		p.mu.Unlock()
	}
}

// line prints a whole line above the one that moves.
func (p *progress) line(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	fmt.Fprintln(p.out, text)
}

// Write prints the output of a tool above the line that moves.
func (p *progress) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	return p.out.Write(b)
}

// stop ends the moving line and leaves nothing of it on the screen.
func (p *progress) stop() {
	p.mu.Lock()
	p.step = ""
	ticking, stopped, done := p.ticking, p.stopped, p.done
	p.ticking = false
	p.mu.Unlock()
	if ticking {
		close(stopped)
		<-done
	}
	p.mu.Lock()
	p.clear()
	p.mu.Unlock()
}

func (p *progress) clear() {
	if p.drawn {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.drawn = false
	}
}
