// Package queue takes the messages of Redis streams and posts them to an app, as a
// serverless platform does with those of its queues: at least once, a 2xx answer
// acknowledges a message, one that fails again and again is put aside.
//
// Redis is any server that has streams with consumer groups: Redis from 6.2 on,
// Valkey, KeyDB.
package queue

import "time"

// Queue is a trigger, and the stream that its messages come from.
type Queue struct {
	// Name is the trigger's, and Source what it calls the queue.
	Name, Source string
	// Path is what the POST goes to.
	Path string
	// Batch is how many messages come at a time, at least 1; Whole says that they
	// come as one request.
	Batch int
	Whole bool
	// URL is the stream's: see ParseURL.
	URL string
	// Password is the name of the secret with the password of the server, or "".
	Password string
	// Group is the consumer group, which keeps what of the stream was taken and what
	// was acknowledged.
	Group string
	// Parallel is how many batches are under way at a time, at least 1. The messages
	// of one batch are posted one after the other.
	Parallel int
	// Pause is how long after it was taken a message that is not acknowledged is taken
	// again. It must not be shorter than an app may take.
	Pause time.Duration
}

// Tries is how often a message is posted. One that was not acknowledged then goes to
// the stream of the same name and DeadSuffix.
const Tries = 5

// DeadSuffix makes the name of the stream for messages that failed for good.
const DeadSuffix = ":dead"

// Status is how a queue does.
type Status struct {
	// Name is the trigger's.
	Name string `json:"name"`
	// Problem is why no messages are taken, or "".
	Problem string `json:"problem,omitempty"`
}
