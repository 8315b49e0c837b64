package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/twofoldhq/twofold/targets"
)

func checkLogs(ctx context.Context, s *suite) {
	req := targets.LogsRequest{Key: s.key(), Out: new(bytes.Buffer)}
	if s.Target.Info().Operations.Logs == nil {
		if err := targets.Logs(ctx, s.Target, req); !errors.Is(err, targets.ErrUnsupported) {
			s.fail("logs is not declared (%s) and returns %v", s.operations(), err)
		}
		return
	}
	st, ok := s.deploy(ctx, s.Releases.One)
	if !ok {
		return
	}
	following, stop := context.WithCancel(ctx)
	defer stop()
	live := &lines{changed: make(chan struct{}, 1)}
	ended := make(chan error, 1)
	go func() {
		ended <- targets.Logs(following, s.Target, targets.LogsRequest{Key: s.key(), Follow: true, Out: live})
	}()
	s.print(ctx, st.URL, "the first line")
	s.follows(ctx, live, "the first line")
	if _, ok := s.deploy(ctx, s.Releases.Two); ok {
		s.print(ctx, st.URL, "a line of the second release")
		s.follows(ctx, live, "a line of the second release")
	}
	stop()
	select {
	case err := <-ended:
		if err != nil {
			s.fail("logs that were followed until the context ended return %w", err)
		}
	case <-time.After(s.settle):
		s.fail("logs go on after the context has ended")
	}

	all := new(bytes.Buffer)
	if err := targets.Logs(ctx, s.Target, targets.LogsRequest{Key: s.key(), Out: all}); err != nil {
		s.fail("logs: %w", err)
	}
	if !hasLine(all.String(), "a line of the second release") {
		s.fail("the log lacks a line that the app printed: %q", all)
	}
	last := new(bytes.Buffer)
	if err := targets.Logs(ctx, s.Target, targets.LogsRequest{Key: s.key(), Tail: 1, Out: last}); err != nil {
		s.fail("logs: %w", err)
	}
	if strings.Count(last.String(), "\n") != 1 || !strings.HasSuffix(all.String(), last.String()) {
		s.fail("the last line of the log is %q", last)
	}
}

func (s *suite) print(ctx context.Context, url, text string) {
	if _, err := get(ctx, s.Client, url+"/print?text="+strings.ReplaceAll(text, " ", "+")); err != nil {
		s.fail("GET /print: %w", err)
	}
}

func (s *suite) follows(ctx context.Context, l *lines, want string) {
	ctx, cancel := context.WithTimeout(ctx, s.settle)
	defer cancel()
	if err := l.wait(ctx, want); err != nil {
		s.fail("logs that are followed: %w", err)
	}
}

// lines collects what is written, for one who waits for a line.
type lines struct {
	changed chan struct{}
	mu      sync.Mutex
	text    bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.changed <- struct{}{}:
	default:
	}
	return l.text.Write(p)
}

// wait waits for a line.
func (l *lines) wait(ctx context.Context, want string) error {
	_, err := l.match(ctx, want, func(line string) bool { return line == want })
	return err
}

// find waits for a whole line that begins with want, and returns it.
func (l *lines) find(ctx context.Context, want string) (string, error) {
	return l.match(ctx, want, func(line string) bool { return strings.HasPrefix(line, want) })
}

func (l *lines) match(ctx context.Context, want string, is func(line string) bool) (string, error) {
	for {
		l.mu.Lock()
		text := l.text.String()
		l.mu.Unlock()
		for line := range strings.Lines(text) {
			if whole, ok := strings.CutSuffix(line, "\n"); ok && is(whole) {
				return whole, nil
			}
		}
		select {
		case <-l.changed:
		case <-ctx.Done():
			return "", fmt.Errorf("%q did not come: %w; so far: %q", want, ctx.Err(), text)
		}
	}
}

func hasLine(text, want string) bool {
	for _, line := range strings.Split(text, "\n") {
		if line == want {
			return true
		}
	}
	return false
}

func checkInvoke(ctx context.Context, s *suite) {
	const event = `{"records":[{"id":1}]}`
	req := targets.InvokeRequest{Key: s.key(), Event: []byte(event)}
	if s.Target.Info().Operations.Invoke == nil {
		if _, err := targets.Invoke(ctx, s.Target, req); !errors.Is(err, targets.ErrUnsupported) {
			s.fail("invoke is not declared (%s) and returns %v", s.operations(), err)
		}
		return
	}
	if _, err := targets.Invoke(ctx, s.Target, req); err == nil {
		s.fail("invoke of what is not deployed returns no error")
	}
	if _, ok := s.deploy(ctx, s.Releases.One); !ok {
		return
	}
	result, err := targets.Invoke(ctx, s.Target, req)
	if err != nil || result.Error != nil {
		s.fail("invoke: %v, error JSON %s", err, result.Error)
		return
	}
	// The app answers an event with the event.
	if !strings.Contains(string(result.Payload), `records`) {
		s.fail("invoke returns %s, and the app answered with the event", result.Payload)
	}
}
