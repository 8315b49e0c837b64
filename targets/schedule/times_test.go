package schedule

import (
	"strings"
	"testing"
	"time"
)

func TestNextTimes(t *testing.T) {
	for _, test := range []struct{ cron, zone, after, want string }{
		{"0 3 * * *", "", "2026-01-31T03:00:00Z", "2026-02-01T03:00:00Z"},
		{"*/15 * * * *", "UTC", "2026-01-01T00:14:59Z", "2026-01-01T00:15:00Z"},
		{"0 3 * * *", "Europe/Berlin", "2026-01-01T00:00:00Z", "2026-01-01T02:00:00Z"},
		{"0 3 * * *", "Europe/Berlin", "2026-07-01T00:00:00Z", "2026-07-01T01:00:00Z"},
		{"30 9 * * MON-FRI", "UTC", "2026-01-02T10:00:00Z", "2026-01-05T09:30:00Z"},
		{"@daily", "UTC", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"},
		{" @hourly ", "UTC", "2026-01-01T00:30:00Z", "2026-01-01T01:00:00Z"},
		{"@weekly", "UTC", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"},
		{"@annually", "UTC", "2026-06-01T00:00:00Z", "2027-01-01T00:00:00Z"},
		// Berlin has no 02:30 on 29 March 2026, and two on 25 October.
		{"30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-30T00:30:00Z"},
		{"30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"},
		{"30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"},
		{"0 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"},
		{"0 0 29 2 *", "UTC", "2026-03-01T00:00:00Z", "2028-02-29T00:00:00Z"},
		{"0 0 30 2 *", "UTC", "2026-03-01T00:00:00Z", "0001-01-01T00:00:00Z"},
	} {
		times, err := Parse(Schedule{Name: "s", Cron: test.cron, Zone: test.zone})
		if err != nil {
			t.Errorf("%q: %v", test.cron, err)
			continue
		}
		after, _ := time.Parse(time.RFC3339, test.after)
		if got := times.Next(after).UTC().Format(time.RFC3339); got != test.want {
			t.Errorf("%q in %q after %s is %s, want %s", test.cron, test.zone, test.after, got, test.want)
		}
	}
}

func TestWhatIsNoScheduleIsRefused(t *testing.T) {
	for _, test := range []struct{ cron, zone, want string }{
		{"", "UTC", "five fields"}, {"* * * *", "UTC", "five fields"}, {"0 0 3 * * *", "UTC", "five fields"},
		{"@every 5m", "UTC", "five fields"}, {"@reboot", "UTC", "five fields"}, {"TZ=UTC 0 3 * * *", "UTC", "five fields"},
		{"TZ=0", "UTC", "five fields"}, {"61 * * * *", "UTC", "61"}, {"x * * * *", "UTC", "x"},
		{"@daily", "Mars/Olympus", "no time zone"}, {"@daily", "Local", "no time zone"}, {"@daily", "../etc/passwd", "no time zone"},
	} {
		_, err := Parse(Schedule{Name: "nightly", Cron: test.cron, Zone: test.zone})
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), `schedule "nightly"`) {
			t.Errorf("%q in %q: %v, want %q", test.cron, test.zone, err, test.want)
		}
	}
}

// Whatever is taken has times that come after one another, and never panics.
func FuzzTimes(f *testing.F) {
	for _, seed := range []string{"0 3 * * *", "*/7 1-5,8 ? JAN MON-FRI", "@daily", "TZ=0", "@every 1s", "0 0 30 2 *", "59 23 31 12 6", "*/0 * * * *", "5-1 * * * *", "4294967296 * * * *"} {
		f.Add(seed, "Europe/Berlin")
	}
	f.Fuzz(func(t *testing.T, text, zone string) {
		times, err := Parse(Schedule{Name: "s", Cron: text, Zone: zone})
		if err != nil {
			return
		}
		at := time.Date(2026, 10, 24, 23, 59, 30, 0, time.UTC)
		for range 5 {
			next := times.Next(at)
			if next.IsZero() {
				return
			}
			if !next.After(at) || next.Second() != 0 {
				t.Fatalf("%q in %q: after %s comes %s", text, zone, at, next)
			}
			at = next
		}
	})
}
