package function

import (
	"crypto/rand"
	"encoding/hex"
	"sync"
	"time"
)

// invocation is one event on its way through one instance.
type invocation struct {
	id    string
	trace string
	event []byte
	// deadline is when the instance is killed. It is set when the invocation is
	// given to an instance, or when the instance's second start begins.
	deadline time.Time
	began    time.Time
	// tail collects the log, if the caller wants it.
	tail *tail

	// answered receives the one outcome.
	answered chan outcome
	once     sync.Once
	// completed is closed when the instance is done with the invocation, which
	// may be some time after it has answered.
	completed chan struct{}
	failed    *failure // valid after completed
	timer     *time.Timer
}

// outcome is what became of an invocation. At most one field is set; none means
// an empty answer.
type outcome struct {
	payload   []byte
	stream    *stream
	failure   *failure
	throttled bool
	err       error
	// unseen says that the instance ended before it got the event: another one
	// can take it.
	unseen bool
}

func newInvocation(id, trace string, event []byte) *invocation {
	return &invocation{
		id: id, trace: trace, event: event,
		answered:  make(chan outcome, 1),
		completed: make(chan struct{}),
	}
}

// answer gives the outcome to the caller. Only the first one counts.
func (v *invocation) answer(o outcome) {
	v.once.Do(func() { v.answered <- o })
}

// newRequestID returns a random UUID.
func newRequestID() string {
	var u [16]byte
	_, _ = rand.Read(u[:]) // never fails
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	var s [36]byte
	hex.Encode(s[0:], u[0:4])
	hex.Encode(s[9:], u[4:6])
	hex.Encode(s[14:], u[6:8])
	hex.Encode(s[19:], u[8:10])
	hex.Encode(s[24:], u[10:16])
	s[8], s[13], s[18], s[23] = '-', '-', '-', '-'
	return string(s[:])
}

// newTrace returns the value of an x-amzn-trace-id header that begins a trace.
func newTrace(now time.Time) string {
	var u [12]byte
	_, _ = rand.Read(u[:])
	var t [4]byte
	s := uint32(now.Unix())
	t[0], t[1], t[2], t[3] = byte(s>>24), byte(s>>16), byte(s>>8), byte(s)
	return "Root=1-" + hex.EncodeToString(t[:]) + "-" + hex.EncodeToString(u[:])
}
