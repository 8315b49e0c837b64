//go:build e2e

package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
	"github.com/google/go-cmp/cmp"

	"github.com/twofoldhq/twofold/targets/queue/queuetest"
)

const group = "shop-api-prod"

// post is a request that an app got, and how the test answers it.
type post struct {
	path   string
	header http.Header
	body   string
	answer chan string // a status and a body
}

func (p post) done()             { p.answer <- "200" }
func (p post) say(answer string) { p.answer <- answer }

// app hands its requests to the test.
type app struct {
	posts chan post
	over  <-chan struct{}
}

func (a app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p := post{path: r.URL.Path, header: r.Header, body: string(body), answer: make(chan string)}
	answer := "500 the test is over"
	select {
	case a.posts <- p:
		select {
		case answer = <-p.answer:
		case <-a.over:
		}
	case <-a.over:
	}
	status, text, _ := strings.Cut(answer, " ")
	if status == "cut" {
		w.WriteHeader(http.StatusOK)
		panic(http.ErrAbortHandler)
	}
	var code int
	fmt.Sscan(status, &code)
	w.WriteHeader(code)
	io.WriteString(w, text)
}

func (a app) next(t *testing.T) post {
	t.Helper()
	select {
	case p := <-a.posts:
		return p
	case <-time.After(20 * time.Second):
		t.Fatal("no message is posted")
	}
	panic("unreachable")
}

// bench is a server, an app and a runner between them.
type bench struct {
	*queuetest.Server
	down   atomic.Bool // the app
	app    app
	runner *Runner
	log    chan string
}

func newBench(t *testing.T, args ...string) *bench {
	t.Helper()
	t.Parallel()
	b := &bench{Server: queuetest.Start(t, "127.0.0.1", args...), app: app{make(chan post), t.Context().Done()}, log: make(chan string, 1000)}
	b.runner = b.newRunner(t)
	return b
}

func (b *bench) newRunner(t *testing.T) *Runner {
	t.Helper()
	r := New(Config{App: b.app, Ready: b.ready, Log: func(line string) { b.log <- line }})
	t.Cleanup(func() {
		r.Stop()
		r.Wait()
	})
	return r
}

func (b *bench) ready(context.Context) error {
	if b.down.Load() {
		return errors.New("the app is down")
	}
	return nil
}

// orders is a queue whose messages are due again soon.
func (b *bench) orders() Queue {
	return Queue{
		Name: "new-orders", Source: "orders", Path: "/events/orders", Batch: 10,
		URL: b.URL("orders"), Group: group, Parallel: 1, Pause: 50 * time.Millisecond,
	}
}

// said waits for a line of the log.
func (b *bench) said(t *testing.T, part string) string {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		select {
		case line := <-b.log:
			if strings.Contains(line, part) {
				return line
			}
		case <-limit:
			t.Fatalf("the log lacks %q", part)
		}
	}
}

// settled waits until nothing is pending.
func (b *bench) settled(t *testing.T) {
	t.Helper()
	for limit := time.Now().Add(20 * time.Second); b.Pending(t, "orders", group) != 0; {
		if time.Now().After(limit) {
			t.Fatal("messages are pending")
		}
	}
}

func (b *bench) set(list ...Queue) { b.runner.Set(list, nil) }

func TestMessagesArePostedAsAFunctionGetsThem(t *testing.T) {
	b := newBench(t)
	first := b.Add(t, "orders", "body", `{"order": 1}`, "kind", "new", "two words", "x", "line", "a\nb")
	b.set(b.orders())
	b.Add(t, "orders", "body", "plain <text>")
	b.Add(t, "orders", "order", "3", "kind", "<old>")
	want := []post{
		{body: `{"order": 1}`, header: http.Header{"Content-Type": {"application/json"}, "Twofold-Attribute-Kind": {"new"}}},
		{body: "plain <text>", header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}},
		{body: `{"kind":"<old>","order":"3"}`, header: http.Header{"Content-Type": {"application/json"}}},
	}
	for n, w := range want {
		p := b.app.next(t)
		if n == 0 && p.header.Get("Twofold-Message-Id") != first {
			t.Errorf("the id is %q, want %q", p.header.Get("Twofold-Message-Id"), first)
		}
		w.header["Twofold-Message-Id"] = p.header["Twofold-Message-Id"]
		for name, value := range map[string]string{"Attempt": "1", "Event-Kind": "queue", "Event-Source": "orders", "Trigger": "new-orders"} {
			w.header["Twofold-"+name] = []string{value}
		}
		if diff := cmp.Diff(w.header, p.header); diff != "" || p.body != w.body || p.path != "/events/orders" {
			t.Errorf("POST %s %s\n%s", p.path, p.body, diff)
		}
		p.done()
	}
	b.settled(t)
}

func TestABatchAsAWholeFailsInParts(t *testing.T) {
	b := newBench(t)
	q := b.orders()
	q.Whole, q.Batch = true, 3
	ids := []string{b.Add(t, "orders", "body", "one", "kind", "new"), b.Add(t, "orders", "body", "two"), b.Add(t, "orders", "body", "three")}
	b.set(q)
	p := b.app.next(t)
	var event struct{ Records []map[string]any }
	if err := json.Unmarshal([]byte(p.body), &event); err != nil || len(event.Records) != 3 {
		t.Fatalf("the app gets %s", p.body)
	}
	sent, _, _ := strings.Cut(ids[0], "-")
	want := map[string]any{
		"messageId": ids[0], "body": "one", "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:::orders",
		"attributes":        map[string]any{"ApproximateReceiveCount": "1", "SentTimestamp": sent},
		"messageAttributes": map[string]any{"kind": map[string]any{"stringValue": "new", "dataType": "String"}},
	}
	if diff := cmp.Diff(want, event.Records[0]); diff != "" {
		t.Error(diff)
	}
	p.say(`200 {"batchItemFailures": [{"itemIdentifier": "` + ids[1] + `"}]}`)
	for _, answer := range []string{
		`200 {"batchItemFailures": [{"itemIdentifier": "unknown"}]}`, `200 {"batchItemFailures": "all"}`, "500", `200 {"batchItemFailures": []}`,
	} {
		p = b.app.next(t)
		if !strings.Contains(p.body, ids[1]) || strings.Contains(p.body, ids[0]) || strings.Contains(p.body, ids[2]) {
			t.Errorf("posted again is %s, want the second message alone", p.body)
		}
		p.say(answer)
	}
	b.settled(t)
	if n := b.Count(t, "orders:dead"); n != 0 {
		t.Errorf("%d messages were put aside", n)
	}
}

func TestAMessageThatFailsForGoodIsPutAsideAndBlocksNothing(t *testing.T) {
	b := newBench(t)
	b.set(b.orders())
	poison := b.Add(t, "orders", "body", "poison", "kind", "bad")
	attempts := 0
	for others := 0; attempts < Tries; {
		p := b.app.next(t)
		if p.body != "poison" {
			others++
			p.done()
			continue
		}
		attempts++
		if got := p.header.Get("Twofold-Attempt"); got != fmt.Sprint(attempts) {
			t.Errorf("attempt %d is called %s", attempts, got)
		}
		if attempts == 3 {
			p.say("cut")
		} else {
			p.say("500 sorry")
		}
		b.Add(t, "orders", "body", "good")
	}
	for p := b.app.next(t); ; p = b.app.next(t) {
		if p.body != "good" {
			t.Fatalf("posted is %q after %d attempts", p.body, Tries)
		}
		p.done()
		if b.Pending(t, "orders", group) <= 1 && b.Count(t, "orders:dead") == 1 {
			break
		}
		b.Add(t, "orders", "body", "good")
	}
	b.settled(t)
	entries, err := redis.Values(b.Do(t, "XRANGE", "orders:dead", "-", "+"), nil)
	if err != nil || len(entries) != 1 {
		t.Fatalf("put aside are %d messages: %v", len(entries), err)
	}
	fields, _ := redis.Strings(entries[0].([]any)[1], nil)
	if diff := cmp.Diff([]string{"body", "poison", "kind", "bad"}, fields); diff != "" {
		t.Error(diff)
	}
	if line := b.said(t, "has failed 5 times"); !strings.Contains(line, poison) || !strings.Contains(line, "orders:dead") {
		t.Errorf("the log says %q", line)
	}
}

func TestMessagesArePostedInTheirOrder(t *testing.T) {
	b := newBench(t)
	for n := range 100 {
		b.Add(t, "orders", "body", fmt.Sprint(n))
	}
	b.set(b.orders())
	for n := range 100 {
		p := b.app.next(t)
		if p.body != fmt.Sprint(n) {
			t.Fatalf("message %s comes as number %d", p.body, n)
		}
		p.done()
	}
	b.settled(t)
}

func TestSeveralBatchesAreUnderWayAtATime(t *testing.T) {
	b := newBench(t)
	q := b.orders()
	q.Parallel, q.Batch = 2, 1
	b.set(q)
	for n := range 3 {
		b.Add(t, "orders", "body", fmt.Sprint(n))
	}
	first, second := b.app.next(t), b.app.next(t)
	select {
	case p := <-b.app.posts:
		t.Errorf("%s is posted while two are under way", p.body)
		p.done()
	default:
	}
	first.done()
	third := b.app.next(t)
	second.done()
	third.done()
	b.settled(t)
}

func TestAMessageThatIsUnderWayForLongIsNotPostedAgain(t *testing.T) {
	b := newBench(t)
	q := b.orders()
	q.Parallel = 2
	b.set(q)
	b.Add(t, "orders", "body", "one")
	first := b.app.next(t)
	for limit := time.Now().Add(20 * time.Second); ; {
		rows, err := redis.Values(b.Do(t, "XPENDING", "orders", group, "IDLE", 3*block.Milliseconds(), "-", "+", 1), nil)
		if err == nil && len(rows) == 1 {
			break
		}
		if time.Now().After(limit) {
			t.Fatal("it does not stay as it was")
		}
	}
	b.Add(t, "orders", "body", "two")
	if p := b.app.next(t); p.body != "two" {
		t.Errorf("posted is %q", p.body)
	} else {
		p.done()
	}
	first.done()
	b.settled(t)
}

// TestWhatATakerLeftBehindIsPosted has messages that a process had taken that is no more,
// and one of them deleted from the stream.
func TestWhatATakerLeftBehindIsPosted(t *testing.T) {
	b := newBench(t)
	b.Add(t, "orders", "body", "one")
	gone := b.Add(t, "orders", "body", "two")
	b.Do(t, "XGROUP", "CREATE", "orders", group, "0")
	b.Do(t, "XREADGROUP", "GROUP", group, "somebody", "STREAMS", "orders", ">")
	b.Do(t, "XDEL", "orders", gone)
	last := b.Add(t, "orders", "body", "three")
	b.Do(t, "XREADGROUP", "GROUP", group, "somebody", "STREAMS", "orders", ">")
	b.Do(t, "XCLAIM", "orders", group, "somebody", 0, last, "RETRYCOUNT", Tries)
	b.set(b.orders())
	p := b.app.next(t)
	if p.body != "one" || p.header.Get("Twofold-Attempt") != "2" {
		t.Errorf("posted is %q, attempt %s", p.body, p.header.Get("Twofold-Attempt"))
	}
	p.done()
	b.settled(t)
	if n := b.Count(t, "orders:dead"); n != 1 {
		t.Errorf("%d messages were put aside, want the one that was taken %d times", n, Tries)
	}
}

func TestAQueueThatChangesGivesBackWhatWasNotPosted(t *testing.T) {
	b := newBench(t)
	q := b.orders()
	q.Pause = time.Hour
	for _, body := range []string{"one", "two", "three"} {
		b.Add(t, "orders", "body", body)
	}
	b.set(q)
	p := b.app.next(t)
	b.set(q) // it stays as it is
	q.Path = "/new"
	b.set(q)
	p.done()
	for _, body := range []string{"two", "three"} {
		p := b.app.next(t)
		if p.body != body || p.path != "/new" || p.header.Get("Twofold-Attempt") != "1" {
			t.Errorf("POST %s %q, attempt %s", p.path, p.body, p.header.Get("Twofold-Attempt"))
		}
		p.done()
	}
	b.settled(t)
}

func TestAServerThatIsAwayIsTriedAgain(t *testing.T) {
	b := newBench(t)
	q := b.orders()
	q.Pause, q.Parallel = 10*time.Second, 2
	b.set(q)
	b.Add(t, "orders", "body", "one")
	p := b.app.next(t)
	b.End(t)
	b.said(t, "no messages are taken: stream redis://127.0.0.1:")
	if s := b.runner.Status(); len(s) != 1 || s[0].Name != "new-orders" || s[0].Problem == "" {
		t.Errorf("the status is %+v", s)
	}
	p.say("200") // while the server is away
	b.Begin(t)
	b.said(t, "messages are taken again")
	if s := b.runner.Status(); s[0].Problem != "" {
		t.Errorf("the status is %+v", s)
	}
	b.settled(t)
	b.Add(t, "orders", "body", "two")
	if p = b.app.next(t); p.body != "two" {
		t.Errorf("%q is posted, though it was done", p.body)
	}
	p.done()
	b.Do(t, "DEL", "orders") // and the group with it
	b.Add(t, "orders", "body", "three")
	p = b.app.next(t)
	if p.body != "three" {
		t.Errorf("%q is posted", p.body)
	}
	p.done()
	b.settled(t)
}

func TestThePasswordIsThatOfTheSecret(t *testing.T) {
	b := newBench(t)
	b.Do(t, "ACL", "SETUSER", "shop", "on", ">hunter2", "~orders*", "+@all")
	q := b.orders()
	q.URL, q.Password = strings.Replace(q.URL, "redis://", "redis://shop@", 1), "ORDERS_PASSWORD"
	b.runner.Set([]Queue{q}, map[string]string{"ORDERS_PASSWORD": "hunter3"})
	if line := b.said(t, "WRONGPASS"); strings.Contains(line, "hunter") {
		t.Errorf("it shows a password: %s", line)
	}
	b.runner.Set([]Queue{q}, map[string]string{"ORDERS_PASSWORD": "hunter2"})
	b.Add(t, "orders", "body", "one")
	b.app.next(t).done()
	clients, _ := redis.String(b.Do(t, "CLIENT", "LIST"), nil)
	if !strings.Contains(clients, "user=shop") {
		t.Errorf("the clients are %s", clients)
	}
	b.settled(t)
}

func TestAnAppThatIsDownCostsOneAttempt(t *testing.T) {
	b := newBench(t)
	b.down.Store(true)
	for _, body := range []string{"one", "two", "three"} {
		b.Add(t, "orders", "body", body)
	}
	b.set(b.orders())
	b.said(t, "no messages are taken: the app is down")
	b.down.Store(false)
	b.said(t, "messages are taken again")
	p := b.app.next(t)
	b.down.Store(true)
	p.say("502")
	b.said(t, "no messages are taken: the app is down")
	b.down.Store(false)
	got := map[string]string{}
	for len(got) < 3 {
		p := b.app.next(t)
		got[p.body] = p.header.Get("Twofold-Attempt")
		p.done()
	}
	if diff := cmp.Diff(map[string]string{"one": "2", "two": "1", "three": "1"}, got); diff != "" {
		t.Error(diff)
	}
	b.settled(t)
}
