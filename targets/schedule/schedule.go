package schedule

import "time"

// Schedule is a POST to the app at times.
type Schedule struct {
	Name string
	// Cron has five fields, or is one of @hourly, @daily, @midnight, @weekly,
	// @monthly, @yearly and @annually. Zone is an IANA name such as "UTC".
	Cron, Zone string
	// Path is what the POST goes to.
	Path string
}

// Status is what is known of one schedule.
type Status struct {
	Name string `json:"name"`
	// Next is when it fires next; zero is never, or not known.
	Next time.Time `json:"next,omitzero"`
	// Last is the time for which it fired last; zero is never, or not known.
	Last time.Time `json:"last,omitzero"`
	// LastError says why that run failed; "" if it did not.
	LastError string `json:"lastError,omitempty"`
}
