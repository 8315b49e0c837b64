package parity

import (
	"strings"
	"testing"
)

func sampleReport(t *testing.T) *Report {
	s := &Suite{Source: "requests.hcl", Notes: []string{"2 recorded requests for other hosts than shop.example left out"}}
	outcome := func(status, bytes int, ms float64) Outcome {
		return Outcome{Status: status, Bytes: bytes, Milliseconds: ms}
	}
	in := mustPlaces(t, "header:X-Tag", "json:headers.X-Amzn-Trace-Id", "status", "body")
	results := []Result{
		{Name: "home", Method: "GET", Path: "/", Verdict: Same, A: outcome(200, 5, 1.234), B: outcome(200, 5, 41.7)},
		{Name: "the platform's own", Method: "OPTIONS", Path: "/headers?with=" + strings.Repeat("long", 20) + "&end=1", Verdict: Expected,
			A: outcome(200, 5, 1), B: outcome(200, 5, 1234.5), Differences: []Difference{
				{In: in[0], A: `2 lines: "a", "b"`, B: `"a,b"`, Expected: true, Reason: "function URLs join repeated headers with commas, which is a long reason that takes more than one line"},
				{In: in[1], A: missing, B: `["Root=1"]`, Expected: true, Reason: "the platform adds it"},
			}, Unseen: []Unseen{{In: in[3], Reason: "it was so once"}}},
		{Name: "a name that is longer than its column is", Method: "POST", Path: "/x\x1b[31m", Verdict: Different, A: outcome(200, 5, 3), B: outcome(502, 7, 4),
			Differences: []Difference{{In: in[2], A: "200", B: "502"}, {In: in[3], Detail: "from line 2 on", A: `"two\n"`, B: "\x1b[31mred"}}},
		{Name: "lost", Method: "GET", Path: "/lost", Verdict: Failed, A: outcome(200, 5, 3), B: Outcome{Error: "no answer within 1m0s"}},
	}
	return newReport(s, Side{Name: "image", URL: "http://127.0.0.1:41001", Target: "local.container"},
		Side{Name: "bundle", URL: "http://127.0.0.1:41002", Target: "local.function"}, results)
}

func TestReportForPeople(t *testing.T) {
	report := sampleReport(t)
	for name, o := range map[string]TextOptions{
		"report.txt":         {Width: 110},
		"report-verbose.txt": {Width: 60, Verbose: true},
		"report-color.txt":   {Color: true},
		"report-brief.txt":   {Width: 80, Brief: true},
	} {
		var b strings.Builder
		report.WriteText(&b, o)
		golden(t, name, b.String())
		if o.Color {
			continue
		}
		for _, line := range strings.Split(b.String(), "\n") {
			if strings.ContainsRune(line, 0x1b) {
				t.Errorf("%s: an escape of the answer reaches the terminal: %q", name, line)
			}
		}
	}
}

func TestWholeReportIsAlikeOrNot(t *testing.T) {
	report := sampleReport(t)
	if report.OK() {
		t.Error("a report with a difference is not ok")
	}
	report = newReport(&Suite{}, Side{}, Side{}, report.Results[:2])
	if !report.OK() {
		t.Error("expected differences are ok")
	}
}
