package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
)

func checkSecret(ctx context.Context, s *suite) {
	if s.SetSecret == nil {
		return
	}
	const name, value = "APP_SECRET", "a-secret-that-nobody-may-show"
	secret, err := s.SetSecret(ctx, name, value)
	if err != nil {
		s.fail("put a secret into the store: %w", err)
		return
	}
	var shown strings.Builder
	d := s.deployment(s.Releases.One)
	d.Secrets = []targets.Secret{secret}
	d.Events = func(e targets.Event) { fmt.Fprintln(&shown, e.Message) }

	p, err := s.Target.Plan(ctx, d)
	fmt.Fprintf(&shown, "%+v %v\n", p, err)
	st, err := s.Target.Deploy(ctx, d)
	if err != nil {
		s.fail("deploy with a secret: %w", err)
		return
	}
	if got, err := get(ctx, s.Client, st.URL+"/env?name="+name); err != nil || got != value {
		s.fail("the app sees a value of %d bytes for the secret (%v), want the one of the store", len(got), err)
	}
	later, _ := s.status(ctx)
	fmt.Fprintf(&shown, "%+v %+v\n", st, later)
	if again, err := s.Target.Deploy(ctx, d); err != nil || again.Changed {
		s.fail("the second deploy with the same secret: changed %t, %v", again.Changed, err)
	}
	if s.Target.Info().Operations.Logs != nil {
		if err := targets.Logs(ctx, s.Target, targets.LogsRequest{Key: s.key(), Out: &shown}); err != nil {
			s.fail("logs: %w", err)
		}
	}

	d.Secrets = append(d.Secrets, targets.Secret{Name: "APP_OTHER_SECRET", From: "a secret that no store has"})
	_, err = s.Target.Deploy(ctx, d)
	if err == nil || !strings.Contains(err.Error(), "APP_OTHER_SECRET") && !strings.Contains(err.Error(), "a secret that no store has") {
		s.fail("the deploy with a secret that does not exist returns %v, want an error that names it", err)
	}
	fmt.Fprintln(&shown, err)
	s.serves(ctx, s.Releases.One, "one")
	if strings.Contains(shown.String(), value) {
		s.fail("plan, events, status, log or error show the value of the secret")
	}
}

func checkVolume(ctx context.Context, s *suite) {
	if !s.Volumes {
		return
	}
	const file = "/mnt/data/note"
	d := s.deployment(s.Releases.One)
	d.Volumes = []targets.Volume{{Name: "data", Path: "/mnt/data", Size: 16 << 20}}
	st, err := s.Target.Deploy(ctx, d)
	if err != nil {
		s.fail("deploy with a volume: %w", err)
		return
	}
	if err := put(ctx, s.Client, st.URL+"/file?name="+file+"&text=kept"); err != nil {
		s.fail("the app writes into its volume: %w", err)
	}
	d.Release = s.Releases.Two
	if st, err = s.Target.Deploy(ctx, d); err != nil {
		s.fail("deploy another release with the volume: %w", err)
		return
	}
	s.serves(ctx, s.Releases.Two, "two")
	if got, err := get(ctx, s.Client, st.URL+"/file?name="+file); err != nil || got != "kept" {
		s.fail("the next release reads %q (%v) from the volume, want what the one before wrote", got, err)
	}
	d.Volumes = []targets.Volume{{Name: "data", Path: "/mnt/data", Size: 16 << 20, ReadOnly: true}}
	if st, err = s.Target.Deploy(ctx, d); err != nil {
		s.fail("deploy with a volume that is read-only: %w", err)
		return
	}
	if got, err := get(ctx, s.Client, st.URL+"/file?name="+file); err != nil || got != "kept" {
		s.fail("the app reads %q (%v) from its volume that is read-only", got, err)
	}
	if err := put(ctx, s.Client, st.URL+"/file?name="+file+"&text=changed"); err == nil {
		s.fail("the app writes into a volume that is read-only")
	}
}

// put is a request that the app must answer with 200.
func put(ctx context.Context, c *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, url, nil)
	if err != nil {
		return err
	}
	_, err = send(c, req)
	return err
}

func checkSchedule(ctx context.Context, s *suite) {
	if !s.Schedules {
		return
	}
	d := s.deployment(s.Releases.One)
	d.Schedules = []targets.Schedule{{Name: "each-minute", Cron: "* * * * *", Zone: "UTC", Path: "/tick"}}
	if _, err := s.Target.Deploy(ctx, d); err != nil {
		s.fail("deploy with a schedule: %w", err)
		return
	}
	if s.Target.Info().Operations.Logs == nil {
		return // there is no way to see what the app got
	}
	ctx, cancel := context.WithTimeout(ctx, s.minute)
	defer cancel()
	live, end := s.follow(ctx)
	defer end()
	line, err := live.find(ctx, "app was fired with ")
	if err != nil {
		s.fail("a schedule of each minute did not fire: %w", err)
		return
	}
	if !strings.HasPrefix(line, "app was fired with application/json {") {
		s.fail("the app got %q, want JSON", line)
	}
}

// follow follows the logs until end is called.
func (s *suite) follow(ctx context.Context) (live *lines, end func()) {
	ctx, cancel := context.WithCancel(ctx)
	live = &lines{changed: make(chan struct{}, 1)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		targets.Logs(ctx, s.Target, targets.LogsRequest{Key: s.key(), Follow: true, Out: live})
	}()
	return live, func() {
		cancel()
		<-ended
	}
}

func checkQueue(ctx context.Context, s *suite) {
	if s.Send == nil || s.Target.Info().Operations.Logs == nil {
		return
	}
	for n, r := range []*release.Release{s.Releases.One, s.Releases.Two} {
		d := s.deployment(r)
		d.Triggers = []targets.Trigger{{Kind: targets.TriggerQueue, Name: "messages", Source: s.Queue, Path: "/tick", Batch: 10}}
		if _, err := s.Target.Deploy(ctx, d); err != nil {
			s.fail("deploy with a queue: %w", err)
			return
		}
		if again, err := s.Target.Deploy(ctx, d); err != nil || again.Changed {
			s.fail("the second deploy with the same queue: changed %t, %v", again.Changed, err)
		}
		s.sends(ctx, fmt.Sprintf(`{"message":%d}`, n))
	}
}

// sends puts a message into the queue, and waits until the app has it.
func (s *suite) sends(ctx context.Context, body string) {
	ctx, cancel := context.WithTimeout(ctx, s.settle)
	defer cancel()
	live, end := s.follow(ctx)
	defer end()
	if err := s.Send(ctx, body); err != nil {
		s.fail("put a message into the queue: %w", err)
		return
	}
	if err := live.wait(ctx, "app was fired with application/json "+body); err != nil {
		s.fail("a message of the queue: %w", err)
	}
}

func checkRun(ctx context.Context, s *suite) {
	out := new(bytes.Buffer)
	req := targets.RunRequest{Deployment: s.deployment(s.Releases.Two), Command: []string{"./server", "show", "APP_GREETING"}, Out: out}
	if s.Target.Info().Operations.Run == nil {
		if err := targets.Run(ctx, s.Target, req); !errors.Is(err, targets.ErrUnsupported) {
			s.fail("run is not declared (%s) and returns %v", s.operations(), err)
		}
		return
	}
	if err := targets.Run(ctx, s.Target, req); err != nil {
		s.fail("run: %w", err)
	}
	if !hasLine(out.String(), "app two shows hello") {
		s.fail("a command in the second release prints %q, want its version and a variable of the deployment", out)
	}
	if st, ok := s.status(ctx); ok {
		s.fail("run made a deployment: %+v", st)
	}

	if _, ok := s.deploy(ctx, s.Releases.One); !ok {
		return
	}
	out.Reset()
	req.Command = []string{"./server", "fail"}
	err := targets.Run(ctx, s.Target, req)
	if err == nil || !strings.Contains(err.Error(), "3") || !strings.Contains(err.Error(), "app fails") {
		s.fail("the error of a command that exits with status 3 is %v, want its status and its last line", err)
	}
	if !hasLine(out.String(), "app fails") {
		s.fail("the output of a command that fails is %q", out)
	}
	s.checkRunCancelled(ctx, req)
	checkExec(ctx, s)
	s.serves(ctx, s.Releases.One, "one")
}

func (s *suite) checkRunCancelled(ctx context.Context, req targets.RunRequest) {
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	live := &lines{changed: make(chan struct{}, 1)}
	req.Command, req.Out = []string{"./server", "wait"}, live
	ended := make(chan error, 1)
	go func() { ended <- targets.Run(running, s.Target, req) }()
	soon, stop := context.WithTimeout(ctx, s.settle)
	defer stop()
	if _, err := live.find(soon, "app waits"); err != nil {
		s.fail("the output of a command that runs: %w", err)
	}
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			s.fail("the error of a command that was cancelled is no context.Canceled: %v", err)
		}
	case <-soon.Done():
		s.fail("a command goes on after its context has ended")
	}
}
