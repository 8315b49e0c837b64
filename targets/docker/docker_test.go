package docker

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/fit"
)

// workload fits, at the limits.
func workload() targets.Workload {
	return targets.Workload{
		Service: strings.Repeat("a", 63), Forms: []release.Kind{release.Image},
		Background: true, Runs: []string{"migrate"},
		Deployment: targets.Deployment{
			Port: 80, Health: "/healthz", CPU: 10, Memory: 6 << 20,
			Env:       map[string]string{"A": strings.Repeat("v", 131069)},
			Secrets:   []targets.Secret{{Name: "KEY", From: "any name"}},
			Volumes:   []targets.Volume{{Name: "data", Path: "/var/lib/shop"}},
			Schedules: []targets.Schedule{{Name: "both", Cron: "0 3 1 * 1"}},
		},
	}
}

func write(found []targets.Finding) string {
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintf(&b, "%s %s: %s | %s | %s | %s\n", f.Severity, f.Path, f.Summary, f.Fix, f.Limit, f.Source)
	}
	return b.String()
}

func TestLimits(t *testing.T) {
	info, err := Plugin().Describe("server", nil)
	if err != nil {
		t.Fatal(err)
	}
	if found := fit.Check(info, workload()); len(found) != 0 {
		t.Errorf("at the limits:\n%s", write(found))
	}
	for _, c := range []struct {
		name   string
		change func(*targets.Workload)
		want   string
	}{
		{"cpu", func(w *targets.Workload) { w.CPU = 9 },
			`error cpu: cpu of 9m is less than 10m | Write cpu = "10m".`},
		{"memory", func(w *targets.Workload) { w.Memory = 5 << 20 },
			`error memory: memory of 5Mi is less than 6Mi | Write memory = "6Mi".`},
		{"variable", func(w *targets.Workload) { w.Env["A"] += "v" },
			`error env.A: the variable has 131072 bytes, more than 131071 bytes | `},
		{"queue", func(w *targets.Workload) {
			w.Triggers = []targets.Trigger{{Kind: targets.TriggerQueue, Name: "orders", Source: "orders"}}
		}, `error on.queue.orders: docker.server does not know the queue "orders" | Write queues = { orders = "redis://HOST:6379/0/orders" } in the block target "docker" "server"`},
		{"object", func(w *targets.Workload) {
			w.Triggers = []targets.Trigger{{Kind: targets.TriggerObject, Name: "uploads"}}
		}, `error on.object.uploads: a Docker Engine has no source for on "object" | Write target = target.lambda.NAME in the block on "object" "uploads"`},
		{"volume with a size", func(w *targets.Workload) { w.Volumes[0].Size = 1 << 30 },
			`warning volume.data.size: a volume of the engine has no size | Remove size`},
		{"name", func(w *targets.Workload) { w.Service += "a" },
			`error : the service's name has 64 characters, more than 63 | `},
		{"bundle only", func(w *targets.Workload) { w.Forms = []release.Kind{release.Bundle} },
			`error build: the builder makes no image | `},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := workload()
			c.change(&w)
			found := fit.Check(info, w)
			if got := write(found); len(found) != 1 || !strings.HasPrefix(got, c.want) {
				t.Fatalf("got  %s\nwant %s", got, c.want)
			}
			if found[0].Limit == "" || !strings.Contains(found[0].Source, ", https://") {
				t.Errorf("it lacks a limit or a source: %s", write(found))
			}
		})
	}
}

func queues(url string) schema.Values {
	return schema.Values{"queues": map[string]string{"orders": url}}
}

func TestSettings(t *testing.T) {
	for _, good := range []schema.Values{
		nil, {"host": "unix:///var/run/docker.sock"}, {"host": "ssh://deploy@shop.example.com:2222"}, {"host": "ssh://shop"},
		{"host": "tcp://10.0.0.1:2376", "certificates": "certs"}, {"host": "tcp://[::1]:2375"},
		{"host": "tcp://localhost:2375"}, {"host": "tcp://127.0.0.2:2375"}, {"registry": "localhost:5000"},
		{"queues": map[string]string{"orders": "redis://queue:6379/0/orders", "mails": "rediss://shop@redis.example.com/1/shop:mails"}, "queue_passwords": map[string]string{"mails": "MAILS_PASSWORD"}},
	} {
		if _, err := Plugin().Describe("server", good); err != nil {
			t.Errorf("%v: %v", good, err)
		}
	}
	for _, c := range []struct {
		values            schema.Values
		attribute, detail string
	}{
		{schema.Values{"host": ""}, "host", "unix:///var"},
		{schema.Values{"host": "/var/run/docker.sock"}, "host", "unix:///var"},
		{schema.Values{"host": "unix://var/run/docker.sock"}, "host", "three slashes"},
		{schema.Values{"host": "http://shop:2375"}, "host", "tcp://HOST"},
		{schema.Values{"host": "ssh://"}, "host", "ssh://USER@HOST"},
		{schema.Values{"host": "ssh://shop/path"}, "host", "without a path"},
		{schema.Values{"host": "ssh://deploy:hunter2@shop"}, "host", "ssh takes keys"},
		{schema.Values{"host": "tcp://shop"}, "host", "tcp://HOST:2376"},
		{schema.Values{"host": "tcp://u:hunter2@a b"}, "host", "unix:///var"},
		{schema.Values{"host": "tcp://10.0.0.1:2375"}, "host", "Set certificates"},
		{schema.Values{"host": "tcp://localhost.example.com:2375"}, "host", "Set certificates"},
		{schema.Values{"certificates": "certs"}, "certificates", "tcp://HOST:2376"},
		{schema.Values{"host": "ssh://shop", "certificates": "certs"}, "certificates", "Remove it"},
		{schema.Values{"registry": "https://registry.example.com"}, "registry", `registry = "registry.example.com"`},
		{schema.Values{"registry": "a b"}, "registry", "a host and a path"},
		{queues("redis://shop:hunter2@queue/0/orders"), "queues", `queue_passwords = { orders = "NAME" }`},
		{queues("redis://:hunter2@queue/0/orders"), "queues", `queue_passwords = { orders = "NAME" }`},
		{queues("redis:hunter2"), "queues", "redis://queue:6379/0/orders"},
		{queues("redis://hunter2:x y"), "queues", "redis://queue:6379/0/orders"},
		{queues("amqp://queue/orders"), "queues", "redis://queue:6379/0/orders"},
		{queues("redis://queue/orders"), "queues", "redis://queue:6379/0/orders"},
		{queues("redis://queue/0/"), "queues", "redis://queue:6379/0/orders"},
		{queues("redis://queue/0/shop/orders"), "queues", "redis://queue:6379/0/orders"},
		{queues("redis:///0/orders"), "queues", "redis://queue:6379/0/orders"},
		{queues("redis://queue/0/orders?password=hunter2"), "queues", "redis://queue:6379/0/orders"},
		{schema.Values{"queue_passwords": map[string]string{"orders": "KEY"}}, "queue_passwords", "that queues names"},
		{schema.Values{"queues": map[string]string{"orders": "redis://queue/0/orders"}, "queue_passwords": map[string]string{"orders": "hunter2!"}}, "queue_passwords", "keep the password itself"},
	} {
		_, err := Plugin().Describe("server", c.values)
		var wrong *schema.Error
		if !errors.As(err, &wrong) || wrong.Attribute != c.attribute || !strings.Contains(wrong.Detail, c.detail) {
			t.Errorf("%v: got %v", c.values, err)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("it shows a password: %v", err)
		}
	}
}

func TestQueuesThatTheBlockNamesFit(t *testing.T) {
	info, err := Plugin().Describe("server", queues("redis://queue/0/orders"))
	if err != nil {
		t.Fatal(err)
	}
	w := workload()
	w.Triggers = []targets.Trigger{{Kind: targets.TriggerQueue, Name: "orders", Source: "orders"}}
	if found := fit.Check(info, w); len(found) != 0 {
		t.Errorf("a queue that the block names:\n%s", write(found))
	}
	w.Triggers = append(w.Triggers, targets.Trigger{Kind: targets.TriggerQueue, Name: "again", Source: "orders"}, targets.Trigger{Kind: targets.TriggerQueue, Name: "mails", Source: "mails"})
	got := write(fit.Check(info, w))
	for _, want := range []string{
		`error on.queue.again: on "queue" "orders" takes the messages of the same stream | Remove one`,
		`error on.queue.mails: docker.server does not know the queue "mails" | Write queues = { mails = `,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
