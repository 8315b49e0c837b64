package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLockSaysWhoHoldsItAndWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := acquire(t.Context(), path, func(string) { t.Error("waited for a free lock") })
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan string, 1)
	acquired := make(chan error, 1)
	go func() {
		second, err := acquire(t.Context(), path, func(holder string) { told <- holder })
		if err == nil {
			second()
		}
		acquired <- err
	}()
	if holder := <-told; !strings.Contains(holder, fmt.Sprintf("pid %d", os.Getpid())) {
		t.Errorf("the holder is told as %q", holder)
	}
	select {
	case <-acquired:
		t.Fatal("two hold the lock")
	default:
	}
	unlock()
	if err := <-acquired; err != nil {
		t.Fatal(err)
	}
}

func TestWaitingForALockEndsWithTheContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := acquire(t.Context(), path, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	_, err = acquire(ctx, path, func(string) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
