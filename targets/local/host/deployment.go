package host

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/proxy"
	"github.com/twofoldhq/twofold/targets/schedule"
)

// deployment is one deployment in the supervisor's memory.
type deployment struct {
	s      *supervisor
	key    targets.Key
	target string
	dir    string

	// turn holds one token; who has it changes the deployment.
	turn chan struct{}
	// leaving counts the workloads that are being drained.
	leaving sync.WaitGroup
	// hurry is closed when drains must end now.
	hurry chan struct{}

	mu      sync.Mutex
	holder  string // who has the turn, for the one who waits
	record  *Record
	gateway *gateway // nil while the port cannot be listened on
	current workload // nil while it cannot be made
	problem string   // why gateway or current is nil
	log     *logFile
	uses    map[string]int // of the releases on disk, by name
	// schedules fires while a gateway listens; nil if nothing is to be fired.
	schedules *schedule.Runner
}

func newDeployment(s *supervisor, k targets.Key, target string) *deployment {
	return &deployment{
		s: s, key: k, target: target, dir: s.layout.Deployment(k, target),
		turn: make(chan struct{}, 1), hurry: make(chan struct{}), uses: make(map[string]int),
	}
}

// take waits for the turn.
func (d *deployment) take(ctx context.Context, who string, say func(targets.Event)) error {
	select {
	case d.turn <- struct{}{}:
	default:
		d.mu.Lock()
		holder := d.holder
		d.mu.Unlock()
		if holder != "" {
			say(targets.Event{Message: "waiting for " + holder})
		}
		select {
		case d.turn <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	d.mu.Lock()
	d.holder = who
	d.mu.Unlock()
	return nil
}

func (d *deployment) give() {
	d.mu.Lock()
	d.holder = ""
	d.mu.Unlock()
	<-d.turn
}

// recorded returns the record, or nil if nothing is deployed.
func (d *deployment) recorded() *Record {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.record
}

func (d *deployment) status() (targets.Status, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.record == nil {
		return targets.Status{}, false
	}
	st := d.record.status()
	if d.current != nil {
		st.Runner = d.current.describe()
		st.State, st.Detail, st.Instances = d.current.state()
	}
	if d.problem != "" {
		st.State, st.Detail = targets.Failing, d.problem
	}
	st.Volumes = d.s.layout.volumeStatus(d.record)
	if d.schedules != nil {
		st.Schedules = d.schedules.Status()
	}
	return st, true
}

// deploy makes the deployment run what the request says. The caller has the turn.
func (d *deployment) deploy(ctx context.Context, req DeployRequest, say func(targets.Event)) (targets.Status, error) {
	if d.upToDate(ctx, req) {
		if err := d.learn(req.Spec.Sensitive); err != nil {
			return targets.Status{}, err
		}
		st, _ := d.status()
		return st, nil
	}
	dir, err := d.takeIn(req)
	if err != nil {
		return targets.Status{}, err
	}
	defer d.drop(releaseName(req.Release))
	d.s.crash("taken in")

	defer d.sweepSecrets()
	next, open, err := d.prepare(req)
	if err != nil {
		return targets.Status{}, err
	}
	d.s.crash("prepared")
	w, err := d.launch(ctx, order{record: next, release: dir, secrets: req.Secrets}, say)
	if err != nil {
		if open != nil {
			open.Close()
		}
		return targets.Status{}, err
	}
	next.Runner, next.Engine = w.describe(), w.engine()
	d.s.crash("started")
	if err := d.commit(ctx, next); err != nil {
		if open != nil {
			open.Close()
		}
		w.close()
		d.drop(releaseName(req.Release))
		return targets.Status{}, err
	}
	d.s.crash("committed")
	d.switchTo(next, w, open)
	d.s.crash("switched")
	st, _ := d.status()
	st.Changed = true
	return st, nil
}

// upToDate reports whether the deployment is as the request wants it, and serves.
// One that was not brought back yet, or could not be, is tried first.
func (d *deployment) upToDate(ctx context.Context, req DeployRequest) bool {
	r := d.recorded()
	same := r != nil && r.Release == req.Release && r.Form == req.Form && r.Spec.equal(req.Spec) && d.keeps(r, req.Secrets)
	if !same || !d.resume(ctx) {
		return false
	}
	d.mu.Lock()
	w := d.current
	d.mu.Unlock()
	return w.wait(ctx) == nil
}

// learn makes the record know which variables are sensitive, if it does not, which
// changes nothing that runs.
func (d *deployment) learn(sensitive []string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.record.Format == recordFormat && slices.Equal(d.record.Spec.Sensitive, sensitive) {
		return nil
	}
	next := *d.record
	next.Format, next.Spec.Sensitive = recordFormat, sensitive
	if err := next.write(d.dir); err != nil {
		return err
	}
	d.record = &next
	return nil
}

// takeIn puts the release in its place, and counts a use of it, which drop ends.
func (d *deployment) takeIn(req DeployRequest) (releaseDir, error) {
	name := releaseName(req.Release)
	dir := d.releaseDir(name)
	d.hold(name)
	err := func() error {
		if dir.exists() {
			return nil
		}
		if req.Incoming == "" {
			return errNeedRelease
		}
		return dir.adopt(filepath.Join(d.s.layout.incoming(), filepath.Base(req.Incoming)))
	}()
	if err != nil {
		d.drop(name)
	}
	return dir, err
}

// prepare makes the record of what is to run. open is a listener for its port if
// none serves yet.
func (d *deployment) prepare(req DeployRequest) (next *Record, open net.Listener, err error) {
	next = &Record{
		Format: recordFormat, Key: req.Key, Target: req.Target, Release: req.Release,
		Form: req.Form, Spec: req.Spec, Deployed: time.Now().UTC().Truncate(time.Millisecond),
	}
	if next.Secrets, err = writeSecrets(d.dir, req.Secrets); err != nil {
		return nil, nil, err
	}
	taken := d.s.ports()
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.gateway != nil:
		next.Port = d.record.Port
	case d.record != nil:
		next.Port = d.record.Port
		l, err := listenOn(next.Port)
		if err != nil {
			return nil, nil, portError(next.Port, err)
		}
		open = l
	default:
		l, port, err := listenAnywhere(preferredPort(d.key, d.target), taken)
		if err != nil {
			return nil, nil, err
		}
		next.Port, open = port, l
	}
	return next, open, nil
}

// launch makes the workload of an order, which it completes, and waits until it
// serves.
func (d *deployment) launch(ctx context.Context, o order, say func(targets.Event)) (w workload, err error) {
	next := o.record
	if o.log, err = d.openLog(); err != nil {
		return nil, err
	}
	if o.mounts, err = d.s.layout.openVolumes(d.key, next.Spec.Volumes, say); err != nil {
		return nil, err
	}
	o.name, o.deploymentDir = d.workloadName(), d.dir
	o.say = func(message string) { say(targets.Event{Message: message}) }
	if w, err = d.s.make(ctx, o); err != nil {
		return nil, err
	}
	d.s.crash("unpacked")
	d.hold(releaseName(next.Release))
	say(targets.Event{Message: "starting it with " + w.describe()})
	if next.Spec.Health != "" {
		say(targets.Event{Message: "waiting for " + next.Spec.Health})
	}
	if err := w.start(ctx); err != nil {
		d.drop(releaseName(next.Release))
		return nil, err
	}
	return w, nil
}

// commit is the moment at which a deploy counts: what a crash leaves is the old
// deployment before it, and the new one after it.
func (d *deployment) commit(ctx context.Context, next *Record) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	return next.write(d.dir)
}

// switchTo sends the requests to a new workload, and lets the old one finish.
func (d *deployment) switchTo(next *Record, w workload, open net.Listener) {
	d.mu.Lock()
	old, oldRecord := d.current, d.record
	d.record, d.current, d.problem = next, w, ""
	var left *serving
	if d.gateway == nil {
		d.gateway = newGateway(open, w, d.s.logger)
		if old != nil {
			left = proxy.NewSwitch(old).End()
		}
	} else {
		left = d.gateway.Swap(w)
	}
	d.setSchedules(next.Spec.Schedules)
	d.mu.Unlock()
	if left != nil {
		d.retire(left, oldRecord)
	}
}

// retire ends a workload when its requests are done, in the background.
func (d *deployment) retire(left *serving, r *Record) {
	d.mu.Lock()
	hurry := d.hurry
	d.mu.Unlock()
	d.leaving.Go(func() {
		limit := time.NewTimer(drainLimit(r.Spec.Timeout))
		defer limit.Stop()
		select {
		case <-left.Drained():
		case <-limit.C:
		case <-hurry:
		}
		left.Handler.close()
		d.drop(releaseName(r.Release))
	})
}

// drainLimit is how long requests in flight may hold up the end of a workload.
func drainLimit(timeout time.Duration) time.Duration {
	const most = 30 * time.Second
	if timeout <= 0 {
		return most
	}
	return min(timeout, most)
}

// destroy removes the deployment and says whether there was one. The caller has
// the turn. From the removal of the record on, a crash leaves only what the next
// supervisor removes.
func (d *deployment) destroy() (bool, error) {
	err := os.Remove(filepath.Join(d.dir, recordName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("remove its record: %w", err)
	}
	existed := err == nil
	d.s.crash("record removed")
	d.halt()
	d.mu.Lock()
	d.record = nil
	d.mu.Unlock()
	if err := d.s.remove(d.dir); err != nil {
		return existed, fmt.Errorf("remove its files: %w", err)
	}
	return existed, nil
}

// invoke sends an event to what serves.
func (d *deployment) invoke(ctx context.Context, event []byte) (targets.InvokeResult, error) {
	d.mu.Lock()
	g, r, problem := d.gateway, d.record, d.problem
	d.mu.Unlock()
	switch {
	case r == nil:
		return targets.InvokeResult{}, errNoRecord
	case g == nil:
		return targets.InvokeResult{}, fmt.Errorf("it does not run: %s", problem)
	}
	s := g.Enter()
	defer g.Leave(s)
	return s.Handler.invoke(ctx, event)
}

// halt ends everything that runs, and leaves the files as they are.
func (d *deployment) halt() {
	d.mu.Lock()
	close(d.hurry)
	g, w, r, schedules := d.gateway, d.current, d.record, d.schedules
	d.gateway, d.current, d.schedules = nil, nil, nil
	d.mu.Unlock()
	if schedules != nil {
		schedules.Stop()
	}
	if g != nil {
		ctx, cancel := context.WithTimeout(context.Background(), drainLimit(r.Spec.Timeout))
		g.close(ctx)
		cancel()
	}
	if w != nil {
		w.close()
	}
	d.leaving.Wait()
	if schedules != nil {
		schedules.Wait()
	}
	d.mu.Lock()
	d.hurry = make(chan struct{})
	d.mu.Unlock()
	d.closeLog()
}

func (d *deployment) workloadName() string {
	var b [3]byte
	rand.Read(b[:])
	return filepath.Base(d.dir) + "-" + hex.EncodeToString(b[:])
}
