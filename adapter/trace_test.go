package main

import (
	"strings"
	"testing"
)

func TestTraceparent(t *testing.T) {
	const root = "1-5759e988-bd862e3fe1be46a994272793"
	for trace, want := range map[string]string{
		"Root=" + root + ";Parent=53995c3f42cd8ad8;Sampled=1":                      "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01",
		"Root=" + root + ";Parent=53995c3f42cd8ad8;Sampled=0;Lineage=1:a87bd80c:1": "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-00",
		"Sampled=1; Parent=53995c3f42cd8ad8; Root=" + root:                         "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01",
		"Root=" + root + ";Sampled=1":                                              "",
		"Root=" + root + ";Parent=0000000000000000":                                "",
		"Root=1-5759e98-bd862e3fe1be46a994272793x;Parent=53995c3f42cd8ad8":         "",
		"Root=1-5759e988-bd862e3fe1be46a99427279\r;Parent=53995c3f42cd8ad8":        "",
		"Root=1-5-7;Sampled=1":                                                     "",
		"":                                                                         "",
	} {
		if want != "" {
			want = "Traceparent: " + want + "\r\n"
		}
		if got := string(appendTraceparent(nil, trace)); got != want {
			t.Errorf("%q: got %q, want %q", trace, got, want)
		}
	}
}

func TestRequestsGetATraceparentOnlyWhereTheyHaveNone(t *testing.T) {
	const trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
	for event, want := range map[string]int{
		httpEventJSON("GET", "/", ""): 1,
		strings.Replace(httpEventJSON("GET", "/", ""), `"content-type"`, `"traceparent"`, 1): 1,
		`{"direct":1}`: 1,
	} {
		for _, on := range []bool{true, false} {
			r := request{traceparent: on, invocation: &invocation{trace: trace}}
			if err := r.fromEvent([]byte(event), "/events", trace); err != nil {
				t.Fatal(err)
			}
			got := strings.Count(strings.ToLower(string(r.head)), "traceparent:")
			if !on && !strings.Contains(event, "traceparent") {
				want = 0
			}
			if got != want {
				t.Errorf("%v: %d fields in %q", on, got, r.head)
			}
		}
	}
}
