// Package schedule posts to an app at the times of its schedules.
package schedule

import (
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a machine without time zones still knows them

	"github.com/robfig/cron/v3"
)

// forms are the words that stand for five fields.
var forms = []string{"@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"}

// Times are the times of a schedule.
type Times struct {
	cron cron.Schedule
	zone *time.Location
}

// Parse reads the cron expression and the time zone of a schedule. A zone of ""
// is UTC.
func Parse(s Schedule) (Times, error) {
	text := strings.TrimSpace(s.Cron)
	// The library takes more than these, such as "@every 5m" and "TZ=...".
	if !slices.Contains(forms, text) && (strings.ContainsAny(text, "@=") || len(strings.Fields(text)) != 5) {
		return Times{}, fmt.Errorf("schedule %q: %q is neither five fields (minute, hour, day, month, weekday) nor one of %s", s.Name, s.Cron, strings.Join(forms, ", "))
	}
	c, err := cron.ParseStandard(text)
	if err != nil {
		return Times{}, fmt.Errorf("schedule %q: %q: %w", s.Name, s.Cron, err)
	}
	zone, err := time.LoadLocation(s.Zone)
	if err != nil || strings.EqualFold(s.Zone, "local") {
		return Times{}, fmt.Errorf("schedule %q: %q is no time zone of the IANA database: write one such as \"UTC\" or \"Europe/Berlin\"", s.Name, s.Zone)
	}
	return Times{c, zone}, nil
}

// Next returns the first time after another one, or zero if there is none within
// five years, as for the 30th of February.
func (t Times) Next(after time.Time) time.Time { return t.cron.Next(after.In(t.zone)) }
