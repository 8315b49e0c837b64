//go:build linux

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestAppServesRequestsOneAfterTheOther(t *testing.T) {
	p := newPlatform(t)
	p.start("http")
	for range 20 {
		p.awaitNext()
		a := p.request("POST", "/a/b?x=1&x=2", "hello")
		var s seen
		if err := json.Unmarshal([]byte(a.Body), &s); err != nil {
			t.Fatal(err)
		}
		if s.Method != "POST" || s.Target != "/a/b?x=1&x=2" || string(s.Body) != "hello" || s.Length != 5 ||
			s.Proto != "HTTP/1.1" || s.Host != "x.lambda-url.eu-west-1.on.aws" || s.Header.Get("Content-Type") != "text/plain" {
			t.Fatalf("the app saw %+v", s)
		}
	}
}

func TestAppGetsThePlatformsEnvironmentAndThePort(t *testing.T) {
	p := newPlatform(t)
	p.start("http", "SET_BY_BOTH=deployment", "PORT="+strconv.Itoa(p.port))
	p.awaitNext()
	var env []string
	if err := json.Unmarshal([]byte(p.request("GET", "/env", "").Body), &env); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"PORT=" + strconv.Itoa(p.port), "FROM_RELEASE=release", "SET_BY_BOTH=deployment", "AWS_REGION=eu-west-1",
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(p.server.URL, "http://"),
		"CWD=" + filepath.Join(p.root, "app"),
	} {
		if !slices.Contains(env, want) {
			t.Errorf("the app's environment does not hold %s: %q", want, env)
		}
	}
}

func TestBodiesOfEverySizeArriveWhole(t *testing.T) {
	p := newPlatform(t)
	p.start("http")
	for _, path := range []string{"/echo", "/stream-echo"} {
		for _, n := range []int{0, 1, 3, 1000, 4096, 100_000, 1_000_000, 4_500_000} {
			p.awaitNext()
			body := make([]byte, n)
			for i := range body {
				body[i] = byte(i * 7)
			}
			var e map[string]any
			json.Unmarshal([]byte(httpEventJSON("POST", path, base64.StdEncoding.EncodeToString(body))), &e)
			e["isBase64Encoded"] = true
			data, _ := json.Marshal(e)
			r := p.invoke(fakeEvent{body: string(data)})
			var a answer
			if err := json.Unmarshal(r.body, &a); err != nil {
				t.Fatalf("%s, %d bytes: %v in %.200s", path, n, err, r.body)
			}
			got := []byte(a.Body)
			if a.IsBase64Encoded {
				got, _ = base64.StdEncoding.DecodeString(a.Body)
			}
			if !bytes.Equal(got, body) {
				t.Fatalf("%s: of %d bytes, %d came back, or others", path, n, len(got))
			}
		}
	}
}

func TestChunkedAnswersArriveWhole(t *testing.T) {
	p := newPlatform(t)
	p.start("http")
	for _, n := range []int{0, 1, 777, 778, 50_000, 2_000_000} {
		p.awaitNext()
		a := p.request("GET", "/body?chunked=1&n="+strconv.Itoa(n), "")
		if len(a.Body) != n {
			t.Errorf("of %d bytes, %d arrived", n, len(a.Body))
		}
	}
}

func TestAnswersThatServersSend(t *testing.T) {
	cases := []struct {
		name, raw, query string
		method           string
		want             answer
	}{
		{"the end of the connection ends the body", "HTTP/1.0 200 OK\r\nX-A: 1\r\n\r\nhello", "close", "GET",
			answer{StatusCode: 200, Headers: map[string]string{"X-A": "1"}, Body: "hello"}},
		{"byte by byte", "HTTP/1.1 200 OK\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "slowly", "GET",
			answer{StatusCode: 200, Headers: map[string]string{"X-A": "1"}, Body: "hello"}},
		{"informational answers come first", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "", "GET",
			answer{StatusCode: 200, Headers: map[string]string{"Content-Length": "2"}, Body: "ok"}},
		{"HEAD has no body", "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n", "", "HEAD",
			answer{StatusCode: 200, Headers: map[string]string{"Content-Length": "1234"}}},
		{"204 has no body", "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n", "", "DELETE",
			answer{StatusCode: 204, Headers: map[string]string{"X-A": "1"}}},
		{"304 has no body, whatever its length says", "HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\nETag: \"x\"\r\n\r\n", "", "GET",
			answer{StatusCode: 304, Headers: map[string]string{"Content-Length": "10", "ETag": `"x"`}}},
		{"trailers are left out", "HTTP/1.1 200 OK\r\nTrailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\nX-T: 1\r\n\r\n", "", "GET",
			answer{StatusCode: 200, Headers: map[string]string{}, Body: "ok"}},
		{"the connection is closed as announced", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", "close", "GET",
			answer{StatusCode: 200, Headers: map[string]string{"Content-Length": "2"}, Body: "ok"}},
		{"no reason phrase", "HTTP/1.1 299\r\nContent-Length: 0\r\n\r\n", "", "GET",
			answer{StatusCode: 299, Headers: map[string]string{"Content-Length": "0"}}},
		{"cookies and repeated fields", "HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nVary: A\r\nset-cookie: b=2\r\nvary: B\r\nContent-Length: 0\r\n\r\n", "", "GET",
			answer{StatusCode: 200, Headers: map[string]string{"Vary": "A, B", "Content-Length": "0"}, Cookies: []string{"a=1; Path=/", "b=2"}}},
	}
	p := newPlatform(t)
	p.start("raw")
	for i, c := range cases {
		name := "answer" + strconv.Itoa(i)
		if err := os.WriteFile(filepath.Join(p.root, "app", name), []byte(c.raw), 0o644); err != nil {
			t.Fatal(err)
		}
		// Twice, so that a connection that is not where it should be shows.
		for range 2 {
			p.awaitNext()
			got := p.request(c.method, "/"+name+"?"+c.query, "")
			if !equalAnswers(got, c.want) {
				t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
			}
		}
	}
}

func equalAnswers(a, b answer) bool {
	return a.StatusCode == b.StatusCode && a.Body == b.Body && a.IsBase64Encoded == b.IsBase64Encoded &&
		slices.Equal(a.Cookies, b.Cookies) && len(a.Headers) == len(b.Headers) &&
		func() bool {
			for k, v := range a.Headers {
				if b.Headers[k] != v {
					return false
				}
			}
			return true
		}()
}

func TestAnswersThatCannotBeRead(t *testing.T) {
	cases := []struct{ name, raw, message string }{
		{"another protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n", "does not speak HTTP/1"},
		{"cut in the header", "HTTP/1.1 200 OK\r\nX-A", "middle of the answer's header"},
		{"cut in the body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", "middle of the answer's body"},
		{"cut in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok", "middle of the answer's body"},
		{"bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok", "malformed chunk"},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", "Content-Length"},
		{"negative length", "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok", "Content-Length"},
		{"encoded transfer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "Transfer-Encoding"},
		{"space before the colon", "HTTP/1.1 200 OK\r\nX-A : 1\r\n\r\n", "malformed header field"},
		{"another protocol is switched to", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", "101"},
		{"nothing", "", "before it answered"},
		{"endless header", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-A: 12345678901234567890\r\n", 20_000), "256 KB"},
	}
	p := newPlatform(t)
	p.start("raw")
	for i, c := range cases {
		name := "answer" + strconv.Itoa(i)
		if err := os.WriteFile(filepath.Join(p.root, "app", name), []byte(c.raw), 0o644); err != nil {
			t.Fatal(err)
		}
		p.awaitNext()
		r := p.fails(appBadAnswer, "POST", "/"+name+"?close", "", time.Time{})
		if !strings.Contains(r.failure.ErrorMessage, c.message) || !strings.Contains(r.failure.ErrorMessage, "POST /"+name) {
			t.Errorf("%s: the message is %q", c.name, r.failure.ErrorMessage)
		}
	}
}

func TestEarlyAnswerEndsTheSending(t *testing.T) {
	p := newPlatform(t)
	p.start("http")
	for range 3 {
		p.awaitNext()
		// More than the kernel buffers on the way.
		a := p.request("POST", "/early", strings.Repeat("x", 5_000_000))
		if a.StatusCode != http.StatusRequestEntityTooLarge || a.Body != "too much" {
			t.Fatalf("the answer is %+v", a)
		}
	}
}

func TestAnswerToARequestThatIsNeverReadArrives(t *testing.T) {
	p := newPlatform(t)
	p.start("raw")
	for range 3 {
		p.awaitNext()
		if a := p.request("POST", "/?unread", strings.Repeat("x", 5_900_000)); a.StatusCode != 413 || a.Body != "no" {
			t.Fatalf("the answer is %+v", a)
		}
	}
}

func TestConnectionThatWasClosedBetweenRequestsIsReplaced(t *testing.T) {
	p := newPlatform(t)
	p.start("raw")
	os.WriteFile(filepath.Join(p.root, "app", "ok"), []byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), 0o644)
	for i := range 5 {
		p.awaitNext()
		target := "/ok?close=" + strconv.Itoa(i)
		if a := p.request("POST", target, "x"); a.Body != "ok" {
			t.Fatalf("the answer is %+v", a)
		}
		p.stdout.await(t, "closed "+target)
	}
}

func TestRequestIsRepeatedOnlyIfThatIsSafe(t *testing.T) {
	p := newPlatform(t)
	p.start("raw")
	os.WriteFile(filepath.Join(p.root, "app", "ok"), []byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), 0o644)
	p.awaitNext()
	// The health path was asked for on this connection, so it is not new.
	if a := p.request("GET", "/ok?drop-used", ""); a.Body != "ok" {
		t.Fatalf("the answer is %+v", a)
	}
	p.stdout.await(t, "request 2 GET /ok?drop-used")
	p.stdout.await(t, "request 1 GET /ok?drop-used")
	p.awaitNext()
	r := p.fails(appBadAnswer, "POST", "/ok?drop-used", "pay 10", time.Time{})
	if strings.Count(p.stdout.all(), "POST") != 1 {
		t.Errorf("the app saw %s, then %s", p.stdout.all(), r.body)
	}
}

func TestEventsThatAreNotHTTPArePosted(t *testing.T) {
	p := newPlatform(t)
	p.start("http", "TWOFOLD_EVENTS_PATH=/events")
	p.awaitNext()
	event := `{"Records": [ {"body":"json"} ]}`
	r := p.invoke(fakeEvent{body: event})
	var s seen
	if err := json.Unmarshal(r.body, &s); err != nil {
		t.Fatalf("%v in %s", err, r.body)
	}
	if s.Method != "POST" || s.Target != "/events" || string(s.Body) != event || s.Header.Get("Content-Type") != "application/json" ||
		s.Header.Get("X-Amzn-Trace-Id") != "Root=1-5e-7;Sampled=1" {
		t.Errorf("the app saw %+v", s)
	}
	p.awaitNext()
	if r := p.invoke(fakeEvent{body: `[1,2]`}); string(r.body) != "null" {
		t.Errorf("an answer that is not JSON became %s, want null", r.body)
	}
	p.awaitNext()
	r = p.invoke(fakeEvent{body: `{"order":"refuse"}`})
	r.mustBe(t, "/error", eventFailed)
	for _, want := range []string{"422", "the order is unknown", "POST /events"} {
		if !strings.Contains(r.failure.ErrorMessage, want) {
			t.Errorf("the message %q does not hold %q", r.failure.ErrorMessage, want)
		}
	}
	p.awaitNext()
	r = p.invoke(fakeEvent{body: `{"order":`})
	r.mustBe(t, "/error", eventInvalid)
}

func TestEventsPathCanBeSet(t *testing.T) {
	p := newPlatform(t)
	p.start("http", "TWOFOLD_EVENTS_PATH=/tasks/nightly")
	p.awaitNext()
	r := p.invoke(fakeEvent{body: `{}`})
	var s seen
	json.Unmarshal(r.body, &s)
	if s.Target != "/tasks/nightly" {
		t.Errorf("the app saw %+v", s)
	}
}

func TestOutputPassesUntouched(t *testing.T) {
	p := newPlatform(t)
	p.outFile, p.errFile = tempFile(t), tempFile(t)
	p.start("http")
	for range 50 {
		p.awaitNext()
		p.request("GET", "/print?out=one%0Atwo%00%FF&err=three", "")
		// By the time of the answer the platform has all that was printed before it.
		if out, err := take(t, p.outFile), take(t, p.errFile); out != "one\ntwo\x00\xff" || err != "three" {
			t.Fatalf("stdout is %q, stderr is %q", out, err)
		}
	}
}

// tempFile returns an empty file that is appended to, as the platform's log is.
func tempFile(t *testing.T) *os.File {
	f, err := os.OpenFile(filepath.Join(t.TempDir(), "file"), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// take returns what the file holds, and empties it.
func take(t *testing.T, f *os.File) string {
	t.Helper()
	data, err := os.ReadFile(f.Name())
	if err == nil {
		err = f.Truncate(0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestAppThatIsReadyLate(t *testing.T) {
	p := newPlatform(t)
	p.start("ready-at-tenth")
	p.awaitNext()
}

func TestAppThatExitsAtTheStart(t *testing.T) {
	p := newPlatform(t)
	p.start("exits")
	r := p.awaitReport()
	r.mustBe(t, "init/error", appExited)
	if r.path != "init/error" || !strings.Contains(r.failure.ErrorMessage, "exited with status 3 while it started") {
		t.Errorf("the report is %s %+v", r.path, r.failure)
	}
	if lines := r.failure.StackTrace; len(lines) != tailLines || lines[tailLines-1] != "cannot read the config" || lines[tailLines-2] != "line 29" {
		t.Errorf("the last lines are %q", r.failure.StackTrace)
	}
	if code := p.awaitExit(); code != 1 {
		t.Errorf("the adapter exited with %d", code)
	}
}

func TestAppThatIsNeverReady(t *testing.T) {
	cases := []struct{ app, why, line string }{
		{"never-listens", "nothing listens on port", "waiting for the database"},
		{"never-ready", "GET /healthz answered 503", "not yet"},
	}
	for _, c := range cases {
		p := newPlatform(t)
		p.start(c.app, "TWOFOLD_START_TIMEOUT=700ms")
		r := p.awaitReport()
		r.mustBe(t, "init/error", appNotReady)
		if !strings.Contains(r.failure.ErrorMessage, c.why) || !strings.Contains(r.failure.ErrorMessage, "700ms") {
			t.Errorf("%s: the message is %q", c.app, r.failure.ErrorMessage)
		}
		if !slices.Contains(r.failure.StackTrace, c.line) {
			t.Errorf("%s: the last lines are %q", c.app, r.failure.StackTrace)
		}
		if code := p.awaitExit(); code != 1 {
			t.Errorf("%s: the adapter exited with %d", c.app, code)
		}
	}
}

func TestCommandsThatCannotBeStarted(t *testing.T) {
	cases := []struct{ name, command, message string }{
		{"missing file", "./server", "no such file"},
		{"not in PATH", "no-such-program", "not in PATH"},
		{"not executable", "./plain", "not executable"},
		{"not a program", "./garbage", "not a program for linux/"},
	}
	for _, c := range cases {
		p := newPlatform(t)
		os.MkdirAll(filepath.Join(p.root, "app"), 0o755)
		os.WriteFile(filepath.Join(p.root, "app", "plain"), []byte("x"), 0o644)
		os.WriteFile(filepath.Join(p.root, "app", "garbage"), []byte("\x7fELFgarbage"), 0o755)
		p.startCommand([]string{c.command})
		r := p.awaitReport()
		r.mustBe(t, "init/error", appNotStarted)
		if !strings.Contains(r.failure.ErrorMessage, c.message) || !strings.Contains(r.failure.ErrorMessage, c.command) {
			t.Errorf("%s: the message is %q", c.name, r.failure.ErrorMessage)
		}
		if code := p.awaitExit(); code != 1 {
			t.Errorf("%s: the adapter exited with %d", c.name, code)
		}
	}
}

func TestBundleWithoutConfig(t *testing.T) {
	p := newPlatform(t)
	p.run()
	r := p.awaitReport()
	r.mustBe(t, "init/error", badBundle)
	if !strings.Contains(r.failure.ErrorMessage, configName) {
		t.Errorf("the message is %q", r.failure.ErrorMessage)
	}
	if code := p.awaitExit(); code != 1 {
		t.Errorf("the adapter exited with %d", code)
	}
}

func TestAppThatDiesInARequestIsReportedAndStartedAgain(t *testing.T) {
	cases := []struct{ path, how, line string }{
		{"/exit", "exited with status 7 while it served POST /exit", "panic: no more"},
		{"/kill", "was killed (signal 9)", ""},
	}
	p := newPlatform(t)
	p.start("http")
	p.awaitNext()
	before := p.request("GET", "/pid", "").Body
	for _, c := range cases {
		p.awaitNext()
		r := p.fails(appExited, "POST", c.path, "", time.Time{})
		if !strings.Contains(r.failure.ErrorMessage, c.how) {
			t.Errorf("%s: the message is %q", c.path, r.failure.ErrorMessage)
		}
		if c.line != "" && !slices.Contains(r.failure.StackTrace, c.line) {
			t.Errorf("%s: the last lines are %q", c.path, r.failure.StackTrace)
		}
		p.awaitNext()
		after := p.request("POST", "/pid", "").Body
		if after == before {
			t.Errorf("%s: the app was not started again", c.path)
		}
		before = after
	}
}

func TestAppThatDiesBetweenRequestsIsStartedAgain(t *testing.T) {
	p := newPlatform(t)
	p.start("http")
	p.awaitNext()
	before := p.request("GET", "/pid", "").Body
	p.awaitNext()
	if a := p.request("GET", "/exit-after", ""); a.Body != "bye" {
		t.Fatalf("the answer is %+v", a)
	}
	p.awaitNext()
	pid, _ := strconv.Atoi(before)
	awaitGone(t, pid)
	if after := p.request("POST", "/pid", "").Body; after == before {
		t.Error("the app was not started again")
	}
}

func TestLateAnswerIsReportedBeforeTheDeadline(t *testing.T) {
	p := newPlatform(t)
	p.start("http")
	p.awaitNext()
	before := p.request("GET", "/pid", "").Body
	p.awaitNext()
	deadline := time.Now().Add(600 * time.Millisecond)
	r := p.fails(appTimeout, "GET", "/hang", "", deadline)
	if now := time.Now(); now.After(deadline) || deadline.Sub(now) > 300*time.Millisecond {
		t.Errorf("the report came %v before the deadline", deadline.Sub(now))
	}
	if !strings.Contains(r.failure.ErrorMessage, "GET /hang") || !slices.Contains(r.failure.StackTrace, "thinking about it") {
		t.Errorf("the report is %+v", r.failure)
	}
	p.awaitNext()
	if after := p.request("GET", "/pid", "").Body; after == before {
		t.Error("the app that hangs was not started again")
	}
}

func TestAnswerThatIsTooLarge(t *testing.T) {
	p := newPlatform(t)
	p.start("http")
	for _, path := range []string{
		"/body?n=7000000", "/body?n=7000000&chunked=1", "/body?n=60000000", "/body?n=5000000&binary=1",
	} {
		p.awaitNext()
		r := p.fails(answerTooLarge, "GET", path, "", time.Time{})
		if !strings.Contains(r.failure.ErrorMessage, "GET /body") || !strings.Contains(r.failure.ErrorMessage, "6 MB") {
			t.Errorf("%s: the message is %q", path, r.failure.ErrorMessage)
		}
	}
	p.awaitNext()
	if a := p.request("GET", "/body?n=6000000", ""); len(a.Body) != 6_000_000 {
		t.Errorf("of 6,000,000 bytes, %d arrived", len(a.Body))
	}
}

func TestAdapterRegistersForSIGTERMBeforeTheFirstEvent(t *testing.T) {
	p := newPlatform(t)
	p.extensions = make(chan string, 10)
	p.start("http")
	p.awaitNext()
	if got := <-p.extensions; got != `register twofold-adapter {"events":[]}` {
		t.Errorf("the first call is %q", got)
	}
	select {
	case got := <-p.extensions:
		if got != "next ext-1" {
			t.Errorf("the second call is %q", got)
		}
	case <-time.After(patience):
		t.Error("the extension does not ask for an event, so the environment would never count as started")
	}
	p.request("GET", "/", "")
}

func TestSIGTERMReachesTheApp(t *testing.T) {
	p := newPlatform(t)
	p.start("http")
	p.awaitNext()
	p.request("GET", "/terms", "")
	p.awaitNext()
	p.adapter.Process.Signal(syscall.SIGTERM)
	if code := p.awaitExit(); code != 0 || !strings.Contains(p.stdout.all(), "stopping") {
		t.Errorf("the adapter exited with %d; the app printed %q", code, p.stdout.all())
	}
}

func TestSIGTERMDoesNotWaitForever(t *testing.T) {
	p := newPlatform(t)
	p.start("http")
	p.awaitNext()
	pid, _ := strconv.Atoi(p.request("GET", "/pid", "").Body)
	p.awaitNext()
	p.request("GET", "/terms?stubborn=1", "")
	p.awaitNext()
	begin := time.Now()
	p.adapter.Process.Signal(syscall.SIGTERM)
	if code := p.awaitExit(); code != 137 {
		t.Errorf("the adapter exited with %d", code)
	}
	if took := time.Since(begin); took < stopGrace || took > 10*stopGrace {
		t.Errorf("the adapter took %v", took)
	}
	if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
		t.Errorf("the app still runs: %v", err)
	}
}

func TestSIGTERMLetsTheRequestBeAnswered(t *testing.T) {
	p := newPlatform(t)
	p.start("http")
	p.awaitNext()
	done := make(chan report)
	go func() {
		p.events <- fakeEvent{id: "a", body: httpEventJSON("GET", "/wait-for-term", ""), deadline: time.Now().Add(patience)}
		done <- <-p.reports
	}()
	p.stdout.await(t, "waiting")
	p.adapter.Process.Signal(syscall.SIGTERM)
	select {
	case r := <-done:
		if !strings.Contains(string(r.body), "finished") {
			t.Errorf("the report is %s %s", r.path, r.body)
		}
	case <-time.After(patience):
		t.Fatal("no answer")
	}
	if code := p.awaitExit(); code != 0 {
		t.Errorf("the adapter exited with %d", code)
	}
}

func TestAppEndsWithTheAdapter(t *testing.T) {
	p := newPlatform(t)
	p.start("http")
	p.awaitNext()
	pid, _ := strconv.Atoi(p.request("GET", "/pid", "").Body)
	p.adapter.Process.Kill()
	p.awaitExit()
	awaitGone(t, pid)
}

func TestAdapterEndsWithTheRuntimeAPI(t *testing.T) {
	p := newPlatform(t)
	p.start("http")
	p.awaitNext()
	pid, _ := strconv.Atoi(p.request("GET", "/pid", "").Body)
	p.awaitNext()
	p.server.Listener.Close()
	p.server.CloseClientConnections()
	if code := p.awaitExit(); code != 1 {
		t.Errorf("the adapter exited with %d", code)
	}
	awaitGone(t, pid)
}

// awaitGone waits until the process has ended, with all its threads.
func awaitGone(t *testing.T, pid int) {
	t.Helper()
	const pidfdOpen = 434 // the same on all architectures
	fd, _, e := syscall.Syscall(pidfdOpen, uintptr(pid), 0, 0)
	if e == syscall.ESRCH {
		return
	}
	if e != 0 {
		t.Fatal(e)
	}
	defer syscall.Close(int(fd))
	if err := pollFDs([]pollFD{{fd: int32(fd), events: pollIn}}, time.Now().Add(patience)); err != nil {
		t.Errorf("the app %d still runs: %v", pid, err)
	}
}
