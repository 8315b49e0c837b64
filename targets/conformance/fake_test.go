package conformance

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
)

// faults are the ways in which a fake breaks the contract.
type faults struct {
	alwaysChanged    bool // deploying what runs starts it again
	dropsOnSwitch    bool // the URL is dead while the release is replaced
	cutsInFlight     bool // requests of the old release are cut off
	replacesTooEarly bool // a release that does not get ready takes over
	ignoresCancel    bool // a cancelled deploy goes on
	refusesTheSecond bool // of two deploys at once
	forgetsToDestroy bool // status still shows what was destroyed
	failsOnUnknown   bool // destroy of what does not exist
	hidesOutput      bool // NotHealthyError without output
	emptyLogs        bool // declared, and writes nothing
	echoesNothing    bool // invoke is declared, and returns nothing
	leaksEnv         bool // in the plan
	forgetsSensitive bool // the plan shows what only the record knows to be sensitive
	leaksSecret      bool // in the status
	losesSecret      bool // the app does not get it
	inventsSecret    bool // one that does not exist is empty
	losesVolume      bool // with each release
	ignoresReadOnly  bool // of a volume
	neverFires       bool // a schedule
	firesText        bool // a schedule posts no JSON
	losesMessages    bool // of a queue, after the first release
	undeclaredRun    bool // and works all the same: no fault
	runsOldRelease   bool // instead of the one of the request
	forgetsStatus    bool // a command that fails is no error
	runsOn           bool // a command that was cancelled
	undeclaredBack   bool // rollback, and works all the same: no fault
	alwaysRollsBack  bool // to what runs already
	rollsBackToAny   bool // also to what never ran
	forgetsEarlier   bool // the status lists no earlier releases
	exec             execFaults
}

// fake is a target that "runs" releases in this process: it knows what each of
// the suite's releases does.
type fake struct {
	faults   faults
	releases *Releases

	mu          sync.Mutex
	deployments map[targets.Key]*fakeDeployment
	store       map[string]string                 // of secrets
	volumes     map[targets.Key]map[string]string // files by name
	turn        sync.Mutex
}

type fakeDeployment struct {
	status  targets.Status
	asked   targets.Deployment
	env     map[string]string // with the secrets
	own     map[string]string // files that are not in a volume
	server  *httptest.Server
	handler *atomic.Value // of http.HandlerFunc
	log     *bytes.Buffer
	before  []targets.Deployment
}

func newFake(f faults) *fake {
	digest := func(c string) *release.Release {
		return &release.Release{Digest: "sha256:" + strings.Repeat(c, 64), Project: Project, Service: Service}
	}
	return &fake{
		faults:      f,
		releases:    &Releases{One: digest("1"), Two: digest("2"), Broken: digest("b"), Crashing: digest("c")},
		deployments: make(map[targets.Key]*fakeDeployment),
		store:       make(map[string]string),
		volumes:     make(map[targets.Key]map[string]string),
	}
}

func (f *fake) Info() targets.Info {
	info := targets.Info{
		Plugin: "fake", Name: "memory", Doc: "Keeps everything in memory.",
		Forms: []release.Kind{release.Image}, Platforms: []build.Platform{{OS: "linux", Arch: "amd64"}},
		Operations: targets.Operations{Logs: f.logs, Invoke: f.invoke, Run: f.runOnce, Exec: f.exec, Rollback: f.rollback},
	}
	if f.faults.undeclaredBack {
		info.Operations.Rollback = nil
	}
	if f.faults.exec.undeclared {
		info.Operations.Exec = nil
	}
	if f.faults.undeclaredRun {
		info.Operations.Run = nil
	}
	return info
}

func (f *fake) Plan(ctx context.Context, d targets.Deployment) (targets.Plan, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := targets.Plan{Key: d.Key, Target: "fake.memory", Action: "none"}
	now, ok := f.deployments[d.Key]
	switch {
	case !ok:
		p.Action, p.Changes = "create", []targets.Change{{Name: "release", After: d.Release.Digest}}
	case !f.same(now, d):
		p.Action, p.Changes = "update", []targets.Change{{Name: "release or env"}}
		if f.faults.leaksEnv || f.faults.forgetsSensitive && len(d.Sensitive) == 0 {
			p.Changes[0].Before, p.Changes[0].After = fmt.Sprint(now.env), fmt.Sprint(d.Env)
		}
	}
	return p, nil
}

func (f *fake) Deploy(ctx context.Context, d targets.Deployment) (targets.Status, error) {
	if f.faults.refusesTheSecond {
		if !f.turn.TryLock() {
			return targets.Status{}, fmt.Errorf("somebody else deploys")
		}
	} else {
		f.turn.Lock()
	}
	defer f.turn.Unlock()
	if d.Events != nil {
		d.Events(targets.Event{Message: "starting"})
	}
	f.mu.Lock()
	old, exists := f.deployments[d.Key]
	f.mu.Unlock()
	for _, s := range d.Secrets {
		if _, there := f.store[s.From]; !there && !f.faults.inventsSecret {
			return targets.Status{}, fmt.Errorf("no secret %q", s.From)
		}
	}
	if exists && f.same(old, d) && !f.faults.alwaysChanged {
		return old.status, nil
	}
	if f.faults.replacesTooEarly {
		f.run(d, old)
	}
	time.Sleep(10 * time.Millisecond) // a start takes time, or two deploys never meet
	if err := f.ready(ctx, d); err != nil {
		return targets.Status{}, err
	}
	return f.run(d, old), nil
}

// ready plays the wait for the app.
func (f *fake) ready(ctx context.Context, d targets.Deployment) error {
	e := &targets.NotHealthyError{Reason: "it does not answer", Output: "app is not ready"}
	if f.faults.hidesOutput {
		e.Output = ""
	}
	switch d.Release {
	case f.releases.Crashing:
		if e.Output != "" {
			e.Output = "app cannot start"
		}
		return e
	case f.releases.Broken:
		if f.faults.ignoresCancel {
			ctx = context.WithoutCancel(ctx)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(d.Start, time.Second)):
			return e
		}
	}
	return nil
}

// run makes the release serve at the deployment's URL.
func (f *fake) run(d targets.Deployment, old *fakeDeployment) targets.Status {
	next := &fakeDeployment{asked: d, env: f.environment(d), own: map[string]string{}, log: new(bytes.Buffer)}
	version := map[*release.Release]string{f.releases.One: "one", f.releases.Two: "two"}[d.Release]
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.app(w, r, d.Key, version) })
	if old != nil {
		next.server, next.handler, next.log = old.server, old.handler, old.log
		next.before = append(slices.Clone(old.before), old.asked)
		if f.faults.dropsOnSwitch {
			next.handler.Store(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
			time.Sleep(100 * time.Millisecond)
		}
		next.handler.Store(app)
		if f.faults.cutsInFlight {
			next.server.CloseClientConnections()
		}
	} else {
		next.handler = new(atomic.Value)
		next.handler.Store(app)
		next.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.handler.Load().(http.HandlerFunc)(w, r)
		}))
	}
	next.status = targets.Status{
		Key: d.Key, Target: "fake.memory", State: targets.Running, URL: next.server.URL,
		Release: d.Release.Digest, Form: release.Image, Instances: 1, Deployed: time.Now(), Earlier: f.earlier(next.before),
	}
	if f.faults.leaksSecret {
		next.status.Detail = fmt.Sprint(next.env)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.volumes[d.Key] == nil {
		f.volumes[d.Key] = map[string]string{}
	}
	f.deployments[d.Key] = next
	f.fire(d.Key, next)
	result := next.status
	result.Changed = true
	return result
}

func (f *fake) app(w http.ResponseWriter, r *http.Request, k targets.Key, version string) {
	f.mu.Lock()
	d := f.deployments[k]
	f.mu.Unlock()
	switch r.URL.Path {
	case "/version":
		io.WriteString(w, version)
	case "/env":
		io.WriteString(w, d.env[r.FormValue("name")])
	case "/file":
		f.files(w, r, d)
	case "/print":
		f.mu.Lock()
		fmt.Fprintln(d.log, r.FormValue("text"))
		f.mu.Unlock()
	case "/slow":
		ms, _ := strconv.Atoi(r.FormValue("ms"))
		time.Sleep(time.Duration(ms) * time.Millisecond)
		io.WriteString(w, version)
	}
}

func (f *fake) Status(ctx context.Context, filter targets.Filter) ([]targets.Status, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if d, ok := f.deployments[targets.Key(filter)]; ok {
		return []targets.Status{d.status}, nil
	}
	return nil, nil
}

func (f *fake) Destroy(ctx context.Context, k targets.Key) (bool, error) {
	f.mu.Lock()
	d, ok := f.deployments[k]
	if ok && !f.faults.forgetsToDestroy {
		delete(f.deployments, k)
	}
	f.mu.Unlock()
	if !ok {
		if f.faults.failsOnUnknown {
			return false, fmt.Errorf("no such deployment")
		}
		return false, nil
	}
	if !f.faults.forgetsToDestroy {
		d.server.CloseClientConnections()
		d.server.Close()
	}
	return true, nil
}

func (f *fake) logs(ctx context.Context, r targets.LogsRequest) error {
	if f.faults.emptyLogs {
		return nil
	}
	written := 0
	for first := true; ; first = false {
		f.mu.Lock()
		text := ""
		if d := f.deployments[r.Key]; d != nil {
			text = d.log.String()
		}
		f.mu.Unlock()
		if first && r.Tail == 1 {
			whole := strings.TrimSuffix(text, "\n")
			written = strings.LastIndexByte(whole, '\n') + 1
		}
		io.WriteString(r.Out, text[written:])
		written = len(text)
		if !r.Follow || ctx.Err() != nil {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
}

func (f *fake) invoke(ctx context.Context, r targets.InvokeRequest) (targets.InvokeResult, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.deployments[r.Key] == nil {
		return targets.InvokeResult{}, fmt.Errorf("not deployed")
	}
	if f.faults.echoesNothing {
		return targets.InvokeResult{}, nil
	}
	return targets.InvokeResult{Payload: r.Event}, nil
}
