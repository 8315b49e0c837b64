//go:build e2e

package docker

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/queue"
	"github.com/twofoldhq/twofold/targets/queue/queuetest"
	"github.com/twofoldhq/twofold/targets/secretfile"
)

const queuePassword = "hunter2-of-the-queue"

// redisImage makes the engine have an image of this machine's redis-server, with the
// libraries that it needs.
func redisImage(t *testing.T) string {
	t.Helper()
	const script = `redis=$(command -v redis-server)
tar -c --dereference "$redis" $(ldd "$redis" | grep -o '/[^ ]*') 2>/dev/null | docker import --change "ENTRYPOINT [\"$redis\"]" - redis:test`
	if out, err := exec.CommandContext(t.Context(), "bash", "-ceo", "pipefail", script).CombinedOutput(); err != nil {
		t.Fatalf("make an image of redis-server: %v\n%s", err, out)
	}
	return "redis:test"
}

// startRedis runs a server as a user does, beside the project's services.
func startRedis(t *testing.T, network string) *queuetest.Server {
	t.Helper()
	docker(t, "run", "--detach", "--name", "queue", "--network", network, redisImage(t),
		"--protected-mode", "no", "--save", "", "--user", "shop", "on", ">"+queuePassword, "~*", "+@all")
	address := docker(t, "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", "queue")
	if len(address) != 1 {
		t.Fatalf("the server has the addresses %q", address)
	}
	return &queuetest.Server{Address: net.JoinHostPort(address[0], "6379")}
}

// awaitThat asks until something is so.
func awaitThat(t *testing.T, what string, is func() bool) {
	t.Helper()
	for limit := time.Now().Add(time.Minute); !is(); time.Sleep(look) {
		if time.Now().After(limit) {
			t.Fatalf("it is not so that %s", what)
		}
	}
}

// detail is what the status says of the deployment of these tests.
func detail(t *testing.T, target *Target) string {
	t.Helper()
	all, err := target.Status(t.Context(), targets.Filter{})
	if err != nil || len(all) != 1 {
		t.Fatalf("the status is %+v, %v", all, err)
	}
	return all[0].Detail
}

// handled counts how often an app of any release got each message.
func handled(t *testing.T) map[string]int {
	t.Helper()
	times := map[string]int{}
	for _, app := range docker(t, "ps", "--all", "--quiet", "--filter", "label="+labelRole+"="+roleApp) {
		out, err := exec.CommandContext(t.Context(), "docker", "logs", app).CombinedOutput()
		if err != nil {
			t.Errorf("docker logs: %v", err)
		}
		for line := range strings.Lines(string(out)) {
			if body, ok := strings.CutPrefix(line, "app was fired with application/json "); ok {
				times[strings.TrimSpace(body)]++
			}
		}
	}
	return times
}

// sendUntil puts numbered messages into the stream until it is told to end, and returns
// how many.
func sendUntil(t *testing.T, s *queuetest.Server, end <-chan struct{}) <-chan int {
	sent := make(chan int, 1)
	go func() {
		pace := time.NewTicker(5 * time.Millisecond)
		defer pace.Stop()
		n := 0
		defer func() { sent <- n }()
		for {
			select {
			case <-end:
				return
			case <-pace.C:
			}
			if _, err := s.Try("XADD", "orders", "*", "body", fmt.Sprint(n)); err != nil {
				t.Errorf("XADD: %v", err)
				return
			}
			n++
		}
	}()
	return sent
}

func TestMessagesOfAStreamAcrossReleases(t *testing.T) {
	target := newTestTarget(t, schema.Values{
		"queues":          map[string]string{"orders": "redis://shop@queue:6379/0/orders", "mails": "redis://shop@queue/0/mails"},
		"queue_passwords": map[string]string{"orders": "QUEUE_PASSWORD", "mails": "QUEUE_PASSWORD"},
		"keep_releases":   int64(10),
	})
	d := deploymentOf(releases.One)
	d.Dir = t.TempDir()
	d.Triggers = []targets.Trigger{
		{Kind: targets.TriggerQueue, Name: "orders", Source: "orders", Path: "/tick", Batch: 10},
		{Kind: targets.TriggerQueue, Name: "mails", Source: "mails", Path: "/fails", Batch: 1},
	}
	var said strings.Builder
	d.Events = func(e targets.Event) { fmt.Fprintln(&said, e.Message) }
	if _, err := target.Deploy(t.Context(), d); err == nil || !strings.Contains(err.Error(), "QUEUE_PASSWORD") {
		t.Errorf("without the password: %v", err)
	}
	if err := os.WriteFile(filepath.Join(d.Dir, secretfile.FileName), []byte("QUEUE_PASSWORD="+queuePassword+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	st, err := target.Deploy(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	awaitThat(t, "the status says that there is no server", func() bool {
		return strings.Contains(detail(t, target), `takes no messages: stream redis://shop@queue`)
	})
	server := startRedis(t, networkName(d.Key))
	awaitThat(t, "the status has nothing to say any more", func() bool { return detail(t, target) == "" })

	end := make(chan struct{})
	sent := sendUntil(t, server, end)
	for n := range 4 {
		d.Release = releases.Two
		if n%2 == 1 {
			d.Release = releases.One
		}
		before := len(handled(t))
		if _, err := target.Deploy(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		awaitThat(t, "messages are posted after the switch", func() bool { return len(handled(t)) > before+100 })
	}
	close(end)
	all := <-sent
	awaitThat(t, "all messages are posted", func() bool { return len(handled(t)) >= all })
	twice, got := 0, handled(t)
	for n := range all {
		switch times := got[fmt.Sprint(n)]; {
		case times == 0:
			t.Errorf("message %d was lost", n)
		case times > 1:
			twice++
		}
	}
	t.Logf("%d messages during 4 deploys: none lost, %d posted twice", all, twice)
	if twice > 0 {
		t.Errorf("%d messages were posted twice, though none failed", twice)
	}

	id := server.Add(t, "mails", "body", "nobody takes it")
	group := deploymentName(d.Key)
	awaitThat(t, "a message that failed is pending", func() bool { return attempts(t, server, group) == 1 })
	// The time until it is due again goes by.
	server.Do(t, "XCLAIM", "mails", group, "twofold", 0, id, "IDLE", time.Hour.Milliseconds(), "JUSTID")
	awaitThat(t, "it is posted again", func() bool { return attempts(t, server, group) == 2 })
	server.Do(t, "XCLAIM", "mails", group, "twofold", 0, id, "IDLE", time.Hour.Milliseconds(), "RETRYCOUNT", queue.Tries-1, "JUSTID")
	awaitThat(t, "it is put aside", func() bool {
		return server.Count(t, "mails:dead") == 1 && server.Pending(t, "mails", group) == 0
	})

	p, err := target.Plan(t.Context(), d)
	if err != nil || p.Action != targets.ActionNone {
		t.Errorf("the plan is %+v, %v", p, err)
	}
	ours := docker(t, "ps", "--all", "--quiet", "--filter", "label="+labelProject+"=shop")
	fmt.Fprintln(&said, p, st, docker(t, append([]string{"inspect"}, append(ours, docker(t, "volume", "ls", "--quiet")...)...)...), docker(t, "logs", group))
	if strings.Contains(said.String(), queuePassword) {
		t.Error("the password is in an event, a plan, a status, the gateway's log or in what docker inspect shows")
	}

	if existed, err := target.Destroy(t.Context(), d.Key); err != nil || !existed {
		t.Errorf("destroy: %t, %v", existed, err)
	}
	server.Add(t, "orders", "body", `"later"`)
	if _, err := target.Deploy(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	awaitThat(t, "a message that came meanwhile is posted, and none again", func() bool {
		got := handled(t)
		return got[`"later"`] == 1 && len(got) == 1
	})
}

// attempts is how often the one pending message of the stream mails was taken.
func attempts(t *testing.T, s *queuetest.Server, group string) int {
	t.Helper()
	rows, err := redis.Values(s.Try("XPENDING", "mails", group, "-", "+", 10))
	if err != nil || len(rows) != 1 {
		return 0
	}
	row, err := redis.Values(rows[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	n, _ := redis.Int(row[3], nil)
	return n
}

// sendTo puts messages into a stream for the conformance suite.
func sendTo(s *queuetest.Server, stream string) func(context.Context, string) error {
	return func(_ context.Context, body string) error {
		_, err := s.Try("XADD", stream, "*", "body", body)
		return err
	}
}
