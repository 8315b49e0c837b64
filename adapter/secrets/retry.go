package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/url"
	"time"
)

const (
	// attemptTimeout bounds one request: a connection that hangs is given up early
	// enough for another.
	attemptTimeout = 3 * time.Second
	firstPause     = 50 * time.Millisecond
	longestPause   = time.Second
)

// temporary is an error that the next attempt may not meet.
type temporary struct{ error }

// retry calls attempt until it succeeds, fails for good, or the time is over. The
// last error is returned then, not the deadline, for it says more: also where the
// deadline cut an attempt short.
func retry(ctx context.Context, attempt func(context.Context) error) error {
	var before error
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		one, cancel := context.WithTimeout(ctx, attemptTimeout)
		err := attempt(one)
		cancel()
		var again temporary
		if !errors.As(err, &again) {
			return err
		}
		if before == nil || ctx.Err() == nil {
			before = again.error
		}
		t := time.NewTimer(pause/2 + rand.N(pause/2))
		select {
		case <-ctx.Done():
			t.Stop()
			return before
		case <-t.C:
		}
	}
}

// reason is why a request failed, without its address.
func reason(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("no answer in time")
	}
	return err
}
