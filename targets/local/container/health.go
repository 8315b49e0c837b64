package container

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/twofoldhq/twofold/targets"
)

// waitReady returns nil when the health path of an instance answers with 2xx, and
// a *targets.NotHealthyError when it ends or does not answer so within the limit.
// An empty path means that accepting a connection is enough.
func waitReady(ctx context.Context, i Instance, path string, limit time.Duration, output *Tail) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errTooLate)
	defer cancel()
	probe := prober(i.Address(), path)
	// An app in a compiled language is up after a few milliseconds, and whoever
	// deploys waits for it; a slow one is not to be flooded.
	pause := time.Millisecond
	last := "it does not listen on $PORT"
	for {
		answer, ok := probe(ctx)
		if ok {
			return nil
		}
		if answer != "" {
			last = answer
		}
		select {
		case <-i.Done():
			return &targets.NotHealthyError{Reason: i.Exit(), Output: output.String()}
		case <-ctx.Done():
			if context.Cause(ctx) != errTooLate {
				return ctx.Err()
			}
			reason := fmt.Sprintf("after %s, %s", limit, last)
			return &targets.NotHealthyError{Reason: reason, Output: output.String()}
		case <-time.After(pause):
		}
		pause = min(pause*3/2, 50*time.Millisecond)
	}
}

var errTooLate = fmt.Errorf("the time to get ready is over")

// prober returns a function that asks once. Its first result is what the app
// answered, for the error, or "" if it does not listen yet.
func prober(address, path string) func(context.Context) (answer string, ok bool) {
	if path == "" {
		return func(ctx context.Context) (string, bool) {
			conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
			if err != nil {
				return "", false
			}
			conn.Close()
			return "", true
		}
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true, Proxy: nil},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       5 * time.Second,
	}
	return func(ctx context.Context) (string, bool) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
		if err != nil {
			return fmt.Sprintf("its health path %q is not a path", path), false
		}
		req.Header.Set("User-Agent", "twofold-health")
		resp, err := client.Do(req)
		if err != nil {
			return "", false
		}
		io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
		resp.Body.Close()
		if resp.StatusCode/100 == 2 {
			return "", true
		}
		return fmt.Sprintf("GET %s still answers %d, and 2xx means ready", path, resp.StatusCode), false
	}
}
