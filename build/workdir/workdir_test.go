package workdir

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// firstLine tells when something is written to it.
type firstLine chan string

func (c firstLine) Write(p []byte) (int, error) {
	c <- string(p)
	return len(p), nil
}

func TestLockMakesTheSecondWait(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a/b")
	unlock, err := Lock(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	said := make(firstLine, 1)
	got := make(chan error)
	go func() {
		unlock, err := Lock(t.Context(), dir, said)
		if err == nil {
			unlock()
		}
		got <- err
	}()
	if line := <-said; !strings.Contains(line, "waiting") {
		t.Errorf("said %q", line)
	}
	select {
	case <-got:
		t.Fatal("the second build did not wait")
	default:
	}
	unlock()
	if err := <-got; err != nil {
		t.Error(err)
	}
}

func TestLockEndsWhenCancelled(t *testing.T) {
	dir := t.TempDir()
	unlock, err := Lock(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	said := make(firstLine, 1)
	got := make(chan error)
	go func() {
		_, err := Lock(ctx, dir, said)
		got <- err
	}()
	<-said
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestFreshRemovesWhatWasLeft(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "tmp/go-build1"), 0o755); err != nil {
		t.Fatal(err)
	}
	p, err := Fresh(dir, "tmp")
	if err != nil {
		t.Fatal(err)
	}
	if list, err := os.ReadDir(p); err != nil || len(list) != 0 {
		t.Errorf("got %v, %v", list, err)
	}
}

func TestWriteFileReplacesAsAWhole(t *testing.T) {
	p := filepath.Join(t.TempDir(), "f")
	for _, content := range []string{"long content", "short"} {
		if err := WriteFile(p, []byte(content)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(p); err != nil || string(got) != content {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if err := WriteFile(filepath.Join(p, "below-a-file"), nil); err == nil {
		t.Error("no error")
	}
}
