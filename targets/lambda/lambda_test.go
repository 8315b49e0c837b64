package lambda

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/build/runtimes"
	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/fit"
)

const accessPoint = "arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-0123456789abcdef0"

var inVPC = schema.Values{
	"subnets": []string{"subnet-0a1b2c3d"}, "security_groups": []string{"sg-0a1b2c3d"},
	"volumes": map[string]string{"data": accessPoint},
}

func describeWith(t *testing.T, v schema.Values) targets.Info {
	t.Helper()
	info, err := Plugin().Describe("functions", v)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// workload fits, at the limits.
func workload() targets.Workload {
	return targets.Workload{
		Service: "api", Forms: []release.Kind{release.Image, release.Bundle},
		Deployment: targets.Deployment{
			Port: 80, Health: "/healthz", Start: 10 * time.Second,
			Memory: 10240 << 20, CPU: 6000, Timeout: 900 * time.Second,
			Scale: targets.Scale{Min: 900, Max: 900, Concurrency: 1},
			Env:   map[string]string{"NAME": strings.Repeat("v", 4092)},
			Secrets: []targets.Secret{
				{Name: "DATABASE_URL", From: "shop/database-url"},
				{Name: "KEY", From: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:key-AbCdEf"},
				{Name: "LONG", From: strings.Repeat("x", 512)},
			},
			Volumes: []targets.Volume{{Name: "data", Path: "/mnt/" + strings.Repeat("d", 155)}},
			Schedules: []targets.Schedule{
				{Name: "monthly", Cron: "0 3 1 * *"}, {Name: "weekly", Cron: "0 3 * * 1-5"},
				{Name: "often", Cron: "* * * * *"}, {Name: "daily", Cron: "@daily"},
			},
			Triggers: []targets.Trigger{
				{Kind: targets.TriggerQueue, Name: "orders", Source: strings.Repeat("o", 80), Batch: 10},
				{Kind: targets.TriggerQueue, Name: "fifo", Source: strings.Repeat("o", 75) + ".fifo", Batch: 10},
				{Kind: targets.TriggerQueue, Name: "arn", Source: "arn:aws:sqs:eu-west-1:123456789012:orders", Batch: 1},
				{Kind: targets.TriggerObject, Name: "in", Source: "shop-uploads", Prefix: "in/", Created: true},
				{Kind: targets.TriggerObject, Name: "out", Source: "shop-uploads", Prefix: "out/", Created: true},
				{Kind: targets.TriggerObject, Name: "gone", Source: "shop-uploads", Prefix: "in/", Removed: true},
				{Kind: targets.TriggerObject, Name: "jpg", Source: "shop-uploads", Prefix: "pictures/", Suffix: ".jpg", Created: true},
				{Kind: targets.TriggerObject, Name: "png", Source: "shop-uploads", Prefix: "pictures/", Suffix: ".png", Created: true},
				{Kind: targets.TriggerObject, Name: "other", Source: "abc", Created: true},
			},
		},
		Built: &targets.Sizes{Bundle: 50 << 20, Unpacked: 250 << 20, Image: 10 << 30},
	}
}

func write(found []targets.Finding) string {
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintf(&b, "%s %s: %s | %s | %s | %s\n", f.Severity, f.Path, f.Summary, f.Fix, f.Limit, f.Source)
	}
	return b.String()
}

func TestWhatIsAtLambdasLimitsFits(t *testing.T) {
	if found := fit.Check(describeWith(t, inVPC), workload()); len(found) != 0 {
		t.Errorf("at the limits:\n%s", write(found))
	}
	for _, runtime := range runtimes.Names() {
		w := workload()
		w.Runtime = runtime
		if found := fit.Check(describeWith(t, inVPC), w); len(found) != 0 {
			t.Errorf("%s:\n%s", runtime, write(found))
		}
	}
}

func TestWhatIsBeyondLambdasLimitsIsFound(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*targets.Workload)
		want   string // severity, path, summary, fix
	}{
		{"timeout", func(w *targets.Workload) { w.Timeout = 30 * time.Minute },
			`error timeout: timeout of 30m is more than 15m | Write timeout = "15m". Work that takes longer`},
		{"memory in powers of 1000", func(w *targets.Workload) { w.Memory, w.CPU = 512e6, 0 },
			`error memory: memory of 512M is no multiple of 1Mi | Write memory = "489Mi". An MB of Lambda's`},
		{"little memory", func(w *targets.Workload) { w.Memory, w.CPU = 64<<20, 0 },
			`error memory: memory of 64Mi is less than 128Mi | Write memory = "128Mi".`},
		{"much memory", func(w *targets.Workload) { w.Memory = 10241 << 20 },
			`error memory: memory of 10241Mi is more than 10Gi | Write memory = "10Gi".`},
		{"more cpu than memory brings", func(w *targets.Workload) { w.Memory, w.CPU = 512<<20, 500 },
			`error cpu: cpu of 500m needs more memory than 512Mi | Write memory = "885Mi", which brings it, or cpu = "289m", which memory = "512Mi" brings.`},
		{"a core, an MB short", func(w *targets.Workload) { w.Memory, w.CPU = 1768<<20, 1000 },
			`error cpu: cpu of 1 needs more memory than 1768Mi | Write memory = "1769Mi"`},
		{"cpu with little more", func(w *targets.Workload) { w.Memory, w.CPU = 128<<20, 73 },
			`error cpu: cpu of 73m needs more memory than 128Mi | Write memory = "130Mi", which brings it, or cpu = "72m", which memory = "128Mi" brings.`},
		{"cpu without memory", func(w *targets.Workload) { w.Memory, w.CPU = 0, 1000 },
			`error cpu: cpu of 1 needs memory of 1769Mi | Write memory = "1769Mi", which brings it, or remove cpu.`},
		{"more than six cores", func(w *targets.Workload) { w.CPU = 6001 },
			`error cpu: cpu of 6001m is more than 6 | Write cpu = "6" and memory = "10Gi"`},
		{"slow start", func(w *targets.Workload) { w.Start = 11 * time.Second },
			`warning health.start: health.start of 11s is more than 10s | Write health { start = "10s" }. An instance that is not ready`},
		{"many instances", func(w *targets.Workload) { w.Scale.Max = 901 },
			`warning scale.max: scale.max of 901 is more than 900 | Write scale { max = 900 }. An account has 1000`},
		{"many warm instances", func(w *targets.Workload) { w.Scale.Min = 901 },
			`warning scale.min: scale.min of 901 is more than 900 | Write scale { min = 900 }.`},
		{"requests at once", func(w *targets.Workload) { w.Scale.Concurrency = 50 },
			`warning scale.concurrency: scale.concurrency of 50 is more than 1 | Write scale { concurrency = 1 }. A function's instance`},
		{"environment", func(w *targets.Workload) { w.Env["NAME"] += "v" },
			`error env: the environment has 4097 bytes, more than 4096 bytes | Take away 1 byte or more; the largest are NAME (4097 bytes).`},
		{"reserved variable", func(w *targets.Workload) { w.Env = map[string]string{"AWS_REGION": "x"} },
			`error env.AWS_REGION: Lambda sets AWS_REGION itself | Give the variable another name, such as APP_AWS_REGION.`},
		{"reserved variable with an underscore", func(w *targets.Workload) { w.Env = map[string]string{"_HANDLER": "x"} },
			`error env._HANDLER: Lambda sets _HANDLER itself | Give the variable another name, such as APP_HANDLER.`},
		{"one letter", func(w *targets.Workload) { w.Env = map[string]string{"A": "x"} },
			`error env.A: Lambda takes no variable named A | Give the variable another name, such as APP_A.`},
		{"underscore first", func(w *targets.Workload) { w.Env = map[string]string{"_X": "x"} },
			`error env._X: Lambda takes no variable named _X | Give the variable another name, such as APP_X.`},
		{"wrapper of a managed runtime", func(w *targets.Workload) {
			w.Env, w.Runtime = map[string]string{"AWS_LAMBDA_EXEC_WRAPPER": "/opt/x"}, "nodejs24.x"
		}, `error env.AWS_LAMBDA_EXEC_WRAPPER: AWS_LAMBDA_EXEC_WRAPPER starts the adapter of a bundle | Remove it from env`},
		{"one suffix within the other", func(w *targets.Workload) { w.Triggers[7].Suffix = "x.jpg" },
			`error on.object.png: it overlaps with on "object" "jpg" | Give the two blocks prefixes`},
		{"background", func(w *targets.Workload) { w.Background = true },
			`error background: an instance stands still between requests | Remove background = true`},
		{"both days", func(w *targets.Workload) { w.Schedules[0].Cron = "0 3 1 * 1" },
			`error schedule.monthly.cron: EventBridge Scheduler takes a day of the month or a day of the week, not both | Make two schedules with the same path: cron = "0 3 1 * *" here, and a block schedule "monthly-weekdays" with cron = "0 3 * * 1".`},
		{"FIFO batch", func(w *targets.Workload) { w.Triggers[1].Batch = 11 },
			`error on.queue.fifo.batch: batch of 11 is more than 10, and the queue is FIFO | Write batch = 10.`},
		{"batch that waits", func(w *targets.Workload) { w.Triggers[0].Batch = 10000 },
			`warning on.queue.orders.batch: batch of 10000 is more than 10, so messages wait | Write batch = 10, or accept`},
		{"largest batch", func(w *targets.Workload) { w.Triggers[0].Batch = 10001 },
			`error on.queue.orders.batch: batch of 10001 is more than 10000 | Write batch = 10000.`},
		{"queue name", func(w *targets.Workload) { w.Triggers[0].Source = "shop orders" },
			`error on.queue.orders.source: the source is no name of an SQS queue | Write source = "shop-orders"`},
		{"bucket name", func(w *targets.Workload) { w.Triggers[3].Source = "s3://shop-uploads" },
			`error on.object.in.source: the source is no name of an S3 bucket | Write source = "shop-uploads"`},
		{"overlapping objects", func(w *targets.Workload) { w.Triggers[4].Prefix = "in/out/" },
			`error on.object.out: it overlaps with on "object" "in" | Give the two blocks prefixes`},
		{"secret", func(w *targets.Workload) { w.Secrets[0].From = "shop database:url" },
			`error secret.DATABASE_URL.from: the name of the secret is none that Secrets Manager takes | Write from = "shop-database-url", and store`},
		{"long secret", func(w *targets.Workload) { w.Secrets[2].From += "x" },
			`error secret.LONG.from: the name of the secret is none that Secrets Manager takes | Write from = "` + strings.Repeat("x", 512) + `"`},
		{"mount path", func(w *targets.Workload) { w.Volumes[0].Path = "/var/lib/shop" },
			`error volume.data.path: Lambda mounts nothing at /var/lib/shop | Write path = "/mnt/shop", and let the app use it`},
		{"nested mount path", func(w *targets.Workload) { w.Volumes[0].Path = "/mnt/shop/data" },
			`error volume.data.path: Lambda mounts nothing at /mnt/shop/data | Write path = "/mnt/data", and let the app use it`},
		{"long mount path", func(w *targets.Workload) { w.Volumes[0].Path += "d" },
			`error volume.data.path: Lambda mounts nothing at /mnt/d`},
		{"volume without a file system", func(w *targets.Workload) { w.Volumes[0].Name = "files" },
			`error volume.files: no file system is named for the volume | Write volumes = { files = "ARN" } in the target block`},
		{"volume with a size", func(w *targets.Workload) { w.Volumes[0].Size = 1 << 30 },
			`warning volume.data.size: an EFS file system has no size | Remove size`},
		{"zip", func(w *targets.Workload) { w.Built.Bundle++ },
			`warning build: the bundle has 50.1 MiB, more than 50 MiB | A larger one goes through an S3 bucket`},
		{"unpacked", func(w *targets.Workload) { w.Built.Unpacked++ },
			`error build: the unpacked bundle has 250.1 MiB, more than 250 MiB | Leave files out`},
		{"hook", func(w *targets.Workload) { w.Runs = []string{"migrate"} },
			`error hook.migrate: lambda.functions runs no command of a release | Write where = "machine"`},
		{"name", func(w *targets.Workload) { w.Service = strings.Repeat("a", 65) },
			`error : the service's name has 65 characters, more than 64 | Call it "` + strings.Repeat("a", 64) + `"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := workload()
			c.change(&w)
			found := fit.Check(describeWith(t, inVPC), w)
			if len(found) != 1 {
				t.Fatalf("got %d findings, want one:\n%s", len(found), write(found))
			}
			if got := write(found); !strings.HasPrefix(got, c.want) {
				t.Errorf("got  %swant %s", got, c.want)
			}
			if found[0].Limit == "" || !strings.Contains(found[0].Source, ", https://") {
				t.Errorf("it lacks a limit or a source: %s", write(found))
			}
		})
	}
}

func TestABundleWithoutARuntimeLeavesTheWrapperToItsOwner(t *testing.T) {
	w := workload()
	w.Env = map[string]string{"AWS_LAMBDA_EXEC_WRAPPER": "/opt/x"}
	if found := fit.Check(describeWith(t, inVPC), w); len(found) != 0 {
		t.Error(write(found))
	}
}

func TestFixesMend(t *testing.T) {
	// The cpu that the memory brings, and the memory that brings the cpu, both fit.
	for cpu := int64(10); cpu <= 6000; cpu += 7 {
		needed := min((cpu*memoryOfCore+999)/1000, memoryMost)
		w := workload()
		w.CPU, w.Memory = cpu, max(needed, 128)<<20
		if found := checkCPU(w); len(found) != 0 {
			t.Fatalf("cpu %dm with %d MB: %s", cpu, needed, write(found))
		}
		if needed <= 128 {
			continue
		}
		w.Memory = (needed - 1) << 20
		found := checkCPU(w)
		if len(found) != 1 || !strings.Contains(found[0].Fix, fmt.Sprintf("memory = %q", targets.MemoryText(needed<<20))) {
			t.Fatalf("cpu %dm with %d MB: %s", cpu, needed-1, write(found))
		}
		w.CPU = (needed - 1) * 1000 / memoryOfCore
		if found := checkCPU(w); len(found) != 0 {
			t.Fatalf("the cpu %dm that %d MB bring: %s", w.CPU, needed-1, write(found))
		}
	}
}

func TestAnHTTPAPIWaitsThirtySeconds(t *testing.T) {
	info := describeWith(t, schema.Values{"public": "api"})
	w := targets.Workload{Deployment: targets.Deployment{Health: "/", Timeout: 30 * time.Second}}
	if found := fit.Check(info, w); len(found) != 0 {
		t.Error(write(found))
	}
	w.Timeout = 31 * time.Second
	want := `error timeout: an HTTP API does not wait for 31s | Write timeout = "30s", or public = "url"`
	if got := write(fit.Check(info, w)); !strings.HasPrefix(got, want) {
		t.Errorf("got %s", got)
	}
	w.TriggersOnly = true
	if found := fit.Check(info, w); len(found) != 0 {
		t.Errorf("no request goes through the API:\n%s", write(found))
	}
}

func TestTheFormAndTheArchitectureAreSettings(t *testing.T) {
	amd64, arm64 := build.Platform{OS: "linux", Arch: "amd64"}, build.Platform{OS: "linux", Arch: "arm64"}
	for _, c := range []struct {
		values    schema.Values
		forms     []release.Kind
		platforms []build.Platform
	}{
		{nil, []release.Kind{release.Bundle, release.Image}, []build.Platform{amd64, arm64}},
		{schema.Values{"form": "image", "architecture": "arm64"}, []release.Kind{release.Image}, []build.Platform{arm64}},
		{schema.Values{"form": "bundle", "architecture": "x86_64"}, []release.Kind{release.Bundle}, []build.Platform{amd64}},
	} {
		info := describeWith(t, c.values)
		if diff := cmp.Diff(c.forms, info.Forms); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(c.platforms, info.Platforms); diff != "" {
			t.Error(diff)
		}
	}
	w := workload()
	w.Platforms = []build.Platform{amd64}
	info := describeWith(t, schema.Values{"architecture": "arm64", "subnets": inVPC["subnets"], "security_groups": inVPC["security_groups"], "volumes": inVPC["volumes"]})
	want := `error build.platforms: lambda.functions does not run linux/amd64 | Write platforms = ["linux/amd64", "linux/arm64"]`
	if got := write(fit.Check(info, w)); !strings.HasPrefix(got, want) {
		t.Errorf("got %s", got)
	}
}

func TestSettings(t *testing.T) {
	good := schema.Values{
		"region": "us-gov-west-1", "profile": "shop", "public": "none", "role": "arn:aws:iam::123456789012:role/shop", "log_retention_days": int64(30),
		"subnets": inVPC["subnets"], "security_groups": inVPC["security_groups"], "volumes": inVPC["volumes"],
	}
	if _, err := Plugin().Describe("functions", good); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		name, attribute, detail string
		values                  schema.Values
	}{
		{"region", "region", "eu-west-1", schema.Values{"region": "Ireland"}},
		{"zone", "region", "eu-west-1", schema.Values{"region": "eu-west-1a"}},
		{"architecture", "architecture", "x86_64, arm64", schema.Values{"architecture": "amd64"}},
		{"form", "form", "bundle, image", schema.Values{"form": "zip"}},
		{"public", "public", "url, api, alb, none", schema.Values{"public": "lb"}},
		{"alb alone", "public", "listener = ", schema.Values{"public": "alb"}},
		{"listener", "listener", "describe-listeners", schema.Values{"public": "alb", "listener": "shop"}},
		{"listener alone", "listener", "public = \"alb\"", schema.Values{"listener": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shop/50dc6c495c0c9188/f2f7dc8efc522ab2"}},
		{"certificate", "certificate", "list-certificates", schema.Values{"certificate": "api.example.com"}},
		{"hosted zone", "hosted_zone", "list-hosted-zones", schema.Values{"hosted_zone": "example.com"}},
		{"role", "role", "arn:aws:iam::", schema.Values{"role": "shop"}},
		{"retention", "log_retention_days", "log_retention_days = 14", schema.Values{"log_retention_days": int64(10)}},
		{"long retention", "log_retention_days", "log_retention_days = 3653", schema.Values{"log_retention_days": int64(9999)}},
		{"no retention", "log_retention_days", "log_retention_days = 1.", schema.Values{"log_retention_days": int64(0)}},
		{"subnet", "subnets", "subnet-", schema.Values{"subnets": []string{"10.0.0.0/24"}, "security_groups": []string{"sg-1"}}},
		{"group", "security_groups", "sg-", schema.Values{"subnets": []string{"subnet-1"}, "security_groups": []string{"default"}}},
		{"subnets alone", "subnets", "security_groups", schema.Values{"subnets": []string{"subnet-1"}}},
		{"groups alone", "security_groups", "subnets", schema.Values{"security_groups": []string{"sg-1"}}},
		{"volume", "volumes", "fsap-", schema.Values{"volumes": map[string]string{"data": "fs-1"}}},
		{"no size", "tmp", "512Mi", schema.Values{"tmp": "lots"}},
		{"small /tmp", "tmp", "512Mi", schema.Values{"tmp": "511Mi"}},
		{"large /tmp", "tmp", "10Gi", schema.Values{"tmp": "11Gi"}},
		{"layer", "layers", "list-layer-versions", schema.Values{"layers": []string{"fonts"}}},
		{"six layers", "layers", "fewer", schema.Values{"layers": slices.Repeat([]string{"arn:aws:lambda:eu-west-1:123456789012:layer:fonts:3"}, 6)}},
		{"layers of an image", "layers", "form", schema.Values{"form": "image", "layers": []string{"arn:aws:lambda:eu-west-1:123456789012:layer:fonts:3"}}},
		{"log format", "log_format", "text, json", schema.Values{"log_format": "xml"}},
		{"tracing", "tracing", "xray, opentelemetry", schema.Values{"tracing": "on"}},
		{"volumes alone", "volumes", "subnets", schema.Values{"volumes": map[string]string{"data": accessPoint}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Plugin().Describe("functions", c.values)
			var wrong *schema.Error
			if !errors.As(err, &wrong) {
				t.Fatalf("got %v, want a *schema.Error", err)
			}
			if wrong.Attribute != c.attribute || !strings.Contains(wrong.Detail, c.detail) {
				t.Errorf("got %+v", wrong)
			}
		})
	}
}
