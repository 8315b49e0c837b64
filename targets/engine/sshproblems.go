package engine

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// explain says why a connection to the engine fails, in the words of what fails: it
// makes one more, which has nothing to say to the engine.
func (l *login) explain(ctx context.Context, err error) error {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ssh", l.arguments(nil, dialCommand...)...)
	cmd.WaitDelay = time.Second
	if _, runErr := cmd.Output(); runErr != nil && ctx.Err() == nil {
		return l.problem(runErr)
	}
	return err
}

// problem is the error of a run of ssh whose standard error was kept.
func (l *login) problem(err error) error {
	var ended *exec.ExitError
	if !errors.As(err, &ended) {
		return fmt.Errorf("run ssh: %w", err)
	}
	return l.failure(ended.ExitCode(), string(ended.Stderr))
}

// Exit statuses: of ssh when it is ssh that fails, else that of the host's shell, which
// has one for a command that it does not find (ssh(1), and POSIX, 2.8.2 Exit Status for
// Commands).
const (
	statusSSH      = 255
	statusNotFound = 127
)

// failure is the error of a run of ssh that ended with a status and said something, of
// which the last line is the reason.
func (l *login) failure(status int, said string) error {
	lines := strings.Split(strings.TrimSpace(said), "\n")
	reason := strings.TrimRight(lines[len(lines)-1], ". \r")
	if status == statusSSH {
		return fmt.Errorf("log in with ssh: %s: %s", reason, l.loginFix(said))
	}
	return fmt.Errorf("run docker on the host: %s: %s", reason, l.hostFix(status, said))
}

func (l *login) loginFix(said string) string {
	switch {
	case strings.Contains(said, "IDENTIFICATION HAS CHANGED"):
		return "the host has another key than the one in known_hosts: if it was made anew, remove the old key, which " + l.try() + " names; else somebody stands in between"
	case strings.Contains(said, "Host key verification failed"):
		return "this machine does not know the host's key: run " + l.try() + " once and compare the fingerprint; in CI, add the line for the host to ~/.ssh/known_hosts"
	case strings.Contains(said, "Permission denied"):
		return "the host takes no key that ssh offers for this user: add the right one with ssh-add, or name it by IdentityFile in ~/.ssh/config; ssh-copy-id lets a key in"
	}
	return "correct host, or the ~/.ssh/config of this machine, until " + l.try() + " works"
}

func (l *login) hostFix(status int, said string) string {
	switch {
	case status == statusNotFound:
		return "install the docker command there, on the PATH of commands that ssh runs"
	case strings.Contains(said, "permission denied"):
		return "let this user talk to the engine: sudo usermod -aG docker USER on the host"
	case strings.Contains(said, "no such file"), strings.Contains(said, "connection refused"):
		return "start the engine there: sudo systemctl start docker on the host"
	}
	return "correct the host until " + strings.TrimSuffix(l.try(), "true") + "docker version works"
}

// try is the command that shows whether ssh lets this user in.
func (l *login) try() string {
	words := []string{"ssh"}
	if l.spec.Port != "" {
		words = append(words, "-p", l.spec.Port)
	}
	host := l.spec.Host
	if l.spec.User != "" {
		host = l.spec.User + "@" + host
	}
	return strings.Join(append(words, host, "true"), " ")
}
