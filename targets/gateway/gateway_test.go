package gateway

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/targets/queue"
	"github.com/twofoldhq/twofold/targets/schedule"
	"github.com/twofoldhq/twofold/targets/schedule/scheduletest"
)

// backend is an app that answers with its name.
func backend(t *testing.T, name string, change func(http.ResponseWriter, *http.Request) bool) (address string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if change == nil || !change(w, r) {
			fmt.Fprint(w, name)
		}
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func open(t *testing.T, dir string, clock schedule.Clock) *Gateway {
	t.Helper()
	g, err := Open(dir, clock, log.New(t.Output(), "", 0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

func ask(t *testing.T, g http.Handler, host, path string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = host
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func set(t *testing.T, g *Gateway, name string, r Route) {
	t.Helper()
	if err := g.Set(t.Context(), name, r, func() {}); err != nil {
		t.Fatal(err)
	}
}

func TestRoutesOutliveTheGateway(t *testing.T) {
	dir := t.TempDir()
	g := open(t, dir, schedule.Machine{})
	if code, _ := ask(t, g, "shop.example.com", "/"); code != http.StatusNotFound {
		t.Errorf("without a route there is %d", code)
	}
	set(t, g, "one", Route{Hosts: []string{"Shop.example.com"}, Backends: []string{backend(t, "one", nil)}, Health: "/"})
	set(t, g, "two", Route{Backends: []string{backend(t, "two", nil)}})
	again := open(t, dir, schedule.Machine{})
	for _, g := range []*Gateway{g, again} {
		for host, want := range map[string]string{"shop.example.com": "one", "SHOP.EXAMPLE.COM:8080": "one", "shop.example.com.": "one", "other": "two"} {
			if _, got := ask(t, g, host, "/"); got != want {
				t.Errorf("%s answers %q, want %q", host, got, want)
			}
		}
	}
	if err := g.Remove("one"); err != nil {
		t.Fatal(err)
	}
	if _, got := ask(t, open(t, dir, schedule.Machine{}), "shop.example.com", "/"); got != "two" {
		t.Errorf("after the removal %q answers", got)
	}
}

func TestHostNameOfAnotherRoute(t *testing.T) {
	g := open(t, t.TempDir(), schedule.Machine{})
	r := Route{Hosts: []string{"shop.example.com"}, Backends: []string{backend(t, "one", nil)}}
	set(t, g, "one", r)
	r.Hosts = []string{"SHOP.example.com"}
	if err := g.Set(t.Context(), "two", r, func() {}); err == nil || !strings.Contains(err.Error(), "belongs to one") {
		t.Errorf("got %v", err)
	}
}

func TestBackendThatDoesNotGetReadyChangesNothing(t *testing.T) {
	g := open(t, t.TempDir(), schedule.Machine{})
	set(t, g, "api", Route{Backends: []string{backend(t, "one", nil)}, Health: "/healthz"})
	sick := backend(t, "two", func(w http.ResponseWriter, r *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	err := g.Set(t.Context(), "api", Route{Backends: []string{sick}, Health: "/healthz", Start: 50 * time.Millisecond}, func() { t.Error("it switched") })
	if err == nil || !strings.Contains(err.Error(), "GET /healthz still answers 503") {
		t.Errorf("got %v", err)
	}
	if _, got := ask(t, g, "x", "/"); got != "one" {
		t.Errorf("%q answers", got)
	}
}

func TestRequestsInFlightStayWithTheirBackend(t *testing.T) {
	g := open(t, t.TempDir(), schedule.Machine{})
	came, answer := make(chan struct{}), make(chan struct{})
	slow := backend(t, "old", func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/slow" {
			close(came)
			<-answer
		}
		return false
	})
	set(t, g, "api", Route{Backends: []string{slow}})
	body := make(chan string, 1)
	go func() {
		_, text := ask(t, g, "x", "/slow")
		body <- text
	}()
	<-came
	switched, done := make(chan struct{}), make(chan error, 1)
	next := Route{Backends: []string{backend(t, "new", nil)}}
	go func() { done <- g.Set(context.Background(), "api", next, func() { close(switched) }) }()
	<-switched
	if _, got := ask(t, g, "x", "/"); got != "new" {
		t.Errorf("%q answers after the switch", got)
	}
	select {
	case <-done:
		t.Error("the switch did not wait for the request in flight")
	default:
	}
	close(answer)
	if got := <-body; got != "old" {
		t.Errorf("the request in flight got %q", got)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestBackendThatIsGoneGetsNoRequest(t *testing.T) {
	g := open(t, t.TempDir(), schedule.Machine{})
	gone := httptest.NewServer(http.NotFoundHandler())
	set(t, g, "api", Route{Backends: []string{backend(t, "alive", nil), gone.Listener.Addr().String()}})
	gone.Close()
	for range 20 {
		if code, got := ask(t, g, "x", "/"); got != "alive" {
			t.Fatalf("got %d %q", code, got)
		}
	}
	s := g.Status(t.Context())["api"]
	if len(s.Ready) != 1 || len(s.Backends) != 2 {
		t.Errorf("the status is %+v", s)
	}
}

// TestBackendThatHangsGetsNoRequest has one of two backends that takes connections and
// answers nothing any more, and then does again.
func TestBackendThatHangsGetsNoRequest(t *testing.T) {
	clock := scheduletest.NewClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	g := open(t, t.TempDir(), clock)
	var sick atomic.Bool
	one := backend(t, "one", func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/healthz" && sick.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		return false
	})
	two := backend(t, "two", nil)
	set(t, g, "api", Route{Backends: []string{one, two}, Health: "/healthz"})
	answers := func() map[string]bool {
		all := map[string]bool{}
		for range 10 {
			_, got := ask(t, g, "x", "/")
			all[got] = true
		}
		return all
	}
	looked := func(times int) {
		for range times {
			clock.Await(2)
			clock.Move(lookEvery)
		}
		clock.Await(2) // both were asked
	}
	sick.Store(true)
	looked(misses - 1)
	if got := answers(); len(got) != 2 {
		t.Errorf("before it ails, %v answer", got)
	}
	looked(1)
	if got := answers(); len(got) != 1 || !got["two"] {
		t.Errorf("while one ails, %v answer", got)
	}
	sick.Store(false)
	looked(1)
	if got := answers(); len(got) != 2 {
		t.Errorf("when it is well again, %v answer", got)
	}
}

// TestRoutesThatCannotBeKept has a folder into which no routes can be written.
func TestRoutesThatCannotBeKept(t *testing.T) {
	dir, plain, _ := served(t)
	route := func(name string) *Route { return &Route{Backends: []string{backend(t, name, nil)}, Revision: name} }
	command(t, dir, Request{Op: OpSet, Name: "api", Route: route("one")})
	file := filepath.Join(dir, stateName)
	if err := errors.Join(os.Remove(file), os.MkdirAll(filepath.Join(file, "in the way"), 0o700)); err != nil {
		t.Fatal(err)
	}
	got := command(t, dir, Request{Op: OpSet, Name: "api", Route: route("two")})
	if len(got) != 1 || !got[0].Own || !strings.Contains(got[0].Error, "keep the routes") {
		t.Errorf("set answers %+v", got)
	}
	if s := command(t, dir, Request{Op: OpStatus})[0].Routes["api"]; s.Revision != "one" {
		t.Errorf("then %q has the requests", s.Revision)
	}
	resp, err := http.Get("http://" + plain)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "one" {
		t.Errorf("%q answers", body)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "."+stateName+"*")); len(left) > 0 {
		t.Errorf("files are left: %q", left)
	}
}

func TestSchedulesArePostedToTheBackend(t *testing.T) {
	clock := scheduletest.NewClock(time.Date(2026, 1, 1, 0, 0, 30, 0, time.UTC))
	g := open(t, t.TempDir(), clock)
	posts := make(chan string, 1)
	address := backend(t, "app", func(w http.ResponseWriter, r *http.Request) bool {
		body, _ := io.ReadAll(r.Body)
		posts <- r.Method + " " + r.URL.Path + " " + string(body)
		return true
	})
	set(t, g, "api", Route{Backends: []string{address}, Schedules: []schedule.Schedule{{Name: "tick", Cron: "* * * * *", Zone: "UTC", Path: "/tick"}}})
	clock.Await(1)
	clock.Move(30 * time.Second)
	if got := <-posts; got != `POST /tick {"schedule":"tick","time":"2026-01-01T00:01:00Z"}` {
		t.Errorf("got %s", got)
	}
}

// served is a gateway behind real ports, and its folder.
func served(t *testing.T) (dir, plain, passed string) {
	t.Helper()
	dir = t.TempDir()
	addresses := make(chan string, 2)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- Serve(ctx, Options{Dir: dir, Plain: Plain, Passed: Passed, Log: t.Output(), Listen: func(network, _ string) (net.Listener, error) {
			l, err := net.Listen(network, "127.0.0.1:0")
			if err == nil {
				addresses <- l.Addr().String()
			}
			return l, err
		}})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return dir, <-addresses, <-addresses
}

// command sends one, and returns the replies up to the last.
func command(t *testing.T, dir string, req Request) (replies []Reply) {
	t.Helper()
	text, err := json.Marshal(req)
	if err != nil {
		t.Fatal(err)
	}
	in, keep := io.Pipe()
	defer keep.Close()
	go keep.Write(append(text, '\n'))
	out, to := io.Pipe()
	go func() { to.CloseWithError(control(context.Background(), dir, in, to)) }()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var r Reply
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		replies = append(replies, r)
		if r.Done {
			return replies
		}
	}
	t.Fatalf("no end: %v", lines.Err())
	return nil
}

func TestCommands(t *testing.T) {
	dir, plain, passedAt := served(t)
	app := backend(t, "", func(w http.ResponseWriter, r *http.Request) bool {
		fmt.Fprint(w, r.Header.Get("X-Forwarded-For")+" "+r.Header.Get("X-Forwarded-Proto"))
		return true
	})
	r := &Route{Backends: []string{app}, Revision: "r1"}
	if got := command(t, dir, Request{Op: OpSet, Name: "api", Route: r}); len(got) != 2 || got[0].Event != EventSwitched || got[1].Error != "" {
		t.Fatalf("set answers %+v", got)
	}
	get := func(address string) string {
		req, _ := http.NewRequest(http.MethodGet, "http://"+address, nil)
		req.Header.Set("X-Forwarded-For", "192.0.2.1")
		req.Header.Set("X-Forwarded-Proto", "https")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return string(body)
	}
	if got := get(plain); got != "192.0.2.1, 127.0.0.1 http" {
		t.Errorf("a client reaches the app as %q", got)
	}
	if got := get(passedAt); got != "192.0.2.1 https" {
		t.Errorf("a gateway reaches the app as %q", got)
	}
	if got := command(t, dir, Request{Op: OpStatus}); got[0].Routes["api"].Revision != "r1" || len(got[0].Routes["api"].Ready) != 1 {
		t.Errorf("status answers %+v", got)
	}
	if got := command(t, dir, Request{Op: "dance"}); !strings.Contains(got[0].Error, "another version") {
		t.Errorf("an unknown operation answers %+v", got)
	}
	if got := command(t, dir, Request{Op: OpRemove, Name: "api"}); got[0].Error != "" {
		t.Errorf("remove answers %+v", got)
	}
}

func TestPasswordsAreKeptAndNotShown(t *testing.T) {
	dir, _, _ := served(t)
	r := &Route{Backends: []string{backend(t, "one", nil)}, Queues: []queue.Queue{{
		Name: "orders", Source: "orders", Path: "/orders", Batch: 1,
		URL: "redis://127.0.0.1:1/0/orders", Password: "ORDERS_PASSWORD", Group: "api", Parallel: 1,
	}}}
	req := Request{Op: OpSet, Name: "api", Route: r, Passwords: map[string]string{"ORDERS_PASSWORD": "hunter2"}}
	shown := fmt.Sprint(command(t, dir, req))
	req.Passwords = map[string]string{"MAILS_PASSWORD": "hunter3"}
	shown += fmt.Sprint(command(t, dir, req))
	text, err := json.Marshal(command(t, dir, Request{Op: OpStatus}))
	if shown += string(text); err != nil || strings.Contains(shown, "hunter") || !strings.Contains(shown, "ORDERS_PASSWORD") {
		t.Errorf("the replies are %s, %v", shown, err)
	}
	kept, err := readState(dir)
	if err != nil || kept.Passwords["ORDERS_PASSWORD"] != "hunter2" || kept.Passwords["MAILS_PASSWORD"] != "hunter3" {
		t.Errorf("kept are %v, %v", kept.Passwords, err)
	}
	if file, err := os.Stat(filepath.Join(dir, stateName)); err != nil || file.Mode().Perm() != 0o600 {
		t.Errorf("the file has the mode %v, %v", file.Mode(), err)
	}
}

func TestALockEndsWithItsConnection(t *testing.T) {
	dir, _, _ := served(t)
	hold := func() (*json.Decoder, net.Conn) {
		conn, err := net.Dial("unix", dir+"/"+socketName)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		json.NewEncoder(conn).Encode(Request{Op: OpHold, Name: "api"})
		return json.NewDecoder(conn), conn
	}
	event := func(d *json.Decoder) string {
		var r Reply
		if err := d.Decode(&r); err != nil {
			t.Fatal(err)
		}
		return r.Event
	}
	first, conn := hold()
	if got := event(first); got != EventHeld {
		t.Fatalf("the first gets %q", got)
	}
	second, _ := hold()
	if got := event(second); got != EventWaiting {
		t.Fatalf("the second gets %q", got)
	}
	conn.Close()
	if got := event(second); got != EventHeld {
		t.Errorf("then the second gets %q", got)
	}
}

// TestALockOfSomebodyWhoIsSilentIsGivenUp has a connection that never ends and says
// nothing, as one whose network was cut.
func TestALockOfSomebodyWhoIsSilentIsGivenUp(t *testing.T) {
	dir, _, _ := served(t)
	hold := func(lock string, silence time.Duration) *json.Decoder {
		conn, err := net.Dial("unix", dir+"/"+socketName)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		json.NewEncoder(conn).Encode(Request{Op: OpHold, Name: lock, Silence: silence})
		return json.NewDecoder(conn)
	}
	reply := func(d *json.Decoder) (r Reply) {
		if err := d.Decode(&r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	if got := reply(hold("api", 0)); got.Event != EventHeld {
		t.Fatalf("the first gets %+v", got)
	}
	waits := hold("api", time.Millisecond)
	if got := reply(waits); got.Event != EventWaiting {
		t.Fatalf("the second gets %+v", got)
	}
	if got := reply(waits); !got.Done || got.Error == "" {
		t.Errorf("one that waits and says nothing gets %+v", got)
	}
	if got := reply(hold("other", 100*time.Millisecond)); got.Event != EventHeld {
		t.Fatalf("the first of another lock gets %+v", got)
	}
	next := hold("other", 0)
	for got := reply(next); got.Event != EventHeld; got = reply(next) {
		if got.Event != EventWaiting {
			t.Fatalf("the next one gets %+v", got)
		}
	}
}
