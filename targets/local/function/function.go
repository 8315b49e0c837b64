// Package function runs a bundle on this machine the way AWS Lambda runs it:
// our own emulation of Lambda for one function with a function URL.
//
// A Function holds a pool of instances. An instance is one process, started by
// Config.Launch, that speaks the Lambda runtime API with a server of its own on
// loopback, and takes one invocation at a time. Instances start on demand, up to
// Config.Concurrency, and end when they have been idle for Config.Idle.
//
// What is emulated, and what is not, is written down in docs/local-function.md.
package function

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/twofoldhq/twofold/targets/local/sandbox"
)

// Instance is one running process of a function. *sandbox.Process is one.
type Instance interface {
	// Done is closed when the process has ended.
	Done() <-chan struct{}
	// Exit says how it ended; it is valid after Done.
	Exit() sandbox.Exit
	// Terminate asks the process to end; Kill ends its whole tree at once.
	Terminate() error
	Kill() error
	Pid() int
}

// Launch starts the bundle's bootstrap with an environment and returns when the
// process runs. The context bounds the start only.
type Launch func(ctx context.Context, i LaunchSpec) (Instance, error)

// LaunchSpec is one instance to be started.
type LaunchSpec struct {
	// ID names the instance; it is unique on this machine.
	ID string
	// Env is the complete environment, as "NAME=value".
	Env []string
	// Stdout and Stderr take the instance's output. They may be written to until
	// Done is closed.
	Stdout, Stderr io.Writer
}

// Function is an emulated Lambda function. Its methods may be called from
// several goroutines.
type Function struct {
	config Config
	url    urlIdentity
	arn    string
	log    *logger

	// calls counts the requests, invocations and warm-ups that are under way.
	calls sync.WaitGroup

	mu        sync.Mutex
	closed    bool // takes no more calls
	ended     bool // has ended its instances
	slots     int  // instances in the pool, at work, and being started
	instances map[*instance]struct{}
	idle      []*instance // the one that was used last is last
	finishing int         // instances that have answered and not yet asked for more
	waiting   []chan *instance
	sweep     *time.Timer
	stats     Stats
}

// Stats counts what a function has done since it was made.
type Stats struct {
	// Instances are the processes that exist now; Busy of them have an
	// invocation or are starting.
	Instances, Busy int
	// ColdStarts are the instances that were started.
	ColdStarts int
	// Invocations counts those that reached an instance, Errors those of them
	// that failed, Throttles the requests that were refused with 429.
	Invocations, Errors, Throttles int
	// InitErrors counts the starts that failed; LastInitError is the reason of
	// the last one, or "" if the newest start succeeded.
	InitErrors    int
	LastInitError string
}

// ErrClosed is returned for what comes after Close.
var ErrClosed = errors.New("the function is closed")

// ErrThrottled is returned by Invoke when all instances are busy and no more are
// allowed: Lambda's TooManyRequestsException.
var ErrThrottled = errors.New("all instances are busy: raise the concurrency, or try again")

// New makes a function. It starts no instance. The error of a setting that
// Lambda would refuse says what to change.
func New(c Config) (*Function, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	return &Function{
		config:    c,
		url:       newURLIdentity(c),
		arn:       c.arn(),
		log:       &logger{w: c.Log},
		instances: map[*instance]struct{}{},
	}, nil
}

// Stats returns the counts of this moment.
func (f *Function) Stats() Stats {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.stats
	s.Instances = f.slots
	s.Busy = s.Instances - len(f.idle)
	return s
}

// begin counts a call, unless the function is closed. The caller calls
// f.calls.Done when it has ended.
func (f *Function) begin() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return false
	}
	f.calls.Add(1)
	return true
}

// Close takes no more invocations: ServeHTTP answers 503, the other methods
// return ErrClosed. It waits for those that run until the context ends, and then
// ends all instances. It returns the context's error if invocations were cut.
func (f *Function) Close(ctx context.Context) error {
	f.mu.Lock()
	f.closed = true
	if f.sweep != nil {
		f.sweep.Stop()
	}
	f.mu.Unlock()

	drained := make(chan struct{})
	go func() { f.calls.Wait(); close(drained) }()
	var err error
	select {
	case <-drained:
	case <-ctx.Done():
		select {
		case <-drained:
		default:
			err = ctx.Err()
		}
	}

	var ends sync.WaitGroup
	for _, i := range f.takeAll() {
		ends.Go(i.end)
	}
	ends.Wait()
	return err
}

// takeAll removes all instances from the pool.
func (f *Function) takeAll() []*instance {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]*instance, 0, len(f.instances))
	for i := range f.instances {
		all = append(all, i)
	}
	f.idle, f.ended = nil, true
	return all
}

var _ http.Handler = (*Function)(nil)
