//go:build linux

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// secretsOf writes a program that reads secrets: a shell script.
func (p *platform) secretsOf(script string) {
	p.t.Helper()
	// Renamed into its place, for a program that is being written cannot be started.
	path := filepath.Join(p.root, secretsProgram)
	if err := os.WriteFile(path+".new", []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		p.t.Fatal(err)
	}
}

const someSecrets = `TWOFOLD_SECRETS=[{"name":"DATABASE_URL","from":"shop/db"}]`

// environ returns the app's environment and its process id.
func (p *platform) environ() (env []string, pid string) {
	p.t.Helper()
	p.awaitNext()
	if err := json.Unmarshal([]byte(p.request("GET", "/env", "").Body), &env); err != nil {
		p.t.Fatal(err)
	}
	p.awaitNext()
	return env, p.request("GET", "/pid", "").Body
}

func TestAppGetsTheValuesOfSecrets(t *testing.T) {
	p := newPlatform(t)
	p.secretsOf(`[ -n "$TWOFOLD_SECRETS" ] && [ "$AWS_REGION" = eu-west-1 ] && [ -n "$TWOFOLD_SECRETS_TIMEOUT" ] && printf %s '{"DATABASE_URL":"pg://do-not-print-this\n","SET_BY_BOTH":"\u00e4"}'`)
	p.start("http", someSecrets, "SET_BY_BOTH=deployment")
	env, _ := p.environ()
	for _, want := range []string{"DATABASE_URL=pg://do-not-print-this\n", "SET_BY_BOTH=ä"} {
		if !slices.Contains(env, want) {
			t.Errorf("the app's environment does not hold %q", want)
		}
	}
	if slices.Contains(env, "SET_BY_BOTH=deployment") {
		t.Error("a variable is there twice")
	}
	if text := p.stdout.all() + p.stderr.all(); strings.Contains(text, "do-not-print-this") {
		t.Errorf("a value was printed: %s", text)
	}
}

func TestAppIsNotStartedWithoutItsSecrets(t *testing.T) {
	const hang = "exec sleep 100"
	for _, c := range []struct{ name, script, want string }{
		{"refused", `echo 'secret "A" cannot be read: no' >&2; exit 1`, `secret "A" cannot be read: no`},
		{"missing program", "", "build and deploy it again"},
		{"no JSON", `echo '"do-not-print-this'`, "not the JSON"},
		{"no text", `echo '{"A":1}'`, "not the JSON"},
		{"silent", `exit 3`, "exit status 3"},
		{"hangs", hang, "no answer in time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlatform(t)
			if c.script != "" {
				p.secretsOf(c.script)
			}
			env := []string{someSecrets}
			if c.script == hang {
				env = append(env, "TWOFOLD_START_TIMEOUT=200ms")
			}
			p.start("http", env...)
			r := p.awaitReport()
			r.mustBe(t, "init/error", secretsNotRead)
			if !strings.Contains(r.failure.ErrorMessage, c.want) {
				t.Errorf("the message is %q", r.failure.ErrorMessage)
			}
			if p.awaitExit() != 1 {
				t.Error("the exit code is not 1")
			}
		})
	}
}

func TestChangedSecretStartsTheAppAgain(t *testing.T) {
	p := newPlatform(t)
	p.secretsOf(`echo '{"DATABASE_URL":"one"}'`)
	p.start("http", someSecrets, "TWOFOLD_SECRETS_REFRESH=1ns")
	env, first := p.environ()
	if !slices.Contains(env, "DATABASE_URL=one") {
		t.Fatalf("the app has %q", env)
	}
	if _, again := p.environ(); again != first {
		t.Errorf("the app was started again, though nothing had changed: %s, %s", first, again)
	}
	p.awaitNext() // the values have been read since the last answer
	p.secretsOf(`echo '{"DATABASE_URL":"two"}'`)
	p.request("GET", "/", "")
	env, second := p.environ()
	if !slices.Contains(env, "DATABASE_URL=two") || second == first {
		t.Errorf("the app has %q in process %s, before %s", env, second, first)
	}
	p.awaitNext()
	p.secretsOf(`echo 'it is away' >&2; exit 1`)
	p.request("GET", "/", "")
	env, third := p.environ()
	if !slices.Contains(env, "DATABASE_URL=two") || third != second {
		t.Errorf("after a failure the app has %q in process %s, before %s", env, third, second)
	}
	if !strings.Contains(p.stderr.all(), "goes on with the values it has: Secrets.NotRead: it is away") {
		t.Errorf("the log is %s", p.stderr.all())
	}
}

func TestSecretsAreNotReadAgainWhereTheyNeedNot(t *testing.T) {
	for _, refresh := range []string{"0", "1h"} {
		p := newPlatform(t)
		p.secretsOf(`echo '{"DATABASE_URL":"one"}'`)
		p.start("http", someSecrets, "TWOFOLD_SECRETS_REFRESH="+refresh)
		p.awaitNext()
		p.secretsOf(`echo '{"DATABASE_URL":"two"}'`)
		p.request("GET", "/", "")
		if env, _ := p.environ(); !slices.Contains(env, "DATABASE_URL=one") {
			t.Errorf("%s: the app has %q", refresh, env)
		}
	}
}
