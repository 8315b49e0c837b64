package host

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/schedule/scheduletest"
)

// clientWithClock returns the client of a supervisor in this process, whose
// schedules go by a clock. end ends it; the next one may be started with start.
func clientWithClock(t *testing.T, clock *scheduletest.Clock) (c Client, start, end func()) {
	t.Helper()
	c = clientIn(t, t.TempDir())
	ended := make(chan error, 1)
	start = func() {
		t.Helper()
		go func() {
			ended <- run(context.WithoutCancel(t.Context()), c.Layout, "test", func(s *supervisor) { s.clock = clock })
		}()
		eventually(t, func() error {
			if _, runs := c.Running(t.Context()); !runs {
				return fmt.Errorf("no supervisor runs")
			}
			return nil
		})
	}
	end = func() {
		t.Helper()
		if err := c.End(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	start()
	return c, start, end
}

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// logHas waits for a line in a deployment's log.
func logHas(t *testing.T, c Client, target, part string) {
	t.Helper()
	eventually(t, func() error {
		out := new(output)
		if err := Logs(t.Context(), c.Layout, target, targets.LogsRequest{Key: testKey(), Out: out}); err != nil {
			return err
		}
		if !strings.Contains(out.String(), part) {
			return fmt.Errorf("the log lacks %q: %s", part, out)
		}
		return nil
	})
}

func scheduled(t *testing.T, c Client, r DeployRequest) targets.ScheduleStatus {
	t.Helper()
	list, err := c.Status(t.Context(), targets.Filter{}, r.Target)
	if err != nil || len(list) != 1 || len(list[0].Schedules) != 1 {
		t.Fatalf("status %+v, %v; want one schedule", list, err)
	}
	return list[0].Schedules[0]
}

func TestScheduleFiresAtItsTime(t *testing.T) {
	for _, r := range bothForms(releases.One) {
		t.Run(r.Target, func(t *testing.T) {
			clock := scheduletest.NewClock(noon)
			c, start, end := clientWithClock(t, clock)
			r.Spec.Schedules = []targets.Schedule{{Name: "nightly", Cron: "0 3 * * *", Zone: "Europe/Berlin", Path: "/tick"}}
			if _, err := c.Deploy(t.Context(), r, releases.One.CopyTo, nil); err != nil {
				t.Fatal(err)
			}
			due := time.Date(2026, 1, 2, 2, 0, 0, 0, time.UTC) // winter in Berlin
			if st := scheduled(t, c, r); st.Name != "nightly" || !st.Next.Equal(due) || !st.Last.IsZero() {
				t.Errorf("status %+v", st)
			}
			clock.Move(14 * time.Hour)
			logHas(t, c, r.Target, `app was fired with application/json {"schedule":"nightly","time":"2026-01-02T03:00:00+01:00"}`)
			eventually(t, func() error {
				if st := scheduled(t, c, r); !st.Last.Equal(due) || st.LastError != "" || !st.Next.Equal(due.AddDate(0, 0, 1)) {
					return fmt.Errorf("status %+v", st)
				}
				return nil
			})
			end()
			clock.Move(48 * time.Hour) // two runs are missed, and not made up for
			start()
			eventually(t, func() error {
				if st := scheduled(t, c, r); !st.Next.Equal(due.AddDate(0, 0, 3)) {
					return fmt.Errorf("after the next start: %+v", st)
				}
				return nil
			})
			if got := strings.Count(logOf(t, c, r.Target), "app was fired"); got != 1 {
				t.Errorf("the app was fired %d times", got)
			}
			if _, err := c.Destroy(t.Context(), r.Key, r.Target); err != nil {
				t.Error(err)
			}
			end()
		})
	}
}

func logOf(t *testing.T, c Client, target string) string {
	t.Helper()
	out := new(output)
	if err := Logs(t.Context(), c.Layout, target, targets.LogsRequest{Key: testKey(), Out: out}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestRunThatFailsIsLoggedAndTriedAgainByTheNextRelease(t *testing.T) {
	for _, r := range bothForms(releases.One) {
		t.Run(r.Target, func(t *testing.T) {
			clock := scheduletest.NewClock(noon)
			c, _, end := clientWithClock(t, clock)
			r.Spec.Schedules = []targets.Schedule{{Name: "hourly", Cron: "@hourly", Path: "/missing"}}
			// The app's own 404.
			if _, err := c.Deploy(t.Context(), r, releases.One.CopyTo, nil); err != nil {
				t.Fatal(err)
			}
			clock.Move(time.Hour)
			logHas(t, c, r.Target, `twofold: schedule "hourly": the run for 2026-01-01T13:00:00Z failed: POST /missing answered 404, and 2xx means done; it is tried again in 10s`)
			if st := scheduled(t, c, r); !strings.Contains(st.LastError, "answered 404") {
				t.Errorf("status %+v", st)
			}
			r.Release = releases.Two.Digest
			if _, err := c.Deploy(t.Context(), r, releases.Two.CopyTo, nil); err != nil {
				t.Fatal(err)
			}
			clock.Move(10 * time.Second)
			logHas(t, c, r.Target, "tried again in 1m0s")
			clock.Move(time.Minute)
			logHas(t, c, r.Target, "failed for good")
			// Without schedules nothing fires.
			r.Spec.Schedules = nil
			if st, err := c.Deploy(t.Context(), r, releases.Two.CopyTo, nil); err != nil || len(st.Schedules) != 0 {
				t.Errorf("deploy without schedules: %+v, %v", st, err)
			}
			end()
		})
	}
}

func TestSupervisorEndsWhileARunIsUnderWay(t *testing.T) {
	clock := scheduletest.NewClock(noon)
	c, _, end := clientWithClock(t, clock)
	r := request(releases.One)
	r.Spec.Timeout = time.Second
	r.Spec.Schedules = []targets.Schedule{{Name: "slow", Cron: "@hourly", Path: "/slow?ms=60000"}}
	if _, err := c.Deploy(t.Context(), r, releases.One.CopyTo, nil); err != nil {
		t.Fatal(err)
	}
	clock.Move(time.Hour)
	began := time.Now()
	end()
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("the end took %s", took)
	}
}

func TestScheduleThatIsNoneIsRefused(t *testing.T) {
	c := newClient(t)
	r := request(releases.One)
	r.Spec.Schedules = []targets.Schedule{{Name: "nightly", Cron: "at night", Path: "/"}}
	if _, err := c.Deploy(t.Context(), r, releases.One.CopyTo, nil); err == nil || !strings.Contains(err.Error(), `schedule "nightly"`) {
		t.Errorf("deploy: %v", err)
	}
}

func TestAdapterIsToldHowLongTheAppMayTake(t *testing.T) {
	c := newClient(t)
	r := bothForms(releases.One)[1]
	r.Spec.Start, r.Spec.Events = 30*time.Second, "/orders"
	st, err := c.Deploy(t.Context(), r, releases.One.CopyTo, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"TWOFOLD_START_TIMEOUT": "29.5s", "TWOFOLD_HEALTH_PATH": r.Spec.Health, "TWOFOLD_EVENTS_PATH": "/orders"} {
		if got := get(t, st.URL+"/env?name="+name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	own := functionEnv(Spec{Start: time.Second}, map[string]string{"TWOFOLD_START_TIMEOUT": "5s"})
	if own["TWOFOLD_START_TIMEOUT"] != "5s" {
		t.Errorf("the service's own value became %q", own["TWOFOLD_START_TIMEOUT"])
	}
}
