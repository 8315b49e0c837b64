package schedule

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// longestWait is how long the runner waits without a look at the clock: a
	// machine that sleeps stops timers, and its clock goes on.
	longestWait = 30 * time.Second
	// lateMax is how late a run may begin. One that is later was missed while the
	// machine slept, and is not made up for.
	lateMax = time.Minute
)

// retryPauses are the pauses before a run that failed is tried again.
var retryPauses = []time.Duration{10 * time.Second, time.Minute}

// Config is what a Runner works with.
type Config struct {
	Clock Clock
	// Fire posts to the app for a schedule. at is the time that the schedule
	// names. The context ends at nothing that Set or Stop do.
	Fire func(ctx context.Context, s Schedule, at time.Time) error
	// Log takes a line about a run that failed or did not take place.
	Log func(line string)
}

// Runner fires schedules. Of each there is one run at a time; a run that comes
// due meanwhile is left out. A run that fails is tried twice more.
type Runner struct {
	config Config
	stop   context.CancelFunc // ends the loop and the pauses before retries
	ended  context.Context
	runs   sync.WaitGroup
	loop   sync.Once

	mu      sync.Mutex
	entries map[string]*entry // by the schedule's name
	running map[string]bool   // by name, also of what Set has replaced
	changed chan struct{}     // holds a value after Set
}

// entry is a schedule that is set.
type entry struct {
	schedule Schedule
	times    Times
	next     time.Time
	last     time.Time
	failure  string
}

// New returns a runner without schedules.
func New(c Config) *Runner {
	r := &Runner{config: c, entries: map[string]*entry{}, running: map[string]bool{}, changed: make(chan struct{}, 1)}
	r.ended, r.stop = context.WithCancel(context.Background())
	return r
}

// Set replaces the schedules. One that stays as it was keeps its next time, so
// that none is lost or doubled when it comes due at this very moment. A schedule
// that cannot be parsed is left out and logged.
func (r *Runner) Set(list []Schedule) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.set(list)
}

func (r *Runner) set(list []Schedule) {
	before := r.entries
	r.entries = make(map[string]*entry, len(list))
	now := r.config.Clock.Now()
	for _, s := range list {
		old := before[s.Name]
		if old != nil && old.schedule == s {
			r.entries[s.Name] = old
			continue
		}
		times, err := Parse(s)
		if err != nil {
			r.config.Log(err.Error())
			continue
		}
		e := &entry{schedule: s, times: times, next: times.Next(now)}
		if old != nil && old.schedule.Cron == s.Cron && old.schedule.Zone == s.Zone {
			e.next = old.next
		}
		if old != nil {
			e.last, e.failure = old.last, old.failure
		}
		r.entries[s.Name] = e
	}
	select {
	case r.changed <- struct{}{}:
	default:
	}
	if len(list) > 0 {
		r.loop.Do(func() { r.runs.Go(r.follow) })
	}
}

// Stop fires nothing from now on, and gives up retries that wait. Runs that are
// under way go on.
func (r *Runner) Stop() { r.stop() }

// Wait returns when nothing is under way any more. Call it after Stop.
func (r *Runner) Wait() { r.runs.Wait() }

// Status says when each schedule fires, sorted by name.
func (r *Runner) Status() []Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []Status
	for name, e := range r.entries {
		list = append(list, Status{Name: name, Next: e.next, Last: e.last, LastError: e.failure})
	}
	slices.SortFunc(list, func(a, b Status) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// follow begins what is due until the runner is stopped.
func (r *Runner) follow() {
	for {
		come, giveUp := r.config.Clock.At(r.begin())
		select {
		case <-come:
		case <-r.changed:
		case <-r.ended.Done():
			giveUp()
			return
		}
		giveUp()
	}
}

// begin begins what is due, and returns when to look again.
func (r *Runner) begin() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.config.Clock.Now()
	again := now.Add(longestWait)
	if r.ended.Err() != nil {
		return again
	}
	for _, e := range r.entries {
		if e.next.IsZero() {
			continue
		}
		if !e.next.After(now) {
			at := e.next
			e.next = e.times.Next(now)
			r.due(e, at, now)
		}
		if !e.next.IsZero() && e.next.Before(again) {
			again = e.next
		}
	}
	return again
}

// due begins one run, unless there is a reason not to. The mutex is held.
func (r *Runner) due(e *entry, at, now time.Time) {
	name := e.schedule.Name
	switch {
	case now.Sub(at) > lateMax:
		r.config.Log(fmt.Sprintf("schedule %q: the run for %s was missed, since the machine slept", name, stamp(at)))
	case r.running[name]:
		r.config.Log(fmt.Sprintf("schedule %q: the run for %s is left out, since the one before has not ended", name, stamp(at)))
	default:
		r.running[name] = true
		r.runs.Go(func() { r.run(e.schedule, at) })
	}
}

// run is one run with its retries.
func (r *Runner) run(s Schedule, at time.Time) {
	var err error
	for attempt := 0; ; attempt++ {
		err = r.config.Fire(context.WithoutCancel(r.ended), s, at)
		if err == nil {
			break
		}
		if attempt == len(retryPauses) {
			r.config.Log(fmt.Sprintf("schedule %q: the run for %s failed for good: %v", s.Name, stamp(at), err))
			break
		}
		pause := retryPauses[attempt]
		again := r.config.Clock.Now().Add(pause)
		r.note(s.Name, at, err)
		r.config.Log(fmt.Sprintf("schedule %q: the run for %s failed: %v; it is tried again in %s", s.Name, stamp(at), err, pause))
		if !r.pause(again) || !r.holds(s.Name) {
			break
		}
	}
	r.mu.Lock()
	delete(r.running, s.Name)
	r.mu.Unlock()
	r.note(s.Name, at, err)
}

// note remembers how a run went.
func (r *Runner) note(name string, at time.Time, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.entries[name]; e != nil {
		e.last, e.failure = at, ""
		if err != nil {
			e.failure = err.Error()
		}
	}
}

// pause waits for a time, and reports whether the runner goes on.
func (r *Runner) pause(until time.Time) bool {
	come, giveUp := r.config.Clock.At(until)
	defer giveUp()
	select {
	case <-come:
		return true
	case <-r.ended.Done():
		return false
	}
}

// holds reports whether there is still a schedule of that name.
func (r *Runner) holds(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.entries[name] != nil
}

func stamp(t time.Time) string { return t.Format(time.RFC3339) }
