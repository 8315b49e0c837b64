package schedule

import "time"

// Clock is the time that schedules go by.
type Clock interface {
	Now() time.Time
	// At returns a channel that receives a value when that time has come, and a
	// function that gives it up.
	At(t time.Time) (come <-chan time.Time, giveUp func())
}

// Machine is the clock of this machine.
type Machine struct{}

// Now returns the machine's time.
func (Machine) Now() time.Time { return time.Now() }

// At waits on a timer.
func (Machine) At(t time.Time) (<-chan time.Time, func()) {
	timer := time.NewTimer(time.Until(t))
	return timer.C, func() { timer.Stop() }
}
