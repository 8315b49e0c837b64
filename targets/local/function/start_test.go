package function

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/local/sandbox"
)

func TestStartThatFailsOnceIsTriedAgainInsideTheInvocation(t *testing.T) {
	var log syncBuffer
	f := newFunction(t, func(r *fakeRuntime) sandbox.Exit {
		if r.number == 1 {
			return sandbox.Exit{Code: 1}
		}
		return each(echo)(r)
	}, func(c *Config) { c.Log = &log })
	if response, _ := get(t, serve(t, f).URL); response.StatusCode != 200 {
		t.Errorf("got %s", response.Status)
	}
	if !strings.Contains(log.String(), "\tPhase: init\tStatus: error\tError Type: Runtime.ExitError\n") {
		t.Errorf("log:\n%s", log.String())
	}
}

func TestStartThatTakesTooLongIsTriedAgainUnderTheTimeout(t *testing.T) {
	var log syncBuffer
	f := newFunction(t, func(r *fakeRuntime) sandbox.Exit {
		<-r.ctx.Done()
		return sandbox.Exit{}
	}, func(c *Config) { c.Start, c.Timeout, c.Log = 10*time.Millisecond, 20*time.Millisecond, &log })
	result, err := f.Invoke(t.Context(), []byte(`{}`))
	if err != nil || result.FunctionError != "Unhandled" || !strings.Contains(string(result.Payload), "Sandbox.Timedout") {
		t.Errorf("got %+v, %v", result, err)
	}
	for _, line := range []string{"Phase: init\tStatus: timeout\n", "Phase: invoke\tStatus: timeout\n", "START", "Task timed out after 0.02", "END", "REPORT"} {
		if !strings.Contains(log.String(), line) {
			t.Errorf("the log has no %q:\n%s", line, log.String())
		}
	}
	if s := f.Stats(); s.ColdStarts != 2 || s.Instances != 0 || s.Errors != 1 {
		t.Errorf("stats: %+v", s)
	}
}

func TestInitErrorIsTheAnswer(t *testing.T) {
	f := newFunction(t, func(r *fakeRuntime) sandbox.Exit {
		r.call("POST", runtimePrefix+"init/error", `{"errorMessage":"no port","errorType":"App.Start"}`,
			"Lambda-Runtime-Function-Error-Type", "Runtime.AppStart")
		return sandbox.Exit{Code: 1}
	})
	result, err := f.Invoke(t.Context(), []byte(`{}`))
	if err != nil || string(result.Payload) != `{"errorMessage":"no port","errorType":"App.Start"}` {
		t.Errorf("got %+v, %v", result, err)
	}
}

func TestWarmTellsWhyTheAppDidNotGetReady(t *testing.T) {
	for _, test := range []struct {
		name    string
		program func(r *fakeRuntime) sandbox.Exit
		reason  string
	}{
		{"exit", func(r *fakeRuntime) sandbox.Exit {
			fmt.Fprintln(r.spec.Stderr, "panic: no database")
			return sandbox.Exit{Code: 2}
		}, "it exited with status 2"},
		{"no line feed", func(r *fakeRuntime) sandbox.Exit {
			fmt.Fprint(r.spec.Stderr, "panic: no database")
			return sandbox.Exit{Code: 2}
		}, "it exited with status 2"},
		{"report", func(r *fakeRuntime) sandbox.Exit {
			fmt.Fprintln(r.spec.Stderr, "panic: no database")
			r.call("POST", runtimePrefix+"init/error", `{"errorMessage":"the app exited with status 2"}`)
			<-r.ctx.Done()
			return sandbox.Exit{}
		}, "the app exited with status 2"},
		{"silence", func(r *fakeRuntime) sandbox.Exit {
			fmt.Fprintln(r.spec.Stderr, "panic: no database")
			<-r.ctx.Done()
			return sandbox.Exit{}
		}, "it was not ready after 50ms"},
		{"memory", func(r *fakeRuntime) sandbox.Exit {
			fmt.Fprintln(r.spec.Stderr, "panic: no database")
			return sandbox.Exit{Code: 137, Signal: 9, OutOfMemory: true}
		}, "it used more memory than it may"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFunction(t, test.program, func(c *Config) { c.Start = 50 * time.Millisecond })
			err := f.Warm(t.Context())
			var unhealthy *targets.NotHealthyError
			if !errors.As(err, &unhealthy) || unhealthy.Reason != test.reason || unhealthy.Output != "panic: no database\n" {
				t.Errorf("got %#v", err)
			}
			if s := f.Stats(); s.Instances != 0 || s.LastInitError != test.reason {
				t.Errorf("stats: %+v", s)
			}
		})
	}
}

func TestWarmTellsThatNothingCouldBeLaunched(t *testing.T) {
	f := newFunction(t, nil, func(c *Config) {
		c.Launch = func(context.Context, LaunchSpec) (Instance, error) { return nil, errors.New("no such file") }
	})
	var unhealthy *targets.NotHealthyError
	if err := f.Warm(t.Context()); !errors.As(err, &unhealthy) || unhealthy.Reason != "no such file" {
		t.Errorf("got %v", err)
	}
	if response, _ := get(t, serve(t, f).URL); response.StatusCode != 502 {
		t.Errorf("got %s", response.Status)
	}
}

func TestWarmStartsOneInstanceOnly(t *testing.T) {
	f := newFunction(t, each(echo))
	for range 3 {
		if err := f.Warm(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if response, _ := get(t, serve(t, f).URL); response.StatusCode != 200 {
		t.Errorf("got %s", response.Status)
	}
	if n := f.Stats().ColdStarts; n != 1 {
		t.Errorf("%d cold starts", n)
	}
}

func TestStartIsTriedWithAnotherPortIfItsPortIsTaken(t *testing.T) {
	f := newFunction(t, func(r *fakeRuntime) sandbox.Exit {
		if r.number > 1 {
			return each(echo)(r)
		}
		// Another program has taken the port meanwhile.
		thief := &http.Server{Addr: "127.0.0.1:" + r.env["PORT"]}
		listening := make(chan struct{})
		go func() { close(listening); _ = thief.ListenAndServe() }()
		<-listening
		await(t, "the port is taken", func() bool {
			response, err := http.Get("http://" + thief.Addr)
			if err == nil {
				response.Body.Close()
			}
			return err == nil
		})
		t.Cleanup(func() { thief.Close() })
		return sandbox.Exit{Code: 1}
	})
	if err := f.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := f.Stats().ColdStarts; n != 2 {
		t.Errorf("%d cold starts", n)
	}
}

func TestCloseWaitsForWhatRuns(t *testing.T) {
	reached, release := make(chan struct{}), make(chan struct{})
	f := newFunction(t, each(func(r *fakeRuntime, e fakeEvent) string {
		close(reached)
		<-release
		return `"done"`
	}))
	server := serve(t, f)
	answers := make(chan string)
	go func() { _, body := get(t, server.URL); answers <- body }()
	<-reached
	closed := make(chan error)
	go func() { closed <- f.Close(t.Context()) }()
	await(t, "503 for new requests", func() bool {
		response, _ := get(t, server.URL)
		return response.StatusCode == 503
	})
	select {
	case <-closed:
		t.Fatal("it closed while an invocation was running")
	default:
	}
	close(release)
	if body := <-answers; body != "done" {
		t.Errorf("got %q", body)
	}
	if err := <-closed; err != nil {
		t.Errorf("close: %v", err)
	}
	if n := f.Stats().Instances; n != 0 {
		t.Errorf("%d instances are left", n)
	}
	if _, err := f.Invoke(t.Context(), []byte(`{}`)); !errors.Is(err, ErrClosed) {
		t.Errorf("invoke: %v", err)
	}
	if err := f.Warm(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("warm: %v", err)
	}
}

func TestCloseCutsWhatRunsTooLong(t *testing.T) {
	reached := make(chan struct{})
	f := newFunction(t, func(r *fakeRuntime) sandbox.Exit {
		r.next()
		close(reached)
		<-r.ctx.Done()
		return sandbox.Exit{}
	})
	server := serve(t, f)
	status := make(chan int)
	go func() { response, _ := get(t, server.URL); status <- response.StatusCode }()
	<-reached
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := f.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("close: %v", err)
	}
	if got := <-status; got != 502 {
		t.Errorf("got %d", got)
	}
}

func TestOnlyAnInstanceWithAnExtensionGetsSIGTERM(t *testing.T) {
	for _, extended := range []bool{false, true} {
		t.Run(fmt.Sprint(extended), func(t *testing.T) {
			var told atomic.Bool
			f := newFunction(t, func(r *fakeRuntime) sandbox.Exit {
				if extended {
					status, body := r.call("POST", extensionPrefix+"register", `{"events":[]}`, "Lambda-Extension-Name", "adapter")
					if status != 200 || !strings.Contains(body, `"functionName":"api"`) {
						t.Errorf("register: %d %s", status, body)
					}
				}
				go r.next()
				select {
				case <-r.terminated:
					told.Store(true)
				case <-r.ctx.Done():
				}
				return sandbox.Exit{}
			})
			if err := f.Warm(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if told.Load() != extended {
				t.Errorf("SIGTERM: %v, want %v", told.Load(), extended)
			}
		})
	}
}
