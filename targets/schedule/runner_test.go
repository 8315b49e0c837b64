package schedule

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/targets/schedule/scheduletest"
)

var midnight = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// fired is a run that waits for its result.
type fired struct {
	name   string
	at     time.Time
	result chan error
}

// bench is a runner under test.
type bench struct {
	*Runner
	clock *scheduletest.Clock
	fires chan fired
	lines chan string
}

func newBench(t *testing.T, now time.Time) *bench {
	b := &bench{clock: scheduletest.NewClock(now), fires: make(chan fired, 10), lines: make(chan string, 10)}
	b.Runner = New(Config{
		Clock: b.clock,
		Fire: func(ctx context.Context, s Schedule, at time.Time) error {
			f := fired{s.Name, at, make(chan error)}
			b.fires <- f
			return <-f.result
		},
		Log: func(line string) { b.lines <- line },
	})
	t.Cleanup(func() {
		b.Stop()
		b.Wait()
		if len(b.fires) > 0 {
			t.Errorf("%d runs were not expected", len(b.fires))
		}
	})
	return b
}

// next waits for a run, and checks the time that it is for.
func (b *bench) next(t *testing.T, at time.Time) fired {
	t.Helper()
	f := <-b.fires
	if !f.at.Equal(at) {
		t.Errorf("%s fired for %s, want %s", f.name, f.at, at)
	}
	return f
}

// line waits for a line of the log.
func (b *bench) line(t *testing.T, want string) {
	t.Helper()
	if got := <-b.lines; !strings.Contains(got, want) {
		t.Errorf("the log says %q, want %q", got, want)
	}
}

// quiet checks that nothing has happened when the loop waits again.
func (b *bench) quiet(t *testing.T) {
	t.Helper()
	b.clock.Await(1)
	if len(b.fires) > 0 {
		t.Errorf("%d runs were not expected", len(b.fires))
	}
}

// end makes a run succeed, and waits until it is over.
func (b *bench) end(f fired) {
	f.result <- nil
	for b.runs(f.name) { // the result is on its way
		runtime.Gosched()
	}
}

// runs reports whether a run of a schedule is under way.
func (b *bench) runs(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.running[name]
}

func minutely(name string) Schedule {
	return Schedule{Name: name, Cron: "* * * * *", Zone: "UTC", Path: "/" + name}
}

func (b *bench) status(t *testing.T, name string) Status {
	t.Helper()
	for _, st := range b.Status() {
		if st.Name == name {
			return st
		}
	}
	t.Fatalf("no status of %s", name)
	return Status{}
}

func TestFiresAtItsTimesAndNotBefore(t *testing.T) {
	b := newBench(t, midnight.Add(10*time.Second))
	b.Set([]Schedule{minutely("a")})
	if st := b.status(t, "a"); !st.Next.Equal(midnight.Add(time.Minute)) || !st.Last.IsZero() {
		t.Errorf("status %+v", st)
	}
	b.clock.Move(30 * time.Second)
	b.quiet(t)
	b.clock.Move(20 * time.Second)
	b.end(b.next(t, midnight.Add(time.Minute)))
	b.clock.Move(30 * time.Second)
	b.clock.Move(30 * time.Second)
	b.end(b.next(t, midnight.Add(2*time.Minute)))
}

func TestOneRunAtATime(t *testing.T) {
	b := newBench(t, midnight)
	b.Set([]Schedule{minutely("a")})
	b.clock.Move(time.Minute)
	slow := b.next(t, midnight.Add(time.Minute))
	b.clock.Move(time.Minute)
	b.line(t, "2026-01-01T00:02:00Z is left out")
	b.end(slow)
	b.clock.Move(time.Minute)
	b.end(b.next(t, midnight.Add(3*time.Minute)))
}

func TestRunThatFailsIsTriedTwiceMore(t *testing.T) {
	b := newBench(t, midnight)
	b.Set([]Schedule{{Name: "a", Cron: "@daily", Path: "/a"}})
	b.clock.Move(24 * time.Hour)
	day := midnight.AddDate(0, 0, 1)
	b.next(t, day).result <- errors.New("it answered 500")
	b.line(t, "failed: it answered 500; it is tried again in 10s")
	b.clock.Move(10 * time.Second)
	b.next(t, day).result <- errors.New("it answered 501")
	b.line(t, "tried again in 1m0s")
	if st := b.status(t, "a"); st.LastError != "it answered 501" {
		t.Errorf("status %+v", st)
	}
	b.clock.Move(time.Minute)
	b.next(t, day).result <- errors.New("it answered 502")
	b.line(t, "failed for good: it answered 502")
	b.Stop()
	b.Wait()
	if st := b.status(t, "a"); st.LastError != "it answered 502" || !st.Last.Equal(day) {
		t.Errorf("status %+v", st)
	}
}

func TestRunThatSucceedsAtTheSecondTryIsNoFailure(t *testing.T) {
	b := newBench(t, midnight)
	b.Set([]Schedule{minutely("a")})
	b.clock.Move(time.Minute)
	b.next(t, midnight.Add(time.Minute)).result <- errors.New("it answered 500")
	b.line(t, "tried again")
	b.clock.Move(10 * time.Second)
	b.next(t, midnight.Add(time.Minute)).result <- nil
	b.Stop()
	b.Wait()
	if st := b.status(t, "a"); st.LastError != "" {
		t.Errorf("status %+v", st)
	}
}

func TestRunThatTheMachineSleptThroughIsNotMadeUpFor(t *testing.T) {
	b := newBench(t, midnight)
	b.Set([]Schedule{minutely("a")})
	b.clock.Move(8*time.Hour + 30*time.Second)
	b.line(t, "00:01:00Z was missed")
	if st := b.status(t, "a"); !st.Next.Equal(midnight.Add(8*time.Hour + time.Minute)) {
		t.Errorf("status %+v", st)
	}
}

func TestChangeOfSchedulesLosesAndDoublesNoRun(t *testing.T) {
	b := newBench(t, midnight)
	a := minutely("a")
	b.Set([]Schedule{a, minutely("gone")})
	b.clock.Await(1)
	// The new release comes after the run is due and before it was noticed.
	elsewhere := a
	elsewhere.Path = "/elsewhere"
	func() {
		b.mu.Lock() // the loop cannot look before Set
		defer b.mu.Unlock()
		b.clock.Move(61 * time.Second)
		b.set([]Schedule{elsewhere, minutely("new")})
	}()
	f := b.next(t, midnight.Add(time.Minute))
	if f.name != "a" {
		t.Errorf("%s fired", f.name)
	}
	b.Set([]Schedule{elsewhere}) // and again while it runs
	b.quiet(t)
	b.end(f)
	b.clock.Move(59 * time.Second)
	b.end(b.next(t, midnight.Add(2*time.Minute)))
}

func TestRetryEndsWithTheSchedule(t *testing.T) {
	b := newBench(t, midnight)
	b.Set([]Schedule{minutely("a")})
	b.clock.Move(time.Minute)
	b.next(t, midnight.Add(time.Minute)).result <- errors.New("no")
	b.line(t, "tried again")
	b.Set(nil)
	b.clock.Move(30 * time.Second)
	b.Stop()
	b.Wait()
}

func TestInputIsARequestThatTheAdapterCanPost(t *testing.T) {
	s := Schedule{Name: "nightly", Path: "/tasks/a%20b?x=1"}
	input, err := Input(s, midnight)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"twofold":{"schedule":"nightly","time":"2026-01-01T00:00:00Z"},"path":"/tasks/a%20b?x=1"}`; string(input) != want {
		t.Errorf("the input is %s, want %s", input, want)
	}
	for platform, want := range map[string]string{
		`{"errorType":"App.EventFailed","errorMessage":"the app answered POST /tasks/a%20b with status 500: secret"}`: "answered 500, and 2xx means done",
		`{"errorType":"App.Exited","errorMessage":"secret"}`:                                                          "failed with App.Exited", `null`: "failed with an error",
	} {
		if err := Failed(s, []byte(platform)); !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", platform, err, want)
		}
	}
}
