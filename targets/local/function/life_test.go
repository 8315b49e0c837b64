package function

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/targets/local/sandbox"
)

func TestFirstRequestStartsAnInstanceAndTheNextReusesIt(t *testing.T) {
	var log syncBuffer
	f := newFunction(t, each(func(r *fakeRuntime, e fakeEvent) string { return fmt.Sprint(r.number) }),
		func(c *Config) { c.Log = &log })
	server := serve(t, f)
	for range 5 {
		response, body := get(t, server.URL)
		if response.StatusCode != 200 || body != "1" {
			t.Fatalf("got %d %q", response.StatusCode, body)
		}
	}
	if s := f.Stats(); s.ColdStarts != 1 || s.Instances != 1 {
		t.Errorf("stats: %+v", s)
	}
	await(t, "five reports", func() bool { return strings.Count(log.String(), "REPORT") == 5 })
	if n := strings.Count(log.String(), "Init Duration"); n != 1 {
		t.Errorf("%d of the reports have an init duration, want the first only:\n%s", n, log.String())
	}
}

func TestLogHasLambdasLines(t *testing.T) {
	var log syncBuffer
	f := newFunction(t, each(func(r *fakeRuntime, e fakeEvent) string {
		fmt.Fprint(r.spec.Stdout, "hello\nwor")
		fmt.Fprint(r.spec.Stdout, "ld\n")
		return `1`
	}), func(c *Config) { c.Log = &log })
	result, err := f.Invoke(t.Context(), []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`^START RequestId: ([0-9a-f-]{36}) Version: \$LATEST
hello
world
END RequestId: [0-9a-f-]{36}
REPORT RequestId: [0-9a-f-]{36}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\tMax Memory Used: [1-9]\d* MB\tInit Duration: \d+\.\d\d ms\t
$`)
	if !want.MatchString(log.String()) {
		t.Errorf("log:\n%s", log.String())
	}
	if result.Log != log.String() {
		t.Errorf("the tail of the log is %q, want all of it:\n%s", result.Log, log.String())
	}
}

func TestInstancesTakeOneRequestEachAndBeyondThemIs429(t *testing.T) {
	var busy, most atomic.Int32
	release := make(chan struct{})
	f := newFunction(t, each(func(r *fakeRuntime, e fakeEvent) string {
		n := busy.Add(1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		<-release
		busy.Add(-1)
		return `{}`
	}), func(c *Config) { c.Concurrency = 3 })
	server := serve(t, f)

	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if response, _ := get(t, server.URL); response.StatusCode != 200 {
				t.Errorf("got %s", response.Status)
			}
		})
	}
	await(t, "three busy instances", func() bool { return busy.Load() == 3 })
	response, body := get(t, server.URL)
	if response.StatusCode != 429 || response.Header.Get("X-Amzn-ErrorType") != "TooManyRequestsException" || !strings.Contains(body, "Rate Exceeded.") {
		t.Errorf("got %s %q", response.Status, body)
	}
	if _, err := f.Invoke(t.Context(), []byte(`{}`)); !errors.Is(err, ErrThrottled) {
		t.Errorf("invoke: %v", err)
	}
	close(release)
	wg.Wait()
	if s := f.Stats(); s.ColdStarts != 3 || s.Throttles != 2 || s.Invocations > 3 {
		t.Errorf("stats: %+v", s)
	}
}

func TestSequentialClientNeedsOneInstanceOnly(t *testing.T) {
	f := newFunction(t, each(echo), func(c *Config) { c.Concurrency = 1 })
	server := serve(t, f)
	for range 500 {
		if response, _ := get(t, server.URL); response.StatusCode != 200 {
			t.Fatalf("got %s", response.Status)
		}
	}
}

func TestManyClientsAtOnce(t *testing.T) {
	f := newFunction(t, each(echo), func(c *Config) { c.Concurrency = 8 })
	server := serve(t, f)
	var wg sync.WaitGroup
	for client := range 8 {
		wg.Go(func() {
			for n := range 50 {
				marker := fmt.Sprintf("/%d/%d", client, n)
				response, body := get(t, server.URL+marker)
				if response.StatusCode != 200 || !strings.Contains(body, `"rawPath":"`+marker+`"`) {
					t.Errorf("%s: got %s %q", marker, response.Status, body)
				}
			}
		})
	}
	wg.Wait()
}

func TestIdleInstancesEndDownToZeroAndComeBack(t *testing.T) {
	f := newFunction(t, each(echo), func(c *Config) { c.Idle = 10 * time.Millisecond })
	server := serve(t, f)
	for round := 1; round <= 2; round++ {
		if response, _ := get(t, server.URL); response.StatusCode != 200 {
			t.Fatalf("got %s", response.Status)
		}
		await(t, "no instances", func() bool { return f.Stats().Instances == 0 })
		if n := f.Stats().ColdStarts; n != round {
			t.Errorf("%d cold starts in round %d", n, round)
		}
	}
}

func TestTimeoutKillsTheInstance(t *testing.T) {
	var log syncBuffer
	f := newFunction(t, func(r *fakeRuntime) sandbox.Exit {
		e := r.next()
		if r.number > 1 {
			r.respond(e.id, `"back"`)
			r.next()
		}
		<-r.ctx.Done()
		return sandbox.Exit{}
	}, func(c *Config) { c.Timeout, c.Log = 50*time.Millisecond, &log })
	result, err := f.Invoke(t.Context(), []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`^{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: [0-9a-f-]{36} Error: Task timed out after 0.05 seconds"}$`)
	if result.FunctionError != "Unhandled" || !want.Match(result.Payload) {
		t.Errorf("got %+v", result)
	}
	for _, line := range []string{" Task timed out after 0.05 seconds\n", "Duration: 50.00 ms", "\tStatus: timeout\n"} {
		if !strings.Contains(log.String(), line) {
			t.Errorf("the log has no %q:\n%s", line, log.String())
		}
	}
	if response, body := get(t, serve(t, f).URL); response.StatusCode != 200 || body != "back" {
		t.Errorf("the next request got %s %q", response.Status, body)
	}
}

func TestTimeoutIsBadGatewayForAClient(t *testing.T) {
	f := newFunction(t, func(r *fakeRuntime) sandbox.Exit {
		r.next()
		<-r.ctx.Done()
		return sandbox.Exit{}
	}, func(c *Config) { c.Timeout = 20 * time.Millisecond })
	response, body := get(t, serve(t, f).URL)
	if response.StatusCode != 502 || body != "Internal Server Error" {
		t.Errorf("got %s %q", response.Status, body)
	}
}

func TestProcessThatEndsMidway(t *testing.T) {
	for _, test := range []struct {
		name    string
		exit    sandbox.Exit
		payload string
		log     string
	}{
		{"status", sandbox.Exit{Code: 3},
			`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 3"}`,
			"RequestId: ID Error: Runtime exited with error: exit status 3\nRuntime.ExitError\nEND"},
		{"status 0", sandbox.Exit{},
			`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited without providing a reason"}`,
			"Status: error\tError Type: Runtime.ExitError\n"},
		{"memory", sandbox.Exit{Code: 137, Signal: 9, OutOfMemory: true, PeakMemory: 200 << 20},
			`{"errorType":"Runtime.OutOfMemory","errorMessage":"RequestId: ID Error: Runtime exited with error: signal: killed"}`,
			"Max Memory Used: 200 MB\tInit Duration"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log syncBuffer
			f := newFunction(t, func(r *fakeRuntime) sandbox.Exit {
				r.next()
				return test.exit
			}, func(c *Config) { c.Log = &log })
			result, err := f.Invoke(t.Context(), []byte(`{}`))
			if err != nil {
				t.Fatal(err)
			}
			ids := regexp.MustCompile(`[0-9a-f-]{36}`)
			if got := ids.ReplaceAllString(string(result.Payload), "ID"); got != test.payload || result.FunctionError != "Unhandled" {
				t.Errorf("payload %s\nwant    %s", got, test.payload)
			}
			if got := ids.ReplaceAllString(log.String(), "ID"); !strings.Contains(got, test.log) {
				t.Errorf("the log has no %q:\n%s", test.log, got)
			}
			if s := f.Stats(); s.Errors != 1 || s.Invocations != 1 || s.Instances != 0 {
				t.Errorf("stats: %+v", s)
			}
		})
	}
}

func TestReportedErrorKeepsTheInstance(t *testing.T) {
	var log syncBuffer
	f := newFunction(t, func(r *fakeRuntime) sandbox.Exit {
		e := r.next()
		status, body := r.call("POST", runtimePrefix+"invocation/"+e.id+"/error",
			`{"errorMessage":"no","errorType":"App.Bad"}`, "Lambda-Runtime-Function-Error-Type", "Runtime.AppBad")
		if status != 202 || body != "{\"status\":\"OK\"}\n" {
			t.Errorf("error: %d %q", status, body)
		}
		return each(echo)(r)
	}, func(c *Config) { c.Log = &log })
	result, err := f.Invoke(t.Context(), []byte(`{}`))
	if err != nil || result.FunctionError != "Unhandled" || string(result.Payload) != `{"errorMessage":"no","errorType":"App.Bad"}` {
		t.Fatalf("got %+v, %v", result, err)
	}
	if !strings.Contains(log.String(), "Status: error\tError Type: Runtime.AppBad\n") {
		t.Errorf("log:\n%s", log.String())
	}
	if result, err := f.Invoke(t.Context(), []byte(`{}`)); err != nil || result.FunctionError != "" {
		t.Fatalf("got %+v, %v", result, err)
	}
	if s := f.Stats(); s.ColdStarts != 1 {
		t.Errorf("stats: %+v", s)
	}
}

func TestInstanceThatEndsWhileItWaitsLosesNoRequest(t *testing.T) {
	f := newFunction(t, func(r *fakeRuntime) sandbox.Exit {
		if r.number > 1 {
			return each(echo)(r)
		}
		// The first one ends with its call for an event under way.
		go r.next()
		<-r.terminated
		return sandbox.Exit{Code: 1}
	})
	if err := f.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	first := f.idle[0]
	f.mu.Unlock()
	_ = first.proc.Terminate()
	<-first.proc.Done()
	if response, _ := get(t, serve(t, f).URL); response.StatusCode != 200 {
		t.Errorf("got %s", response.Status)
	}
	await(t, "one instance", func() bool { return f.Stats().Instances == 1 })
}

func TestCallThatWasCutLeavesTheEventToTheNextCall(t *testing.T) {
	cut, resume := make(chan struct{}), make(chan struct{})
	f := newFunction(t, func(r *fakeRuntime) sandbox.Exit {
		conn, err := net.Dial("tcp", r.env["AWS_LAMBDA_RUNTIME_API"])
		if err != nil {
			t.Error(err)
			return sandbox.Exit{Code: 1}
		}
		fmt.Fprintf(conn, "GET %sinvocation/next HTTP/1.1\r\nHost: x\r\n\r\n", runtimePrefix)
		<-r.terminated
		conn.Close()
		close(cut)
		<-resume
		return each(echo)(r)
	})
	if err := f.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	_ = f.idle[0].proc.Terminate()
	f.mu.Unlock()
	<-cut
	status := make(chan int)
	server := serve(t, f)
	go func() { response, _ := get(t, server.URL); status <- response.StatusCode }()
	// The event is with the instance, and the call that waited for it is gone.
	await(t, "the event goes back", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		for i := range f.instances {
			i.mu.Lock()
			defer i.mu.Unlock()
			return i.state == assigned && closed(i.polling)
		}
		return false
	})
	close(resume)
	if got := <-status; got != 200 {
		t.Errorf("got %d", got)
	}
	if n := f.Stats().ColdStarts; n != 1 {
		t.Errorf("%d cold starts", n)
	}
}

func TestEventThatWasNotReadGoesToAnotherInstance(t *testing.T) {
	var log syncBuffer
	f := newFunction(t, func(r *fakeRuntime) sandbox.Exit {
		if r.number > 1 {
			return each(echo)(r)
		}
		conn, err := net.Dial("tcp", r.env["AWS_LAMBDA_RUNTIME_API"])
		if err != nil {
			t.Error(err)
			return sandbox.Exit{Code: 1}
		}
		fmt.Fprintf(conn, "GET %sinvocation/next HTTP/1.1\r\nHost: x\r\n\r\n", runtimePrefix)
		<-r.terminated
		conn.Close()
		return sandbox.Exit{Code: 137, Signal: syscall.SIGKILL}
	}, func(c *Config) { c.Log = &log })
	if err := f.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	first := f.idle[0]
	f.mu.Unlock()
	status := make(chan int)
	server := serve(t, f)
	go func() { response, _ := get(t, server.URL); status <- response.StatusCode }()
	await(t, "the event is sent", func() bool {
		first.mu.Lock()
		defer first.mu.Unlock()
		return first.state == invoking && closed(first.polling)
	})
	_ = first.proc.Terminate()
	if got := <-status; got != 200 {
		t.Errorf("got %d:\n%s", got, log.String())
	}
	if s := f.Stats(); s.Errors != 0 || s.ColdStarts != 2 {
		t.Errorf("stats: %+v", s)
	}
}

func TestClientThatGoesAwayDoesNotStopTheFunction(t *testing.T) {
	reached, release := make(chan struct{}), make(chan struct{})
	var log syncBuffer
	f := newFunction(t, each(func(r *fakeRuntime, e fakeEvent) string {
		close(reached)
		<-release
		return `{}`
	}), func(c *Config) { c.Log = &log })
	ctx, leave := context.WithCancel(t.Context())
	request, _ := http.NewRequestWithContext(ctx, "GET", serve(t, f).URL, nil)
	go func() {
		<-reached
		leave()
	}()
	if _, err := http.DefaultClient.Do(request); err == nil {
		t.Fatal("the client got an answer")
	}
	close(release)
	await(t, "the end of the invocation", func() bool { return strings.Contains(log.String(), "REPORT") })
	if s := f.Stats(); s.Errors != 0 || s.Instances != 1 {
		t.Errorf("stats: %+v", s)
	}
}

func TestLinesOfInstancesAreNotTorn(t *testing.T) {
	var log syncBuffer
	f := newFunction(t, each(func(r *fakeRuntime, e fakeEvent) string {
		for range 100 {
			line := strings.Repeat(fmt.Sprint(r.number%10), 70) + "\n"
			_, _ = io.WriteString(r.spec.Stdout, line[:35])
			_, _ = io.WriteString(r.spec.Stdout, line[35:])
		}
		return `{}`
	}), func(c *Config) { c.Log = &log })
	server := serve(t, f)
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() { get(t, server.URL) })
	}
	wg.Wait()
	whole := regexp.MustCompile(`^(0{70}|1{70}|2{70}|3{70}|4{70}|5{70}|START .*|END .*|REPORT .*)$`)
	for line := range strings.Lines(log.String()) {
		if !whole.MatchString(strings.TrimSuffix(line, "\n")) {
			t.Fatalf("a torn line: %q", line)
		}
	}
}

func TestWriteToAConnectionThatTheOtherSideHasClosedFails(t *testing.T) {
	tcp, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	client, err := net.Dial("tcp", tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := apiListener{tcp}.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	client.Close()
	if _, err := server.Write([]byte("x")); err == nil {
		t.Error("the kernel took it, and nobody will read it")
	}
	server.Close()
	if !server.(*apiConn).unread() {
		t.Error("it is not known that nobody read it")
	}
}
