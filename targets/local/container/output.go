package container

import (
	"strings"
	"sync"
)

// Tail keeps the last lines that an app printed, for the error when it fails. It
// takes writes from several goroutines. The zero value is ready.
type Tail struct {
	mu   sync.Mutex
	kept []byte
}

// tailLines and tailBytes bound what is kept: enough for a stack trace's head.
const (
	tailLines = 40
	tailBytes = 8 << 10
)

func (t *Tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if len(t.kept) > 2*tailBytes {
		t.kept = append([]byte(nil), t.kept[len(t.kept)-tailBytes:]...)
	}
	return len(p), nil
}

// String returns the last lines without the final line break.
func (t *Tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := string(t.kept)
	if len(text) > tailBytes {
		text = text[len(text)-tailBytes:]
		if i := strings.IndexByte(text, '\n'); i >= 0 {
			text = text[i+1:]
		}
	}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) > tailLines {
		lines = lines[len(lines)-tailLines:]
	}
	return strings.Join(lines, "\n")
}
