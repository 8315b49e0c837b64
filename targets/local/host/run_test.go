package host

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/secretfile"
)

// output collects what a command prints.
type output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	partial bool // a write was no whole line
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.partial = o.partial || !bytes.HasSuffix(p, []byte("\n"))
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func (o *output) has(line string) error {
	if text := o.String(); !strings.Contains(text, line+"\n") {
		return fmt.Errorf("the output is %q, want %q", text, line)
	}
	return nil
}

func TestCommandHasTheReleaseItsEnvironmentAndItsVolumes(t *testing.T) {
	for _, r := range bothForms(releases.Two) {
		t.Run(r.Target, func(t *testing.T) {
			c := newClient(t)
			r.Spec.Env = map[string]string{"LOG_LEVEL": "info"}
			r.Spec.Volumes = []targets.Volume{{Name: "data", Path: "/mnt/data"}}
			r.Secrets = secretfile.Values{"PASSWORD": "a value"}
			for variable, want := range map[string]string{"LOG_LEVEL": "info", "PASSWORD": "a value", "AWS_LAMBDA_RUNTIME_API": ""} {
				out := new(output)
				if err := c.Run(t.Context(), r, releases.Two.CopyTo, []string{"./server", "show", variable}, out, nil); err != nil {
					t.Fatal(err)
				}
				if err := out.has("app two shows " + want); err != nil || out.partial {
					t.Error(err, out.partial)
				}
			}
			if list, err := c.Status(t.Context(), targets.Filter{}, r.Target); err != nil || len(list) != 0 {
				t.Errorf("status %v, %v", list, err)
			}
			checkFiles(t, c)
			if files := filesWith(t, c.Layout.Dir, "a value"); files != nil {
				t.Errorf("the secret is in %q", files)
			}

			// It may write into the volume, and what it wrote stays.
			st, err := c.Deploy(t.Context(), r, releases.Two.CopyTo, nil)
			if err != nil {
				t.Fatal(err)
			}
			putFile(t, st.URL+"/file?name=/mnt/data/note", "kept")
			out := new(output)
			if err := c.Run(t.Context(), r, releases.Two.CopyTo, []string{"./server", "read", "/mnt/data/note"}, out, nil); err != nil {
				t.Fatal(err)
			}
			if err := out.has("app reads kept"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestErrorOfACommandHasItsStatusAndLastLinesAndNoArgument(t *testing.T) {
	for _, r := range bothForms(releases.One) {
		t.Run(r.Target, func(t *testing.T) {
			c := newClient(t)
			err := c.Run(t.Context(), r, releases.One.CopyTo, []string{"./server", "fail", "an-argument"}, new(output), nil)
			for _, part := range []string{`"./server"`, "3", "app fails", `"app"`} {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("error %v, want it to say %s", err, part)
				}
			}
			if err != nil && strings.Contains(err.Error(), "an-argument") {
				t.Errorf("the error shows the arguments: %v", err)
			}
			if err := c.Run(t.Context(), r, releases.One.CopyTo, []string{"./missing"}, new(output), nil); err == nil || !strings.Contains(err.Error(), "missing") {
				t.Errorf("a command that does not exist: %v", err)
			}
			if err := c.Run(t.Context(), r, releases.One.CopyTo, nil, new(output), nil); err == nil || !strings.Contains(err.Error(), "empty") {
				t.Errorf("no command: %v", err)
			}
		})
	}
}

// waits runs a command that waits, and returns when it does. A process with the
// mark in its environment is it.
func waits(t *testing.T, ctx context.Context, c Client, mark string) (ended chan error) {
	t.Helper()
	r := request(releases.One)
	r.Spec.Env = map[string]string{"MARK": mark}
	out, ended := new(output), make(chan error, 1)
	go func() {
		ended <- c.Run(ctx, r, releases.One.CopyTo, []string{"./server", "wait"}, out, nil)
	}()
	eventually(t, func() error { return out.has("app waits") })
	if len(processes(t, mark)) == 0 {
		t.Error("the command has no process")
	}
	return ended
}

func TestCommandEndsWithItsClientAndADeployWaitsForIt(t *testing.T) {
	c, mark := newClient(t), rand.Text()
	ctx, cancel := context.WithCancel(t.Context())
	ended := waits(t, ctx, c, mark)
	var waited string
	_, err := c.Deploy(t.Context(), request(releases.Two), releases.Two.CopyTo, func(e targets.Event) {
		if waited == "" {
			waited = e.Message
			cancel()
		}
	})
	if err != nil || !strings.HasPrefix(waited, "waiting for the command that process") {
		t.Errorf("the deploy was told %q, %v", waited, err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the command: %v", err)
	}
	if left := processes(t, mark); len(left) > 0 {
		t.Errorf("processes %q are left", left)
	}
	checkFiles(t, c, releases.Two)
}

func TestCommandEndsWithTheSupervisorAndIsNotRunAgain(t *testing.T) {
	c := newClient(t)
	ended := waits(t, t.Context(), c, rand.Text())
	if err := c.End(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "the local host was ended while the command ran") {
		t.Errorf("the command: %v", err)
	}
	if _, runs := c.Running(t.Context()); runs {
		t.Error("the client started another supervisor")
	}

	mark := rand.Text()
	ended = waits(t, t.Context(), c, mark)
	kill(t, c)
	if err := <-ended; !isLost(err) {
		t.Errorf("the command: %v", err)
	}
	eventually(t, func() error {
		if left := processes(t, mark); len(left) > 0 {
			return fmt.Errorf("processes %q are left", left)
		}
		return nil
	})
}
