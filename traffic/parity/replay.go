package parity

import (
	"context"
	"fmt"
	"net/http/cookiejar"
	"sync"
	"time"
)

// Replay sends each request of the suite to both sides at the same time, and
// compares the answers. An error means that nothing could be replayed; a side
// that does not answer a request is a failed Result.
func Replay(ctx context.Context, s *Suite, a, b Side, o Options) (*Report, error) {
	if len(s.Requests) == 0 {
		return nil, fmt.Errorf("parity: %s holds no request", s.Source)
	}
	for _, r := range s.Requests {
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("parity: %s: request %q: %w", s.Source, r.Name, err)
		}
	}
	endA, err := newEndpoint(a, o.host())
	if err != nil {
		return nil, err
	}
	endB, err := newEndpoint(b, o.host())
	if err != nil {
		return nil, err
	}
	run := &replay{suite: s, options: o, a: endA, b: endB}
	results := run.all(ctx)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("parity: replay %s: %w", s.Source, context.Cause(ctx))
	}
	return newReport(s, a, b, results), nil
}

type replay struct {
	suite   *Suite
	options Options
	a, b    *endpoint
}

// all runs the groups, a few at a time, and returns the results in file order.
func (p *replay) all(ctx context.Context) []Result {
	results := make([]Result, len(p.suite.Requests))
	groups := make(chan []int)
	finished := make(chan int)
	var workers sync.WaitGroup
	for range p.options.parallel() {
		workers.Go(func() {
			for group := range groups {
				p.group(ctx, group, func(i int, r Result) {
					results[i] = r
					finished <- i
				})
			}
		})
	}
	go func() {
		defer close(finished)
		defer workers.Wait()
		defer close(groups)
		for _, group := range groupsOf(p.suite.Requests) {
			select {
			case groups <- group:
			case <-ctx.Done():
				return
			}
		}
	}()
	p.announce(results, finished)
	return results
}

// announce hands the results on in the order of the file.
func (p *replay) announce(results []Result, finished <-chan int) {
	done := make([]bool, len(results))
	next := 0
	for i := range finished {
		done[i] = true
		for ; next < len(done) && done[next]; next++ {
			if p.options.Result != nil {
				p.options.Result(results[next])
			}
		}
	}
}

// groupsOf lists what can run at the same time: each session is one group, in
// which the order counts, and each other request is a group of its own.
func groupsOf(requests []Request) [][]int {
	var groups [][]int
	sessions := map[string]int{}
	for i, r := range requests {
		if r.Session == "" {
			groups = append(groups, []int{i})
			continue
		}
		g, ok := sessions[r.Session]
		if !ok {
			g = len(groups)
			sessions[r.Session] = g
			groups = append(groups, nil)
		}
		groups[g] = append(groups[g], i)
	}
	return groups
}

func (p *replay) group(ctx context.Context, group []int, done func(int, Result)) {
	var jarA, jarB *cookiejar.Jar
	if p.suite.Requests[group[0]].Session != "" {
		jarA, jarB = newJar(), newJar()
	}
	for _, i := range group {
		if ctx.Err() != nil {
			return
		}
		done(i, p.one(ctx, &p.suite.Requests[i], jarA, jarB))
	}
}

func newJar() *cookiejar.Jar {
	jar, _ := cookiejar.New(nil) // it returns no error
	return jar
}

// one asks both sides, as often as the request wants, until they differ.
func (p *replay) one(ctx context.Context, r *Request, jarA, jarB *cookiejar.Jar) Result {
	result := Result{Name: r.Name, Method: r.Method, Path: r.Path}
	ignore := p.suite.Ignore.and(r.Ignore)
	for n := range max(r.Times, 1) {
		result.Times = n + 1
		var a, b *answer
		var outA, outB Outcome
		var both sync.WaitGroup
		both.Go(func() { a, outA = ask(ctx, p.a, r, jarA, p.options.timeout(*r)) })
		b, outB = ask(ctx, p.b, r, jarB, p.options.timeout(*r))
		both.Wait()
		result.A, result.B = result.A.slower(outA), result.B.slower(outB)
		if a == nil || b == nil {
			result.Verdict = Failed
			return result
		}
		result.judge(r, compare(r, ignore, a, b))
		if result.Verdict == Different {
			return result
		}
	}
	return result
}

func ask(ctx context.Context, e *endpoint, r *Request, jar *cookiejar.Jar, timeout time.Duration) (*answer, Outcome) {
	late := fmt.Errorf("no answer within %s", timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, late)
	defer cancel()
	start := time.Now()
	a, err := e.ask(ctx, r, jar)
	out := Outcome{Milliseconds: float64(time.Since(start).Microseconds()) / 1000}
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		out.Error = err.Error()
		return nil, out
	}
	out.Status, out.Bytes = a.status, len(a.body)
	return a, out
}
