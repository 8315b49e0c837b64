package docker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/moby/moby/client"
)

// silence is how long an engine may say nothing until it counts as gone. A network
// that swallows what is sent reports no error, and every call would wait for ever.
const silence = 20 * time.Second

// goneError ends an operation that cannot go on, in place of the error that its calls
// return then.
type goneError struct{ text string }

func (e *goneError) Error() string { return e.text }

// instead returns why a context was ended in place of the error that came of it, if
// that is a goneError.
func instead(ctx context.Context, err error) error {
	var gone *goneError
	if err != nil && errors.As(context.Cause(ctx), &gone) {
		return gone
	}
	return err
}

// watch returns a context that ends when the engine answers no more.
func (s *session) watch(ctx context.Context) (watched context.Context, stop func()) {
	watched, cancel := context.WithCancelCause(ctx)
	go func() {
		for {
			select {
			case <-time.After(s.target.silence / 4):
			case <-watched.Done():
				return
			}
			if err := s.answers(watched, s.target.silence); err != nil {
				cancel(&goneError{fmt.Sprintf("%s has not answered for %s: %v; what served there goes on serving, and the next deploy goes on from here: see whether %s answers", s.where(), s.target.silence, err, s.dockerCommand("version"))})
			}
		}
	}()
	return watched, func() { cancel(nil) }
}

// answers returns nil as soon as the engine says that it is there.
func (s *session) answers(ctx context.Context, limit time.Duration) error {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		_, err := s.Ping(limited, client.PingOptions{})
		if err == nil {
			return nil
		}
		select {
		case <-time.After(pause):
		case <-limited.Done():
			return err
		}
	}
}

// quick bounds what the engine does at once.
const quick = 30 * time.Second

// lasting is for what must be done though the operation was cancelled. It ends early
// when it was, and the engine is not there: whoever cancels need not wait for that.
func (s *session) lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	lasting, cancel := context.WithTimeout(context.WithoutCancel(ctx), quick)
	stop := context.AfterFunc(ctx, func() {
		if s.answers(lasting, s.target.silence/4) != nil {
			cancel()
		}
	})
	return lasting, func() {
		stop()
		cancel()
	}
}

// where is the engine's machine in words.
func (s *session) where() string {
	if s.target.settings.host == "" {
		return "the engine"
	}
	return "the engine at " + s.target.settings.host
}

// dockerCommand is a command of docker's at the engine, to be pasted.
func (s *session) dockerCommand(command string) string {
	at := s.target.settings
	text := "docker " + command
	if at.host != "" {
		text = "docker --host " + at.host + " " + command
	}
	if at.certificates != "" {
		text = "DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=" + at.certificates + " " + text
	}
	return text
}
