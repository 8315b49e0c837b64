package parity

import (
	"fmt"
	"slices"
)

// Verdict is how the two answers to a request compare.
type Verdict string

// The verdicts.
const (
	// Same: the answers are alike.
	Same Verdict = "same"
	// Expected: they differ only as the file expects.
	Expected Verdict = "expected"
	// Different: they differ otherwise, or not with the status that the file
	// expects of both.
	Different Verdict = "different"
	// Failed: a side did not answer at all.
	Failed Verdict = "failed"
)

// Report is the outcome of a replay.
type Report struct {
	Source  string   `json:"source"`
	A       Side     `json:"a"`
	B       Side     `json:"b"`
	Results []Result `json:"results"`
	// Same, Expected, Different and Failed count the results by verdict.
	Same      int `json:"same"`
	Expected  int `json:"expected"`
	Different int `json:"different"`
	Failed    int `json:"failed"`
	// Unseen counts expected differences that did not occur.
	Unseen int `json:"unseen"`
	// Notes says what was left out of a recording.
	Notes []string `json:"notes,omitempty"`
}

// OK reports whether both sides answered everything alike, but for what the file
// expects.
func (r *Report) OK() bool { return r.Different == 0 && r.Failed == 0 }

// Result is what became of one request.
type Result struct {
	Name    string  `json:"name"`
	Method  string  `json:"method"`
	Path    string  `json:"path"`
	Verdict Verdict `json:"verdict"`
	// Times is how often the request was sent; the last time decides.
	Times       int          `json:"times"`
	A           Outcome      `json:"a"`
	B           Outcome      `json:"b"`
	Differences []Difference `json:"differences,omitempty"`
	// Unseen are expected differences that did not occur.
	Unseen []Unseen `json:"unseen,omitempty"`
}

// Outcome is how one side answered a request.
type Outcome struct {
	Status int `json:"status,omitempty"`
	Bytes  int `json:"bytes"`
	// Milliseconds is the time until the whole body was there. Of a request that
	// was sent several times, it is the longest.
	Milliseconds float64 `json:"milliseconds"`
	// Error says why there is no answer.
	Error string `json:"error,omitempty"`
}

func (o Outcome) slower(next Outcome) Outcome {
	next.Milliseconds = max(o.Milliseconds, next.Milliseconds)
	return next
}

// Unseen is an expected difference that did not occur, so that the file's list
// stays honest.
type Unseen struct {
	In     Place  `json:"in"`
	Reason string `json:"reason"`
}

// judge tells the expected differences from the others. What was seen in an
// earlier repetition stays seen.
func (r *Result) judge(req *Request, found []Difference) {
	var seen []Place
	for _, d := range r.Differences {
		seen = append(seen, d.In)
	}
	for i := range found {
		seen = append(seen, found[i].In)
		for _, e := range req.Expected {
			if slices.ContainsFunc(e.In, func(p Place) bool { return p.covers(found[i].In) }) {
				found[i].Expected, found[i].Reason = true, e.Reason
				break
			}
		}
	}
	r.Unseen = nil
	for _, e := range req.Expected {
		for _, p := range e.In {
			if !slices.ContainsFunc(seen, p.covers) {
				r.Unseen = append(r.Unseen, Unseen{In: p, Reason: e.Reason})
			}
		}
	}
	found = append(found, r.earlier(found)...)
	r.Differences = trim(found)
	switch {
	case slices.ContainsFunc(found, func(d Difference) bool { return !d.Expected }):
		r.Verdict = Different
	case len(found) > 0:
		r.Verdict = Expected
	default:
		r.Verdict = Same
	}
}

// earlier are the differences of repetitions before, which all were expected, at
// places that do not differ this time.
func (r *Result) earlier(found []Difference) []Difference {
	var kept []Difference
	for _, d := range r.Differences {
		if !slices.ContainsFunc(found, func(f Difference) bool { return f.In.String() == d.In.String() }) {
			kept = append(kept, d)
		}
	}
	return kept
}

// The most differences of one request that a report keeps.
const (
	maxUnexpected = 20
	maxSameReason = 3
)

// trim keeps the first differences: a body of a thousand JSON values may differ
// in each of them.
func trim(found []Difference) []Difference {
	var kept []Difference
	unexpected, reasons, dropped := 0, map[string]int{}, 0
	for _, d := range found {
		if d.Expected {
			if reasons[d.Reason]++; reasons[d.Reason] <= maxSameReason {
				kept = append(kept, d)
			}
			continue
		}
		if unexpected++; unexpected <= maxUnexpected {
			kept = append(kept, d)
		} else {
			dropped++
		}
	}
	if dropped > 0 {
		kept = append(kept, bodyDifference(fmt.Sprintf("%d more differences", dropped), "", ""))
	}
	return kept
}

func newReport(s *Suite, a, b Side, results []Result) *Report {
	report := &Report{Source: s.Source, A: a, B: b, Results: results, Notes: s.Notes}
	for _, r := range results {
		report.Unseen += len(r.Unseen)
		switch r.Verdict {
		case Same:
			report.Same++
		case Expected:
			report.Expected++
		case Different:
			report.Different++
		case Failed:
			report.Failed++
		}
	}
	return report
}
