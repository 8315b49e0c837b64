//go:build linux

package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// secretsProgram is the file beside twofold.json that reads secrets. It is in the
	// bundles of services that declare some.
	secretsProgram = "twofold-secrets"
	// maxSecrets bounds what is read of its answer. What does not fit into the
	// environment of a process is far less.
	maxSecrets = 8 << 20
	// maxSecretsError bounds its sentences.
	maxSecretsError = 4 << 10
	// longestRefresh is how long reading the values again may keep the next event
	// waiting, and shortestRefresh the time below which it is not begun.
	longestRefresh  = 5 * time.Second
	shortestRefresh = time.Second
	// restartGrace is how long the app has to stop before it is started with new
	// values.
	restartGrace = 2 * time.Second
)

// secretValues are the values of the function's secrets, as the app has them.
type secretValues struct {
	// text is what the program wrote, read is when, in nanoseconds since 1970.
	text []byte
	read atomic.Int64
	// env is the app's environment without them.
	env []string
}

// readSecrets reads the values before the app starts, and lays them over its
// environment. Nothing happens in a function without secrets.
func (v *secretValues) readSecrets(s *settings, deadline time.Time) *failure {
	if !s.secrets {
		return nil
	}
	v.env = s.env
	text, f := runSecretsProgram(s, v.env, deadline)
	if f == nil {
		f = v.take(s, text)
	}
	return f
}

// take makes text the values that the app is started with from now on.
func (v *secretValues) take(s *settings, text []byte) *failure {
	values, err := variables(text)
	if err != nil || isNull(text) {
		return notRead("its answer is not the JSON it should be")
	}
	v.text = text
	v.read.Store(time.Now().UnixNano())
	s.env = overlay(v.env, values)
	return nil
}

func overlay(env []string, values []variable) []string {
	own := make(map[string]bool, len(values))
	for _, one := range values {
		own[one.name] = true
	}
	all := make([]string, 0, len(env)+len(values))
	for _, line := range env {
		if name, _, _ := strings.Cut(line, "="); !own[name] {
			all = append(all, line)
		}
	}
	for _, one := range values {
		all = append(all, one.name+"="+one.value)
	}
	return all
}

// old reports whether it is time to read the values again.
func (v *secretValues) old(s *settings) bool {
	return s.secrets && s.secretsRefresh != 0 && time.Since(time.Unix(0, v.read.Load())) >= s.secretsRefresh
}

// expire makes the values old.
func (v *secretValues) expire() { v.read.Store(0) }

// refresh reads the values again when they are old enough, and restarts the app if
// one has changed. If they cannot be read, the old ones are good until the next
// time. The deadline is that of the invocation that has just been answered: no event
// waits, and the platform does not freeze the environment before it.
func (v *secretValues) refresh(a *app, deadline time.Time) {
	s := a.settings
	if !v.old(s) {
		return
	}
	until := time.Now().Add(longestRefresh)
	if !deadline.IsZero() {
		until = earlier(until, withMargin(deadline, time.Now()))
	}
	if time.Until(until) < shortestRefresh {
		return
	}
	text, f := runSecretsProgram(s, v.env, until)
	if f == nil && bytes.Equal(text, v.text) {
		v.read.Store(time.Now().UnixNano())
		return
	}
	if f == nil {
		f = v.take(s, text)
	}
	if f != nil {
		v.read.Store(time.Now().UnixNano())
		complain("the app goes on with the values it has: " + f.Error())
		return
	}
	complain("a secret has changed: the app is started again with the new value")
	a.restartGently(until)
}

// restartGently asks the app to stop, and starts it again. What goes wrong is
// reported with the next event, which waits until the app is ready.
func (a *app) restartGently(until time.Time) {
	a.conn.close()
	a.follow(a.current())
	p := a.process
	p.terminate()
	pause(p, min(restartGrace, time.Until(until)))
	p.output.flush()
	f := a.restart()
	if f == nil && time.Now().Before(until) {
		f = a.ensureReady(until)
	}
	if f != nil {
		complain(f.Error())
	}
}

// runSecretsProgram runs the program and returns what it wrote: the values as JSON.
func runSecretsProgram(s *settings, env []string, deadline time.Time) ([]byte, *failure) {
	path := filepath.Join(s.root, secretsProgram)
	left := time.Until(deadline)
	env = overlay(env, []variable{{"TWOFOLD_SECRETS_TIMEOUT", max(left-left/10, time.Millisecond).String()}})
	out, err := newCapture(maxSecrets)
	if err != nil {
		return nil, notRead(err.Error())
	}
	errs, err := newCapture(maxSecretsError)
	if err != nil {
		out.abort()
		return nil, notRead(err.Error())
	}
	p, err := os.StartProcess(path, []string{path}, &os.ProcAttr{Dir: "/", Env: env, Files: []*os.File{nil, out.write, errs.write}})
	if err != nil {
		out.abort()
		errs.abort()
		if os.IsNotExist(err) {
			return nil, notRead("this release was built without the program that reads them (" + secretsProgram + "), because the service had no secrets then: build and deploy it again")
		}
		return nil, notRead("the program that reads them (" + path + ") cannot be started: " + reasonOf(err))
	}
	timer := time.AfterFunc(left, func() { _ = p.Kill() })
	text, sentence := out.all(), errs.all()
	state, err := p.Wait()
	late := !timer.Stop()
	switch {
	case err != nil:
		return nil, notRead(err.Error())
	case state.Success():
		return text, nil
	case late:
		return nil, notRead("there was no answer in time: a function in a VPC needs a NAT gateway, or VPC endpoints for Secrets Manager and Systems Manager")
	}
	if line := strings.TrimSpace(string(sentence)); line != "" {
		return nil, &failure{kind: secretsNotRead, message: line}
	}
	return nil, notRead(secretsProgram + " ended with " + state.String())
}

func notRead(why string) *failure {
	return &failure{kind: secretsNotRead, message: "the secrets cannot be read: " + why}
}

func reasonOf(err error) string {
	if p, ok := err.(*os.PathError); ok {
		return p.Err.Error()
	}
	return err.Error()
}

// capture takes what a process writes into a pipe, up to a limit.
type capture struct {
	read, write *os.File
	limit       int64
	text        chan []byte
}

func newCapture(limit int64) (*capture, error) {
	c := &capture{limit: limit, text: make(chan []byte, 1)}
	var err error
	if c.read, c.write, err = os.Pipe(); err != nil {
		return nil, err
	}
	go func() {
		defer c.read.Close()
		text, _ := io.ReadAll(io.LimitReader(c.read, c.limit)) // the end of the process tells more than an error here
		c.text <- text
		_, _ = io.Copy(io.Discard, c.read)
	}()
	return c, nil
}

// all returns what the process wrote, once it and its children have ended.
func (c *capture) all() []byte {
	c.write.Close()
	return <-c.text
}

func (c *capture) abort() { c.all() }
