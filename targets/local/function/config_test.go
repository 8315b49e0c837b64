package function

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/twofoldhq/twofold/targets/local/sandbox"
)

// environmentOf returns what an instance of a function is given.
func environmentOf(t *testing.T, change func(c *Config)) map[string]string {
	t.Helper()
	var env map[string]string
	f := newFunction(t, func(r *fakeRuntime) sandbox.Exit {
		env = r.env
		return each(echo)(r)
	}, change)
	if err := f.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	return env
}

func TestEnvironmentIsLambdas(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "the-users-own")
	env := environmentOf(t, func(c *Config) {
		c.Memory = 256 << 20
		c.Env = map[string]string{"LOG_LEVEL": "debug", "TZ": "Europe/Paris"}
	})
	if !strings.HasPrefix(env["AWS_LAMBDA_RUNTIME_API"], "127.0.0.1:") || env["PORT"] == "" || env["PORT"] == "0" {
		t.Errorf("API %q, port %q", env["AWS_LAMBDA_RUNTIME_API"], env["PORT"])
	}
	stream := env["AWS_LAMBDA_LOG_STREAM_NAME"]
	if !strings.HasPrefix(stream, time.Now().UTC().Format("2006/01/02/[$LATEST]")) || len(stream) != len("2026/11/23/[$LATEST]")+32 {
		t.Errorf("stream %q", stream)
	}
	for _, name := range []string{"AWS_LAMBDA_RUNTIME_API", "PORT", "AWS_LAMBDA_LOG_STREAM_NAME"} {
		delete(env, name)
	}
	want := map[string]string{
		"AWS_ACCESS_KEY_ID":               "ASIALOCALFUNCTION000",
		"AWS_DEFAULT_REGION":              "us-east-1",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
		"AWS_LAMBDA_FUNCTION_NAME":        "api",
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/api",
		"AWS_REGION":                      "us-east-1",
		"AWS_SECRET_ACCESS_KEY":           "local-function-has-no-credentials",
		"AWS_SESSION_TOKEN":               "local-function-has-no-credentials",
		"LAMBDA_RUNTIME_DIR":              "/var/runtime",
		"LAMBDA_TASK_ROOT":                "/var/task",
		"LANG":                            "en_US.UTF-8",
		"LD_LIBRARY_PATH":                 "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
		"LOG_LEVEL":                       "debug",
		"PATH":                            "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"TZ":                              "Europe/Paris",
		"_HANDLER":                        "bootstrap",
	}
	if diff := cmp.Diff(want, env); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestManagedRuntimeIsWrapped(t *testing.T) {
	env := environmentOf(t, func(c *Config) { c.Runtime, c.TaskRoot, c.Region = "nodejs24.x", "/srv/bundle", "eu-west-1" })
	for name, want := range map[string]string{
		"AWS_LAMBDA_EXEC_WRAPPER": "/srv/bundle/bootstrap",
		"AWS_EXECUTION_ENV":       "AWS_Lambda_nodejs24.x",
		"LAMBDA_TASK_ROOT":        "/srv/bundle",
		"AWS_REGION":              "eu-west-1",
	} {
		if env[name] != want {
			t.Errorf("%s: got %q, want %q", name, env[name], want)
		}
	}
}

func TestInstancesHavePortsOfTheirOwn(t *testing.T) {
	ports := make(chan string, 3)
	release := make(chan struct{})
	f := newFunction(t, each(func(r *fakeRuntime, e fakeEvent) string {
		ports <- r.env["PORT"]
		<-release
		return `1`
	}))
	server := serve(t, f)
	answers := make(chan bool)
	for range 3 {
		go func() { get(t, server.URL); answers <- true }()
	}
	got := []string{<-ports, <-ports, <-ports}
	close(release)
	for range 3 {
		<-answers
	}
	slices.Sort(got)
	if len(slices.Compact(got)) != 3 {
		t.Errorf("ports: %v", got)
	}
}

func TestSettingsThatLambdaWouldRefuse(t *testing.T) {
	launch := func(context.Context, LaunchSpec) (Instance, error) { return nil, nil }
	for _, test := range []struct {
		name   string
		config Config
		want   string
	}{
		{"reserved", Config{Name: "a", Launch: launch, Env: map[string]string{"PORT": "1", "AWS_REGION": "x"}}, "the platform sets AWS_REGION, PORT itself: remove it from the service's env"},
		{"malformed", Config{Name: "a", Launch: launch, Env: map[string]string{"1A": "", "B": ""}}, `["1A" "B"]`},
		{"a NUL", Config{Name: "a", Launch: launch, Env: map[string]string{"AA": "x\x00y"}}, `["AA"]`},
		{"large", Config{Name: "a", Launch: launch, Env: map[string]string{"BIG": strings.Repeat("x", 4094)}}, "has 4097 bytes and Lambda takes 4096"},
		{"memory", Config{Name: "a", Launch: launch, Memory: 64 << 20}, "128Mi to 10240Mi"},
		{"tmp", Config{Name: "a", Launch: launch, TmpSize: 1}, "512Mi to 10240Mi"},
		{"timeout", Config{Name: "a", Launch: launch, Timeout: time.Hour}, "at most 900s"},
		{"name", Config{Name: "a/b", Launch: launch}, `"a/b"`},
		{"launcher", Config{Name: "a"}, "launcher"},
		{"bootstrap", Config{Name: "a", Launch: launch, Task: "/nonexistent"}, "no bootstrap at /nonexistent/bootstrap"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := New(test.config); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestBootstrapMustBeExecutable(t *testing.T) {
	c := Config{Name: "a", Task: t.TempDir(), Launch: func(context.Context, LaunchSpec) (Instance, error) { return nil, nil }}
	file := filepath.Join(c.Task, "bootstrap")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := New(c); err == nil || !strings.Contains(err.Error(), "is not an executable file") {
		t.Errorf("got %v", err)
	}
	if err := os.Chmod(file, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := New(c); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestTailKeepsTheLastWholeLines(t *testing.T) {
	var log tail
	for range 10000 {
		log.add([]byte("0123456789\n"))
	}
	if got := log.String(); len(got) > tailMax || len(got) < tailMax-11 || strings.Trim(got, "0123456789\n") != "" || !strings.HasPrefix(got, "0123456789\n") {
		t.Errorf("got %d bytes: %.30q", len(got), got)
	}
}

func TestEndlessLineIsBroken(t *testing.T) {
	var out syncBuffer
	w := &lineWriter{log: &instanceLog{logger: &logger{w: &out}}}
	_, _ = w.Write([]byte(strings.Repeat("x", lineMax+10)))
	if got := len(out.String()); got != lineMax+1 {
		t.Errorf("%d bytes were written", got)
	}
	w.flush()
	if got := len(out.String()); got != lineMax+12 {
		t.Errorf("%d bytes were written", got)
	}
}

func TestMemoryOfThisProcess(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Log("only Linux has /proc")
		return
	}
	if got := treeMemory(os.Getpid(), 0); got < mebibyte || got > 1<<40 {
		t.Errorf("got %d bytes", got)
	}
	if got := highWater([]byte("Name:\tx\nVmHWM:\t   12 kB\nVmRSS:\t1 kB\n")); got != 12<<10 {
		t.Errorf("got %d bytes", got)
	}
}
