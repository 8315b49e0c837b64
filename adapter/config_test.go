package main

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// files is a file system for readSettings.
type files map[string]string

func (f files) read(name string) ([]byte, error) {
	if s, ok := f[name]; ok {
		return []byte(s), nil
	}
	return nil, &os.PathError{Op: "open", Path: name, Err: errors.New("no such file")}
}

const goodConfig = `{"command":["./server","-v","a\"b"],"dir":"app","env":{"NODE_ENV":"production","PORT":"1","TZ":"UTC"},"port":8080,"health":"/healthz","newer":[1]}`

func TestSettings(t *testing.T) {
	s, err := readSettings([]string{"LAMBDA_TASK_ROOT=/var/task", "AWS_LAMBDA_RUNTIME_API=127.0.0.1:9001", "TZ=:UTC", "A=b=c"},
		"/elsewhere/bootstrap", files{"/var/task/twofold.json": goodConfig}.read)
	if err != nil {
		t.Fatal(err)
	}
	if s.dir != "/var/task/app" || !slices.Equal(s.command, []string{"./server", "-v", `a"b`}) || s.port != 8080 ||
		s.health != "/healthz" || s.eventsPath != "/events" || s.startTimeout != defaultStartTimeout || s.runtimeAPI != "127.0.0.1:9001" {
		t.Errorf("got %+v", s)
	}
	slices.Sort(s.env)
	want := []string{"A=b=c", "AWS_LAMBDA_RUNTIME_API=127.0.0.1:9001", "LAMBDA_TASK_ROOT=/var/task", "NODE_ENV=production", "PORT=8080", "TZ=UTC"}
	if !slices.Equal(s.env, want) {
		t.Errorf("the app's environment is %q, want %q", s.env, want)
	}
}

func TestEnvironmentOverridesTheConfig(t *testing.T) {
	s, err := readSettings([]string{"PORT=9999", "TWOFOLD_HEALTH_PATH=/ready?x=1", "TWOFOLD_EVENTS_PATH=/e", "TWOFOLD_START_TIMEOUT=1m", "NODE_ENV=test"},
		"/opt/b/bootstrap", files{"/opt/b/twofold.json": goodConfig}.read)
	if err != nil {
		t.Fatal(err)
	}
	if s.port != 9999 || s.health != "/ready?x=1" || s.eventsPath != "/e" || s.startTimeout != time.Minute || s.dir != "/opt/b/app" {
		t.Errorf("got %+v", s)
	}
	if !slices.Contains(s.env, "NODE_ENV=test") || slices.Contains(s.env, "NODE_ENV=production") || !slices.Contains(s.env, "PORT=9999") {
		t.Errorf("the app's environment is %q", s.env)
	}
}

func TestConfigBesideTheAdapterIsTheFallback(t *testing.T) {
	s, err := readSettings([]string{"LAMBDA_TASK_ROOT=/var/task"}, "/opt/b/bootstrap", files{"/opt/b/twofold.json": goodConfig}.read)
	if err != nil || s.dir != "/opt/b/app" {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestFolderOfAnImageIsAbsolute(t *testing.T) {
	const config = `{"command":["/app/server"],"dir":"/app","port":8080,"health":"/"}`
	s, err := readSettings([]string{"LAMBDA_TASK_ROOT=/var/task"}, "/twofold/bootstrap", files{"/twofold/twofold.json": config}.read)
	if err != nil || s.dir != "/app" || s.command[0] != "/app/server" {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestBadSettingsAreErrorsWithTheirName(t *testing.T) {
	cases := []struct{ env, config, want string }{
		{"", `{`, "not well-formed JSON"},
		{"", `{"command":[],"port":1,"health":"/"}`, "no command"},
		{"", `{"command":"x","port":1,"health":"/"}`, "command"},
		{"", `{"command":["x"],"port":0,"health":"/"}`, "port"},
		{"", `{"command":["x"],"port":"1","health":"/"}`, "port"},
		{"", `{"command":["x"],"port":70000,"health":"/"}`, "port"},
		{"", `{"command":["x"],"port":1,"health":"healthz"}`, "health"},
		{"", `{"command":["x"],"port":1,"health":"/a b"}`, "health"},
		{"", `{"command":["x"],"port":1,"health":"/","env":{"A":1}}`, "env"},
		{"PORT=x", goodConfig, "PORT"},
		{"PORT=0", goodConfig, "PORT"},
		{"TWOFOLD_HEALTH_PATH=x", goodConfig, "TWOFOLD_HEALTH_PATH"},
		{"TWOFOLD_EVENTS_PATH=/a\r\nb", goodConfig, "TWOFOLD_EVENTS_PATH"},
		{"TWOFOLD_START_TIMEOUT=10", goodConfig, "TWOFOLD_START_TIMEOUT"},
		{"TWOFOLD_START_TIMEOUT=-1s", goodConfig, "TWOFOLD_START_TIMEOUT"},
		{"TWOFOLD_SECRETS_REFRESH=5", goodConfig, "TWOFOLD_SECRETS_REFRESH"},
	}
	for _, c := range cases {
		_, err := readSettings([]string{c.env, "SECRET=hidden"}, "/b/bootstrap", files{"/b/twofold.json": c.config}.read)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s %s: %v", c.env, c.config, err)
		}
	}
}

// FuzzConfig checks that no config makes the adapter panic, and that what it takes
// is usable.
func FuzzConfig(f *testing.F) {
	f.Add([]byte(goodConfig))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parseConfig(data)
		if err == nil && (len(c.command) == 0 || !isPort(c.port) || !isPath(c.health)) {
			t.Fatalf("%q is taken: %+v", data, c)
		}
	})
}
