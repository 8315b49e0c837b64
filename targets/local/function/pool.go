package function

import (
	"context"
	"slices"
	"time"

	"github.com/twofoldhq/twofold/targets"
)

// finishGrace is how long a request waits for an instance that has answered and
// is about to ask for its next invocation, before another one is started.
const finishGrace = 50 * time.Millisecond

// scarceGrace is the same where no other one may be started. On a machine that is
// busy with other things an instance takes longer to come back than any on
// Lambda does; a client that keeps within the concurrency must not be throttled.
const scarceGrace = 2 * time.Second

// startAttempts is how often a start is tried when the port that was chosen for
// the app turns out to be taken.
const startAttempts = 3

// acquire returns an instance for an invocation, and takes it out of the pool.
// It starts one if none is free. Without one, the outcome says why.
func (f *Function) acquire(v *invocation) (*instance, outcome) {
	f.mu.Lock()
	if f.ended {
		f.mu.Unlock()
		return nil, outcome{err: ErrClosed}
	}
	if i := f.popIdle(); i != nil {
		f.mu.Unlock()
		return i, outcome{}
	}
	if f.finishing > len(f.waiting) {
		turn := make(chan *instance, 1)
		f.waiting = append(f.waiting, turn)
		grace := finishGrace
		if f.slots >= f.config.Concurrency {
			grace = scarceGrace
		}
		f.mu.Unlock()
		if i := f.await(turn, grace); i != nil {
			return i, outcome{}
		}
		f.mu.Lock()
		if i := f.popIdle(); i != nil {
			f.mu.Unlock()
			return i, outcome{}
		}
	}
	if f.slots >= f.config.Concurrency {
		f.stats.Throttles++
		f.mu.Unlock()
		return nil, outcome{throttled: true}
	}
	f.slots++
	f.mu.Unlock()

	i, failed := f.coldStart(v)
	if failed != nil {
		return nil, outcome{failure: failed}
	}
	return i, outcome{}
}

// popIdle takes the instance that was used last; the mutex is held.
func (f *Function) popIdle() *instance {
	n := len(f.idle)
	if n == 0 {
		return nil
	}
	i := f.idle[n-1]
	f.idle[n-1] = nil
	f.idle = f.idle[:n-1]
	return i
}

// await waits a moment for an instance that is about to be free.
func (f *Function) await(turn chan *instance, grace time.Duration) *instance {
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case i := <-turn:
		return i
	case <-timer.C:
	}
	f.mu.Lock()
	if at := slices.Index(f.waiting, turn); at >= 0 {
		f.waiting = slices.Delete(f.waiting, at, at+1)
		f.mu.Unlock()
		return nil
	}
	f.mu.Unlock()
	return <-turn // it came at the last moment
}

// finishes counts an instance that has answered.
func (f *Function) finishes(n int) {
	f.mu.Lock()
	f.finishing += n
	f.mu.Unlock()
}

// release puts an instance that waits for an invocation into the pool, or gives
// it to who waits for one.
func (f *Function) release(i *instance) {
	f.mu.Lock()
	f.finishing--
	f.free(i)
	f.mu.Unlock()
}

// free makes an instance available; the mutex is held.
func (f *Function) free(i *instance) {
	if len(f.waiting) > 0 {
		turn := f.waiting[0]
		f.waiting = slices.Delete(f.waiting, 0, 1)
		turn <- i
		return
	}
	if _, lives := f.instances[i]; !lives {
		return
	}
	i.idleSince = time.Now()
	f.idle = append(f.idle, i)
	if f.sweep == nil && !f.closed {
		f.sweep = time.AfterFunc(f.config.Idle, f.endIdle)
	}
}

// endIdle ends the instances that have been idle for long enough, and sets the
// timer for the next ones.
func (f *Function) endIdle() {
	now := time.Now()
	f.mu.Lock()
	old := 0
	for old < len(f.idle) && now.Sub(f.idle[old].idleSince) >= f.config.Idle {
		old++
	}
	ends := slices.Clone(f.idle[:old])
	f.idle = slices.Delete(f.idle, 0, old)
	f.sweep = nil
	if len(f.idle) > 0 && !f.closed {
		f.sweep = time.AfterFunc(f.config.Idle-now.Sub(f.idle[0].idleSince), f.endIdle)
	}
	f.mu.Unlock()
	for _, i := range ends {
		go i.end()
	}
}

// register adds a process that was just started. It fails when the function has
// ended its instances already.
func (f *Function) register(i *instance) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.instances[i] = struct{}{}
	f.stats.ColdStarts++
	return !f.ended
}

// adopt gives an instance that is ready the slot that was taken for it.
func (f *Function) adopt(i *instance) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, lives := f.instances[i]; lives {
		i.pooled = true
	} else {
		f.slots--
	}
}

// forget removes an instance whose process has ended in that state.
func (f *Function) forget(i *instance, before state) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.instances, i)
	if at := slices.Index(f.idle, i); at >= 0 {
		f.idle = slices.Delete(f.idle, at, at+1)
	}
	if i.pooled {
		f.slots--
	}
	if before == responded {
		f.finishing--
	}
}

// coldStart starts an instance for an invocation. As on Lambda, a start that
// fails, or takes too long, is tried once more as part of the invocation, under
// the function's timeout. It uses up the slot if it fails.
func (f *Function) coldStart(v *invocation) (*instance, *failure) {
	i, failed := f.start(context.Background(), f.config.Start, "init", "")
	if failed != nil && failed.kind != kindEntrypoint {
		v.began = time.Now()
		v.deadline = v.began.Add(f.config.Timeout)
		i, failed = f.start(context.Background(), f.config.Timeout, "invoke", v.id)
	}
	if failed != nil {
		f.mu.Lock()
		f.slots--
		f.mu.Unlock()
		f.failStart(v, i, failed)
		return nil, failed
	}
	f.adopt(i)
	return i, nil
}

// start starts an instance and waits until it is ready. With a failure the
// instance has ended; it is nil if there never was one.
func (f *Function) start(ctx context.Context, limit time.Duration, phase, requestID string) (i *instance, failed *failure) {
	defer func() { f.countStart(failed) }()
	for attempt := 1; ; attempt++ {
		begin := time.Now()
		launching, cancel := context.WithTimeout(ctx, limit)
		var err error
		i, err = f.launch(launching)
		cancel()
		if err != nil {
			failed = functionError(kindEntrypoint, requestPrefix(requestID)+err.Error())
			failed.reason = err.Error()
			return nil, failed
		}
		failed = i.waitReady(ctx, begin, limit, requestID)
		took := time.Since(begin)
		if failed == nil {
			if phase == "init" {
				i.mu.Lock()
				i.initTook = took
				i.mu.Unlock()
			}
			return i, nil
		}
		i.end()
		i.log.platform(initReport(took, phase, failed))
		if failed.timeout || ctx.Err() != nil || attempt == startAttempts || !portTaken(i.port) {
			return i, failed
		}
	}
}

// Warm starts an instance, unless there is one, and returns when it waits for an
// invocation. The error of one that does not get ready within Config.Start is a
// *targets.NotHealthyError.
func (f *Function) Warm(ctx context.Context) error {
	if !f.begin() {
		return ErrClosed
	}
	defer f.calls.Done()
	f.mu.Lock()
	if f.slots > 0 {
		f.mu.Unlock()
		return nil
	}
	f.slots++
	f.mu.Unlock()

	i, failed := f.start(ctx, f.config.Start, "init", "")
	if failed != nil {
		f.mu.Lock()
		f.slots--
		f.mu.Unlock()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		unhealthy := &targets.NotHealthyError{Reason: failed.reason}
		if i != nil {
			unhealthy.Output = i.log.output()
		}
		return unhealthy
	}
	f.adopt(i)
	f.mu.Lock()
	f.free(i)
	f.mu.Unlock()
	return nil
}
