package function

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// state is where an instance stands in the runtime API's protocol.
type state int

const (
	starting   state = iota // it has not yet asked for an invocation
	ready                   // it waits for an invocation, or will in a moment
	assigned                // it has an invocation that it has not seen yet
	invoking                // it works on an invocation
	responding              // it is sending the answer
	responded               // it has answered, and not yet asked for the next
	dead                    // its process has ended
)

// String returns the names that Lambda uses in its errors.
func (s state) String() string {
	switch s {
	case starting:
		return "Started"
	case ready, assigned:
		return "Ready"
	case invoking:
		return "Running"
	case responding:
		return "InvocationResponse"
	case responded:
		return "RuntimeResponseSent"
	default:
		return "Exited"
	}
}

// terminateGrace is what an instance with an extension has between SIGTERM and
// SIGKILL. Source: "Lambda execution environment lifecycle", shutdown phase.
const terminateGrace = 500 * time.Millisecond

// killWait bounds the wait for a process that was killed, which only the kernel,
// or a log that takes no more, can hold up.
const killWait = 10 * time.Second

// instance is one process with its runtime API server.
type instance struct {
	f      *Function
	id     string // also the name of the log stream
	port   int    // where the app listens
	log    *instanceLog
	stdout *lineWriter
	stderr *lineWriter
	server *http.Server
	proc   Instance

	ready     chan struct{}    // closed when it first asks for an invocation
	initError chan *failure    // what it reported instead
	deliver   chan *invocation // holds an assigned invocation
	gone      chan struct{}    // closed when the process has ended

	mu       sync.Mutex
	state    state
	current  *invocation
	failed   *failure      // of the present invocation, reported or found
	started  bool          // the START line of the present invocation is written
	polling  chan struct{} // closed when the newest call for an invocation has ended
	conn     *apiConn      // that the present invocation was sent to
	pooled   bool          // it holds a slot of its own
	extended bool          // it has registered an extension, so it gets SIGTERM
	ended    bool          // it was told to end
	initTook time.Duration // reported with the first invocation, then 0

	// idleSince is guarded by the function's mutex.
	idleSince time.Time
	memory    memoryGauge
}

// launch starts a process with a runtime API of its own. It does not wait until
// the process is ready.
func (f *Function) launch(ctx context.Context) (*instance, error) {
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("the runtime API cannot listen: %w", err)
	}
	port, err := freePort()
	if err != nil {
		listener.Close()
		return nil, err
	}
	var random [16]byte
	_, _ = rand.Read(random[:])
	stream := hex.EncodeToString(random[:])
	i := &instance{
		f:    f,
		id:   f.config.Name + "-" + stream[:12],
		port: port,
		log:  &instanceLog{logger: f.log},

		ready:     make(chan struct{}),
		initError: make(chan *failure, 1),
		deliver:   make(chan *invocation, 1),
		gone:      make(chan struct{}),
	}
	i.stdout, i.stderr = &lineWriter{log: i.log}, &lineWriter{log: i.log}
	i.server = newServer(i)
	go i.server.Serve(apiListener{listener})

	logStream := time.Now().UTC().Format("2006/01/02/") + "[" + f.config.Version + "]" + stream
	i.proc, err = f.config.Launch(ctx, LaunchSpec{
		ID:     i.id,
		Env:    f.config.environment(listener.Addr().String(), port, logStream),
		Stdout: i.stdout,
		Stderr: i.stderr,
	})
	if err != nil {
		i.server.Close()
		return nil, err
	}
	if !f.register(i) {
		_ = i.proc.Kill()
	}
	go i.watch()
	return i, nil
}

// freePort returns a port of loopback that nothing listens on at this moment.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("no port is free for the app: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// portTaken reports whether something listens on a port now.
func portTaken(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return true
	}
	l.Close()
	return false
}

// watch waits for the end of the process, however it comes, and settles what
// hangs on it.
func (i *instance) watch() {
	<-i.proc.Done()
	i.stdout.flush()
	i.stderr.flush()

	i.mu.Lock()
	before, v, failed, ended, conn := i.state, i.current, i.failed, i.ended, i.conn
	i.state, i.current = dead, nil
	i.mu.Unlock()

	i.f.forget(i, before)
	close(i.gone)
	defer i.server.Close()

	exit := i.proc.Exit()
	switch {
	case v == nil && before == ready && !ended:
		i.log.printf("Error: Runtime exited %s while it was idle\n%s", exitText(exit), exitFailure("", exit).kind)
	case v == nil:
	case before == assigned && failed == nil:
		v.timer.Stop()
		v.answer(outcome{unseen: true})
	case before == invoking && failed == nil && !ended && conn.unread():
		v.timer.Stop()
		i.log.printf("RequestId: %s the instance ended before it had read the event; another one takes it", v.id)
		v.answer(outcome{unseen: true})
	default:
		cut := failed != nil && failed.kind == kindTruncated
		if cut || failed == nil && !(ended && before == responded) {
			failed = exitFailure(v.id, exit)
		}
		v.answer(outcome{failure: failed})
		i.complete(v, failed)
	}
}

// assign gives an invocation to an instance that is out of the pool. It fails if
// the process has ended meanwhile.
func (i *instance) assign(v *invocation) bool {
	now := time.Now()
	if v.deadline.IsZero() {
		v.began, v.deadline = now, now.Add(i.f.config.Timeout)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.state != ready {
		return false
	}
	i.state, i.current, i.failed, i.started = assigned, v, nil, false
	if v.tail != nil {
		i.log.collect(v.tail)
	}
	v.timer = time.AfterFunc(v.deadline.Sub(now), func() { i.timeout(v) })
	i.deliver <- v
	return true
}

// timeout ends an instance whose invocation has used up its time.
func (i *instance) timeout(v *invocation) {
	i.mu.Lock()
	if i.current != v {
		i.mu.Unlock()
		return
	}
	failed := timeoutFailure(v.id, i.f.config.Timeout)
	i.failed = failed
	i.mu.Unlock()
	v.answer(outcome{failure: failed})
	_ = i.proc.Kill()
}

// complete writes the end of an invocation into the log and counts it. It is
// called once for each invocation that an instance was given and has not lost.
func (i *instance) complete(v *invocation, failed *failure) {
	v.timer.Stop()
	took := time.Since(v.began)
	if failed != nil && failed.timeout {
		took = i.f.config.Timeout
	}
	i.mu.Lock()
	initTook, started := i.initTook, i.started
	i.initTook = 0
	i.mu.Unlock()
	if !started {
		i.log.platform(i.startLine(v))
	}
	i.log.platform(i.report(v, failed, took, initTook))
	if v.tail != nil {
		i.log.collect(nil)
	}
	i.f.count(failed)
	v.failed = failed
	close(v.completed)
}

// end ends the process and returns when it is gone. With an extension it gets
// SIGTERM first.
func (i *instance) end() {
	i.mu.Lock()
	extended := i.extended
	i.extended, i.ended = false, true
	i.mu.Unlock()
	if extended && i.proc.Terminate() == nil {
		select {
		case <-i.gone:
			return
		case <-time.After(terminateGrace):
		}
	}
	_ = i.proc.Kill()
	select {
	case <-i.gone:
	case <-time.After(killWait):
		i.log.printf("Error: the instance %s did not end when it was killed", i.id)
	}
}

// waitReady returns nil when the instance asks for its first invocation. The
// limit is what it had when it began.
func (i *instance) waitReady(ctx context.Context, begin time.Time, limit time.Duration, requestID string) *failure {
	timer := time.NewTimer(limit - time.Since(begin))
	defer timer.Stop()
	select {
	case <-i.ready:
		return nil
	case failed := <-i.initError:
		return failed
	case <-i.gone:
	case <-timer.C:
		failed := timeoutFailure(requestID, limit)
		failed.reason = fmt.Sprintf("it was not ready after %s", limit)
		return failed
	case <-ctx.Done():
		return &failure{kind: kindUnknown, reason: context.Cause(ctx).Error()}
	}
	// What it reported before it ended says more than how it ended.
	select {
	case failed := <-i.initError:
		return failed
	default:
		return exitFailure(requestID, i.proc.Exit())
	}
}
