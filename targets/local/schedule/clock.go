package schedule

import "time"

// Clock is the time that schedules go by.
type Clock interface {
	Now() time.Time
	// After returns a channel that receives a value when d has passed, and a
	// function that gives it up.
	After(d time.Duration) (passed <-chan time.Time, stop func())
}

// Machine is the clock of this machine.
type Machine struct{}

// Now returns the machine's time.
func (Machine) Now() time.Time { return time.Now() }

// After waits on a timer.
func (Machine) After(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}
