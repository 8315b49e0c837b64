package host

import (
	"context"
	"errors"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/local/container"
	"github.com/twofoldhq/twofold/targets/schedule"
)

// supervisor runs the deployments of a layout. There is one a layout at a time;
// Main sees to that.
type supervisor struct {
	layout Layout
	build  Build
	logger *log.Logger
	// make makes the workload of an order.
	make func(ctx context.Context, o order) (workload, error)
	// remove removes the folder of a deployment or a release with all that was made
	// for it elsewhere; clean removes what a supervisor before left running.
	remove func(dir string) error
	clean  func()
	// run runs a command once in the release of an order.
	run func(ctx context.Context, o order, s container.Start, began func()) error
	// clock is what schedules go by.
	clock schedule.Clock
	// crash is called at the moments at which a test kills the supervisor.
	crash func(moment string)
	// idleAfter is how long it stays with nothing to do.
	idleAfter time.Duration

	// executions are the commands of execs.
	executions executions

	// quit is closed when the supervisor is to end.
	quit     chan struct{}
	quitOnce sync.Once

	mu          sync.Mutex
	deployments map[string]*deployment // by id
	refs        map[string]int         // operations on a deployment that go on now
	busy        int                    // operations that go on now
	idle        *time.Timer
	closing     bool
}

// mendPause is how often a deployment that could not be brought back is tried again.
const mendPause = 2 * time.Second

func newSupervisor(l Layout, b Build, logger *log.Logger) *supervisor {
	s := &supervisor{
		layout: l, build: b, logger: logger,
		remove: removeTree, clean: func() {}, crash: func(string) {},
		idleAfter: 10 * time.Second, quit: make(chan struct{}),
		clock:       schedule.Machine{},
		deployments: make(map[string]*deployment), refs: make(map[string]int),
	}
	return s
}

// load reads what is on disk and removes what was only half made.
func (s *supervisor) load() error {
	s.clean()
	entries, err := os.ReadDir(s.layout.deployments())
	if err != nil {
		return err
	}
	for _, e := range entries {
		dir := filepath.Join(s.layout.deployments(), e.Name())
		r, err := readRecord(dir)
		if errors.Is(err, errNoRecord) {
			s.remove(dir)
			continue
		}
		if err != nil {
			s.logger.Print(err)
			continue
		}
		d := newDeployment(s, r.Key, r.Target)
		if d.dir != dir {
			s.logger.Printf("%s holds the record of another deployment and is left alone", dir)
			continue
		}
		d.record = r
		removeStaging(dir)
		removeStaging(d.releaseDir(releaseName(r.Release)).dir)
		d.sweep()
		d.sweepSecrets()
		s.deployments[e.Name()] = d
	}
	s.sweepIncoming()
	return nil
}

// removeStaging removes what a crash left unfinished in a folder.
func removeStaging(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), stagingPrefix) || strings.HasPrefix(e.Name(), ".new-") {
			removeTree(filepath.Join(dir, e.Name()))
		}
	}
}

// sweepIncoming removes the releases whose clients died on the way.
func (s *supervisor) sweepIncoming() {
	entries, err := os.ReadDir(s.layout.incoming())
	if err != nil {
		return
	}
	for _, e := range entries {
		dir := filepath.Join(s.layout.incoming(), e.Name())
		unlock, err := tryLock(dir)
		if err != nil {
			continue
		}
		removeTree(dir)
		unlock()
	}
}

// resume brings back all deployments, and keeps trying until each is back.
func (s *supervisor) resume(ctx context.Context) {
	var wg sync.WaitGroup
	for _, d := range s.all() {
		wg.Go(func() {
			for {
				if err := d.take(ctx, "the local host, which brings the deployment back", func(targets.Event) {}); err != nil {
					return
				}
				done := ctx.Err() != nil || d.resume(ctx)
				d.give()
				if done {
					return
				}
				select {
				case <-ctx.Done():
					return
				case <-time.After(mendPause):
				}
			}
		})
	}
	wg.Wait()
}

func (s *supervisor) all() []*deployment {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*deployment
	for _, d := range s.deployments {
		all = append(all, d)
	}
	return all
}

// ports are the ports of all deployments, whether they listen now or not.
func (s *supervisor) ports() map[int]bool {
	taken := make(map[int]bool)
	for _, d := range s.all() {
		if r := d.recorded(); r != nil {
			taken[r.Port] = true
		}
	}
	return taken
}

// open returns the deployment of a key for one operation, which done ends.
func (s *supervisor) open(k targets.Key, target string) (d *deployment, done func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return nil, nil, errEnding
	}
	id := deploymentID(k, target)
	d = s.deployments[id]
	if d == nil {
		d = newDeployment(s, k, target)
		s.deployments[id] = d
	}
	s.refs[id]++
	return d, func() { s.done(id, d) }, nil
}

// done forgets a deployment that does not exist, with whatever a failed deploy
// left of it, once no operation needs it.
func (s *supervisor) done(id string, d *deployment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refs[id]--
	if s.refs[id] > 0 {
		return
	}
	delete(s.refs, id)
	if _, exists := d.status(); exists {
		return
	}
	delete(s.deployments, id)
	s.tidyVolumes(d)
	d.closeLog()
	if _, err := readRecord(d.dir); err == nil || errors.Is(err, errNoRecord) {
		if err := s.remove(d.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.logger.Print(err)
		}
	}
}

func (s *supervisor) status(f targets.Filter, target string) []targets.Status {
	var list []targets.Status
	for _, d := range s.all() {
		st, ok := d.status()
		if ok && (target == "" || d.target == target) && matches(f, d.key) {
			list = append(list, st)
		}
	}
	sortStatus(list)
	return list
}

func matches(f targets.Filter, k targets.Key) bool {
	return (f.Project == "" || f.Project == k.Project) &&
		(f.Service == "" || f.Service == k.Service) &&
		(f.Environment == "" || f.Environment == k.Environment)
}

func sortStatus(list []targets.Status) {
	sort.Slice(list, func(a, b int) bool {
		x, y := list[a], list[b]
		if x.Project != y.Project {
			return x.Project < y.Project
		}
		if x.Service != y.Service {
			return x.Service < y.Service
		}
		if x.Environment != y.Environment {
			return x.Environment < y.Environment
		}
		return x.Target < y.Target
	})
}

// enter counts an operation; the supervisor does not go idle before leave.
func (s *supervisor) enter() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy++
}

func (s *supervisor) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy--
	s.idle.Reset(s.idleAfter)
}

// watchIdle ends the supervisor when it has had nothing to do for a while.
func (s *supervisor) watchIdle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = time.AfterFunc(s.idleAfter, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.busy == 0 && len(s.deployments) == 0 {
			s.end()
		}
	})
}

func (s *supervisor) end() { s.quitOnce.Do(func() { close(s.quit) }) }

func (s *supervisor) ending() bool {
	select {
	case <-s.quit:
		return true
	default:
		return false
	}
}

// close ends all deployments, and leaves them on disk for the next supervisor.
func (s *supervisor) close() {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	var wg sync.WaitGroup
	for _, d := range s.all() {
		wg.Go(func() {
			// Nobody gives this turn back: no operation may start any more.
			d.turn <- struct{}{}
			d.halt()
		})
	}
	wg.Wait()
}
