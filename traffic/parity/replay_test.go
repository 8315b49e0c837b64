package parity

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

func say(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, text) }
}

func replayed(t *testing.T, a, b http.HandlerFunc, o Options, requests ...Request) *Report {
	t.Helper()
	for i := range requests {
		if requests[i].Method == "" {
			requests[i].Method = "GET"
		}
		if requests[i].Path == "" {
			requests[i].Path = "/"
		}
		if requests[i].Name == "" {
			requests[i].Name = fmt.Sprint("request ", i)
		}
	}
	report, err := Replay(t.Context(), &Suite{Source: "requests.hcl", Requests: requests},
		Side{Name: "image", URL: serve(t, a), Target: "local.container"},
		Side{Name: "bundle", URL: serve(t, b), Target: "local.function"}, o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestVerdicts(t *testing.T) {
	expect := func(reason string, in ...string) []Expectation {
		return []Expectation{{In: mustPlaces(t, in...), Reason: reason}}
	}
	a := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Side", "a")
		io.WriteString(w, r.URL.Path)
	}
	b := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/gone" {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("X-Side", "b")
		io.WriteString(w, strings.ReplaceAll(r.URL.Path, "body", "other"))
	}
	side := Ignore{Headers: []string{"X-Side"}}
	report := replayed(t, a, b, Options{},
		Request{Ignore: side},
		Request{Expected: expect("two sides", "header:X-Side")},
		Request{},
		Request{Path: "/body", Expected: expect("two sides", "header:X-Side")},
		Request{Path: "/body", Expected: expect("all", "answer")},
		Request{Path: "/gone"},
		Request{Ignore: side, Expected: expect("never", "body", "status")},
	)
	var got []Verdict
	for _, r := range report.Results {
		got = append(got, r.Verdict)
	}
	want := []Verdict{Same, Expected, Different, Different, Expected, Failed, Same}
	if !slices.Equal(got, want) {
		t.Errorf("verdicts %v, want %v", got, want)
	}
	if report.Same != 2 || report.Expected != 2 || report.Different != 2 || report.Failed != 1 || report.OK() {
		t.Errorf("counts %+v", report)
	}
	if report.Unseen != 2 || len(report.Results[6].Unseen) != 2 || report.Results[6].Unseen[0].Reason != "never" {
		t.Errorf("unseen %+v", report.Results[6].Unseen)
	}
	if f := report.Results[5]; f.B.Error == "" || f.A.Error != "" || f.A.Status != 200 {
		t.Errorf("failed %+v", f)
	}
	if encoded, err := json.Marshal(report); err != nil || !strings.Contains(string(encoded), `"in":"header:X-Side"`) {
		t.Errorf("JSON %s: %v", encoded, err)
	}
}

func TestBothSidesGetTheSameHost(t *testing.T) {
	host := func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Host) }
	for _, o := range []Options{{}, {Host: "httpbin.test"}} {
		if report := replayed(t, host, host, o, Request{}); !report.OK() {
			t.Errorf("%s", render(report.Results[0].Differences))
		}
	}
}

func TestSessionsKeepCookiesOfTheirOwnOnEachSide(t *testing.T) {
	app := func(w http.ResponseWriter, r *http.Request) {
		if name, ok := strings.CutPrefix(r.URL.Path, "/set/"); ok {
			http.SetCookie(w, &http.Cookie{Name: name, Value: "1", Path: "/"})
			return
		}
		if name, ok := strings.CutPrefix(r.URL.Path, "/delete/"); ok {
			http.SetCookie(w, &http.Cookie{Name: name, Path: "/", MaxAge: -1})
			return
		}
		w.Header().Set("X-Cookies", r.Header.Get("Cookie"))
	}
	var seen sync.Map
	b := func(w http.ResponseWriter, r *http.Request) {
		seen.Store(r.URL.Path, r.Header.Get("Cookie"))
		app(w, r)
	}
	report := replayed(t, app, b, Options{},
		Request{Path: "/set/one", Session: "s"},
		Request{Path: "/other"},
		Request{Path: "/set/two", Session: "s"},
		Request{Path: "/set/own", Session: "t"},
		Request{Path: "/read", Session: "s", Headers: []Header{{"Cookie", "mine=2"}}},
		Request{Path: "/delete/one", Session: "s"},
		Request{Path: "/left", Session: "s"},
	)
	if !report.OK() {
		t.Error("the sides differ")
	}
	for path, want := range map[string]string{"/other": "", "/read": "mine=2; one=1; two=1", "/left": "two=1"} {
		if got, _ := seen.Load(path); got != want {
			t.Errorf("%s got the cookies %q, want %q", path, got, want)
		}
	}
}

func TestRedirectsAreFollowedOnlyWhereTheFileWantsAndOnlyToTheSameHost(t *testing.T) {
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("another host was asked") })
	var seen sync.Map
	app := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen.Store(r.RequestURI, fmt.Sprintf("%s %s %s", r.Method, r.Header.Get("Content-Type"), body))
		to, status := "", 302
		switch r.URL.Path {
		case "/first":
			to = "second/x%2Fy?a=+"
		case "/second/x/y":
			to = "http://" + r.Host + "/third?q=%20"
		case "/out":
			to = elsewhere + "/"
		case "/loop":
			to = "/loop"
		case "/keep":
			to, status = "/kept", 307
		}
		if to != "" {
			w.Header().Set("Location", to)
			w.WriteHeader(status)
		}
	}
	text := []Header{{"Content-Type", "text/plain"}, {"Accept", "*/*"}}
	report := replayed(t, app, app, Options{Parallel: 1},
		Request{Path: "/first"},
		Request{Path: "/first", FollowRedirects: true, Method: "POST", Body: []byte("x"), Headers: text},
		Request{Path: "/out", FollowRedirects: true},
		Request{Path: "/keep", FollowRedirects: true, Method: "POST", Body: []byte("y"), Headers: text},
		Request{Path: "/loop", FollowRedirects: true},
	)
	for i, want := range []int{302, 200, 302, 200} {
		if got := report.Results[i].A.Status; got != want {
			t.Errorf("request %d: status %d, want %d", i, got, want)
		}
	}
	if r := report.Results[4]; r.Verdict != Failed || !strings.Contains(r.A.Error, "more than 10 times") {
		t.Errorf("a loop: %+v", r)
	}
	for path, want := range map[string]string{
		"/second/x%2Fy?a=+": "GET  ", "/third?q=%20": "GET  ", "/kept": "POST text/plain y",
	} {
		if got, _ := seen.Load(path); got != want {
			t.Errorf("%s was asked as %q, want %q", path, got, want)
		}
	}
}

func TestRequestIsRepeatedUntilItDiffers(t *testing.T) {
	var n atomic.Int64
	b := func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) == 3 {
			w.WriteHeader(500)
		}
	}
	report := replayed(t, func(http.ResponseWriter, *http.Request) {}, b, Options{}, Request{Times: 5})
	if r := report.Results[0]; r.Verdict != Different || r.Times != 3 {
		t.Errorf("verdict %s after %d times", r.Verdict, r.Times)
	}
}

func TestDifferenceOfAnEarlierRepetitionStays(t *testing.T) {
	var n atomic.Int64
	b := func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) == 1 {
			w.Header().Set("X-Cold", "yes")
		}
	}
	known := []Expectation{{In: mustPlaces(t, "header:X-Cold"), Reason: "the first one is cold"}}
	report := replayed(t, func(http.ResponseWriter, *http.Request) {}, b, Options{}, Request{Times: 3, Expected: known})
	if r := report.Results[0]; r.Verdict != Expected || len(r.Differences) != 1 || len(r.Unseen) != 0 || r.Times != 3 {
		t.Errorf("result %+v", r)
	}
}

func TestResultsComeInTheOrderOfTheFile(t *testing.T) {
	first := make(chan struct{})
	app := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/0":
			<-first // the first answer is the last to come
		case "/7":
			if r.Header.Get("X-Side") == "" {
				close(first)
			}
		}
	}
	b := func(w http.ResponseWriter, r *http.Request) { r.Header.Set("X-Side", "b"); app(w, r) }
	var requests []Request
	for i := range 8 {
		requests = append(requests, Request{Path: fmt.Sprint("/", i)})
	}
	var order []string
	report := replayed(t, app, b, Options{Parallel: 2, Result: func(r Result) { order = append(order, r.Path) }}, requests...)
	if got := strings.Join(order, ""); got != "/0/1/2/3/4/5/6/7" || !report.OK() {
		t.Errorf("order %s", got)
	}
}

func TestAsManyAtATimeAsOptionsSay(t *testing.T) {
	const parallel = 3
	var mu sync.Mutex
	arrived, inside, most := 0, 0, 0
	together := make(chan struct{})
	app := func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		arrived++
		inside++
		most = max(most, inside)
		wait := together
		if arrived%parallel == 0 {
			close(together)
			together = make(chan struct{})
		}
		mu.Unlock()
		<-wait // for the others of its three
		mu.Lock()
		inside--
		mu.Unlock()
	}
	requests := make([]Request, 20*parallel)
	replayed(t, app, say(""), Options{Parallel: parallel}, requests...)
	if most != parallel {
		t.Errorf("%d at a time, want %d", most, parallel)
	}
}

func TestManyExpectedDifferencesAreShortened(t *testing.T) {
	lines := func(side string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for i := range 100 {
				fmt.Fprintf(w, "{\"n\":%d,\"id\":\"%s%d\"}\n", i, side, i)
			}
		}
	}
	known := []Expectation{{In: mustPlaces(t, "json:[*].id"), Reason: "ids"}}
	report := replayed(t, lines("a"), lines("b"), Options{}, Request{Expected: known}, Request{})
	if r := report.Results[0]; r.Verdict != Expected || len(r.Differences) != maxSameReason {
		t.Errorf("expected: %s with %d differences", r.Verdict, len(r.Differences))
	}
	if r := report.Results[1]; r.Verdict != Different || len(r.Differences) != maxUnexpected+1 || r.Differences[maxUnexpected].Detail != "80 more differences" {
		t.Errorf("unexpected: %s with %s", r.Verdict, render(r.Differences))
	}
}

func TestSuiteThatCannotBeReplayed(t *testing.T) {
	side := Side{Name: "image", URL: "http://127.0.0.1:1"}
	for _, c := range []struct {
		name    string
		request []Request
		want    string
	}{
		{"no request", nil, "holds no request"},
		{"a path with a line break", []Request{{Method: "GET", Path: "/\r\nX: y"}}, "%0D"},
		{"a method with a space", []Request{{Method: "GET /", Path: "/"}}, "no HTTP method"},
		{"a header with a line break", []Request{{Method: "GET", Path: "/", Headers: []Header{{"X", "a\r\nb"}}}}, "line break"},
		{"a second length", []Request{{Method: "GET", Path: "/", Headers: []Header{{"content-length", "1"}}}}, "stated from the body"},
	} {
		_, err := Replay(t.Context(), &Suite{Source: "s", Requests: c.request}, side, side, Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}
