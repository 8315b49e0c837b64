package queue

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// worker takes the messages of one queue.
type worker struct {
	queue  Queue
	config Config
	// slots holds a value for each batch that is under way, and under awaits them.
	slots chan struct{}
	under sync.WaitGroup

	mu      sync.Mutex
	taken   map[string]bool // the messages that are under way
	doubt   bool            // whether the app is ready
	problem string
	looked  time.Time // when pending messages were looked for
}

func newWorker(q Queue, c Config) *worker {
	return &worker{queue: q, config: c, taken: map[string]bool{}, doubt: true, slots: make(chan struct{}, q.Parallel)}
}

// The pauses after an error of the server, each twice the one before.
const firstRetry, lastRetry = time.Second, 30 * time.Second

// run takes messages until the context ends, and returns when the requests that are
// under way are answered.
func (w *worker) run(ctx context.Context, password string) {
	a, err := parseURL(w.queue.URL)
	if err != nil {
		w.note(err) // whoever sets a queue has checked it
		return
	}
	s := open(a, w.queue.Group, password)
	defer s.close()
	defer w.under.Wait()
	for pause := firstRetry; ctx.Err() == nil; pause = min(2*pause, lastRetry) {
		began := time.Now()
		if err := w.follow(ctx, s); ctx.Err() == nil {
			w.note(err) // what comes of the end is no problem
		}
		if time.Since(began) > lastRetry {
			pause = firstRetry
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// follow takes messages until the server fails or the context ends.
func (w *worker) follow(ctx context.Context, s *stream) error {
	if err := s.join(ctx); err != nil {
		return w.ofStream(err)
	}
	for {
		select {
		case w.slots <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		if err := w.ready(ctx); err != nil {
			<-w.slots
			return err
		}
		w.note(nil)
		batch, err := w.next(ctx, s)
		if err != nil {
			<-w.slots
			return w.ofStream(err)
		}
		w.under.Go(func() {
			w.process(ctx, s, batch)
			<-w.slots
		})
	}
}

func (w *worker) ofStream(err error) error { return fmt.Errorf("stream %s: %w", w.queue.URL, err) }

// ready asks whether the app is, where that is in doubt.
func (w *worker) ready(ctx context.Context) error {
	w.mu.Lock()
	doubt := w.doubt
	w.mu.Unlock()
	if !doubt {
		return nil
	}
	if err := w.config.Ready(ctx); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.doubt = false
	return nil
}

// note keeps why no messages are taken, and logs it when that changes.
func (w *worker) note(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case text == w.problem:
	case text != "":
		w.log("no messages are taken: %s", text)
	default:
		w.log("messages are taken again")
	}
	w.problem = text
}

func (w *worker) problemNow() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.problem
}

func (w *worker) log(format string, args ...any) {
	w.config.Log(fmt.Sprintf("on \"queue\" %q: ", w.queue.Name) + fmt.Sprintf(format, args...))
}

// next returns messages that are due again, else new ones, or none after a while.
func (w *worker) next(ctx context.Context, s *stream) ([]message, error) {
	batch, err := w.due(ctx, s)
	if err == nil && len(batch) == 0 {
		batch, err = s.take(ctx, w.queue.Batch)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range batch {
		w.taken[m.id] = true
	}
	return batch, err
}

// due takes messages again that were not acknowledged. What failed for good without
// anybody being told, as when the gateway ended, is put aside.
func (w *worker) due(ctx context.Context, s *stream) (batch []message, err error) {
	w.mu.Lock()
	under, looked := len(w.taken), w.looked
	w.mu.Unlock()
	if time.Since(looked) < block {
		return nil, nil
	}
	list, err := s.due(ctx, w.queue.Pause, w.queue.Batch+under)
	if err != nil {
		return nil, err
	}
	for _, p := range list {
		if w.isTaken(p.id) {
			continue
		}
		m, ok, err := s.again(ctx, p, w.queue.Pause)
		if err != nil && len(batch) > 0 {
			return batch, nil // what was taken is posted first
		}
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if m.attempt > Tries {
			w.bury(ctx, s, m)
			continue
		}
		if batch = append(batch, m); len(batch) == w.queue.Batch {
			return batch, nil
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looked = time.Now()
	return batch, nil
}

func (w *worker) isTaken(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.taken[id]
}

// process posts a batch. What is not posted when the context ends, or when the app is
// not ready any more, is given back.
func (w *worker) process(ctx context.Context, s *stream, batch []message) {
	lasting := context.WithoutCancel(ctx)
	defer w.release(batch)
	size := 1
	post := w.postOne
	if w.queue.Whole {
		size, post = len(batch), w.postAll
	}
	for rest := batch; len(rest) > 0; rest = rest[size:] {
		if ctx.Err() != nil || w.ready(lasting) != nil {
			if err := s.giveBack(lasting, rest, w.queue.Pause); err != nil {
				w.log("%d messages are taken again later: %v", len(rest), err)
			}
			return
		}
		w.settle(lasting, s, rest[:size], post(lasting, rest[:size]))
	}
}

func (w *worker) release(batch []message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range batch {
		delete(w.taken, m.id)
	}
}

// postOne posts a single message, and returns it with the error if it failed.
func (w *worker) postOne(ctx context.Context, one []message) (failed map[string]error) {
	m := one[0]
	r, err := w.queue.requestOfOne(ctx, m)
	if err == nil {
		_, err = w.queue.post(w.config.App, r)
	}
	if err != nil {
		return map[string]error{m.id: err}
	}
	return nil
}

// postAll posts a batch, and returns the messages that failed.
func (w *worker) postAll(ctx context.Context, batch []message) (failed map[string]error) {
	r, err := w.queue.requestOfAll(ctx, batch)
	if err == nil {
		var body []byte
		if body, err = w.queue.post(w.config.App, r); err == nil {
			return failures(body, batch)
		}
	}
	failed = map[string]error{}
	for _, m := range batch {
		failed[m.id] = err
	}
	return failed
}

// settle acknowledges the messages that were posted and did not fail.
func (w *worker) settle(ctx context.Context, s *stream, batch []message, failed map[string]error) {
	var done []string
	if len(failed) > 0 {
		w.mu.Lock()
		w.doubt = true
		w.mu.Unlock()
	}
	for _, m := range batch {
		err := failed[m.id]
		switch {
		case err == nil:
			done = append(done, m.id)
		case m.attempt < Tries:
			w.log("message %s: %v; it is posted again %s after it was taken", m.id, err, w.queue.Pause)
		default:
			w.log("message %s: %v", m.id, err)
			w.bury(ctx, s, m)
		}
	}
	if len(done) == 0 {
		return
	}
	err := w.insist(func() error { return s.acknowledge(ctx, done...) })
	if err != nil {
		w.log("%d messages were done, and are posted again, since they could not be acknowledged: %v", len(done), err)
	}
}

// bury puts a message aside that failed for good.
func (w *worker) bury(ctx context.Context, s *stream, m message) {
	if err := s.bury(ctx, m); err != nil {
		w.log("message %s has failed %d times, and cannot be put aside: %v", m.id, Tries, err)
		return
	}
	w.log("message %s has failed %d times, and is in the stream %s%s now", m.id, Tries, s.name, DeadSuffix)
}

// insist tries something that Redis did not take, for as long as a message waits that
// failed: what was posted need not be posted again because a server was made anew.
func (w *worker) insist(try func() error) error {
	began := time.Now()
	for pause := 50 * time.Millisecond; ; pause *= 2 {
		err := try()
		if err == nil || time.Since(began)+pause > w.queue.Pause {
			return err
		}
		time.Sleep(pause)
	}
}
