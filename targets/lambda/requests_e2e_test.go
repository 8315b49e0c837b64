//go:build e2e

package lambda

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

var update = flag.Bool("update", false, "write testdata/requests/*.golden as the requests are now")

// onLambda is added to the manifest of an example that names no function target.
const onLambda = `
target "lambda" "functions" {
  region       = "eu-west-1"
  architecture = "x86_64"
}
`

// onLambdaWithVolume is the same for an example whose service has a volume.
const onLambdaWithVolume = `
target "lambda" "functions" {
  region          = "eu-west-1"
  architecture    = "x86_64"
  subnets         = ["subnet-0a1b2c3d"]
  security_groups = ["sg-0a1b2c3d"]
  volumes         = { index = "arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-0123456789abcdef0" }
}
`

// recording is a manifest that the real binary deploys, and what it needs beside.
type recording struct {
	name string
	// example is a folder of examples; without it the manifest is testdata/requests/NAME.hcl.
	example string
	add     string
	service string
	// files are the app's, by their paths. The release is another one with edit's.
	files       map[string]string
	replace     [2]string // in the manifest, for the second release
	queues      []string
	buckets     []string
	secrets     []string
	parameters  []string
	environment string
}

// recordings are of each example that fits Lambda, and of manifests of testdata. Of the
// others, compose has a worker that works in the background, and procfile a hook that runs
// in the release.
func recordings() []recording {
	return []recording{
		{name: "api", service: "api", files: map[string]string{"server.js": "// one"}},
		{name: "rollout", service: "api", files: map[string]string{"server.js": "// one"}},
		{
			name: "triggers", service: "worker", files: map[string]string{"worker.py": "# one"},
			queues: []string{"orders-prod"}, buckets: []string{"shop-uploads"},
		},
		{
			name: "secrets", service: "api", files: map[string]string{"app.py": "# one"},
			secrets: []string{"shop/database"}, parameters: []string{"/shop/token"},
		},
		{
			name: "example-serverless", example: "serverless", service: "api", environment: "dev",
			files:  map[string]string{"src/server.js": "// one", "package.json": "{}", "package-lock.json": "{}"},
			queues: []string{"orders-dev"}, secrets: []string{"orders/dev/database-url"},
		},
		{
			name: "example-kubernetes", example: "kubernetes", service: "catalog", environment: "prod", add: onLambdaWithVolume,
			files:   map[string]string{"go.mod": "module example.com/shop\n\ngo 1.26\n", "cmd/catalog/main.go": "package main\n\nfunc main() { println(\"one\") }\n"},
			secrets: []string{"catalog/database-url"},
		},
		{
			name: "example-httpbin", example: "httpbin", service: "httpbin", add: onLambda,
			replace: [2]string{`package = "github.com/mccutchen/go-httpbin/v2/cmd/go-httpbin"`, `package = "github.com/mccutchen/go-httpbin/v2/cmd/go-httpbin"` + "\n    args = [\"-log-level\", \"debug\"]"},
		},
	}
}

// TestRequestsAreThoseOfTheRecordings deploys with the real binary, and compares what
// reaches AWS with testdata/requests. A change of it is meant, or it is none:
// go test -tags e2e -run Recordings ./targets/lambda -update writes the files.
func TestRequestsAreThoseOfTheRecordings(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "twofold")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "github.com/twofoldhq/twofold").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	base := baseImage(t)
	for _, r := range recordings() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			c := motoFront.cloud("recorded-" + r.name)
			r.sources(t, c)
			run := &runner{t: t, recording: r, cloud: c, binary: binary, base: base, dir: t.TempDir(), state: t.TempDir()}
			run.lay()
			n := newNormal(c)
			text := new(bytes.Buffer)
			for _, step := range run.steps() {
				c.set(nil, healthyApp)
				step.run()
				calls := c.made()
				fmt.Fprintf(text, "## %s\n\n%s\n", step.title, n.text(calls))
				run.all = append(run.all, calls...)
				if step.reads {
					for _, one := range calls {
						if !one.reads() {
							t.Errorf("a deploy that changes nothing sends %s", one)
						}
					}
				}
			}
			compare(t, filepath.Join("testdata", "requests", r.name+".golden"), text.Bytes())
			checkPolicy(t, run.twofold("iam"), run.all, c.account)
		})
	}
}

func compare(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("other requests than in %s; if they are meant, run the test with -update:\n%s", path, firstDifference(string(want), string(got)))
	}
}

// firstDifference are the lines around the first one that is not the same.
func firstDifference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	around := func(lines []string) string { return strings.Join(lines[max(0, n-4):min(len(lines), n+12)], "\n") }
	return fmt.Sprintf("line %d\n--- recorded\n%s\n--- now\n%s", n+1, around(a), around(b))
}

// runner runs the binary for a recording.
type runner struct {
	t *testing.T
	recording
	cloud              *cloud
	binary, dir, state string
	base               string // the image that stands in for those that a manifest names
	all                []call
}

var baseLine = regexp.MustCompile(`base += "[^"]*"`)

type step struct {
	title string
	run   func()
	// reads: nothing may be changed.
	reads bool
}

func (r *runner) steps() []step {
	deploy := func() { r.twofold("deploy") }
	list := []step{
		{title: "first deploy", run: deploy},
		{title: "the same again", run: deploy, reads: true},
		{title: "another release", run: func() { r.edit(); r.twofold("deploy") }},
	}
	if r.name == "rollout" {
		list = append(list, step{title: "rollback", run: func() { r.twofold("rollback") }})
	}
	return append(list, step{title: "destroy", run: func() { r.twofold("destroy", "--yes") }})
}

// twofold runs a command on the one service, and returns what it prints.
func (r *runner) twofold(command string, flags ...string) []byte {
	r.t.Helper()
	args := append([]string{command, "--manifest", filepath.Join(r.dir, "twofold.hcl")}, flags...)
	if r.recording.environment != "" {
		args = append(args, "--env", r.recording.environment)
	}
	args = append(args, "--to", "lambda.functions", r.service)
	cmd := exec.CommandContext(r.t.Context(), r.binary, args...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+r.cloud.key, "TWOFOLD_STATE_DIR="+r.state,
		"PATH="+filepath.Join(r.dir, "bin")+string(filepath.ListSeparator)+os.Getenv("PATH"))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		r.t.Fatalf("twofold %s: %v\n%s%s", strings.Join(args, " "), err, stdout.Bytes(), stderr.Bytes())
	}
	return stdout.Bytes()
}

// lay puts the manifest and the app's files into the folder, with a program in
// place of the package manager that a manifest calls: what it installs is not the point.
func (r *runner) lay() {
	r.t.Helper()
	from := filepath.Join("testdata", "requests", r.name+".hcl")
	if r.example != "" {
		folder := filepath.Join("..", "..", "examples", r.example)
		from = filepath.Join(folder, "twofold.hcl")
		for _, name := range []string{"go.mod", "go.sum"} {
			if text, err := os.ReadFile(filepath.Join(folder, name)); err == nil {
				r.write(name, string(text), 0o644)
			}
		}
	}
	manifest, err := os.ReadFile(from)
	if err != nil {
		r.t.Fatal(err)
	}
	manifest = baseLine.ReplaceAll(manifest, []byte(`base = "`+r.base+`"`))
	r.write("twofold.hcl", string(manifest)+r.add, 0o644)
	for path, text := range r.files {
		r.write(path, text, 0o644)
	}
	r.write("bin/npm", "#!/bin/sh\nmkdir -p dist && cp src/* dist/\n", 0o755)
}

// edit makes the next release another one.
func (r *runner) edit() {
	r.t.Helper()
	for path, text := range r.files {
		if strings.Contains(text, "one") {
			r.write(path, strings.Replace(text, "one", "two", 1), 0o644)
		}
	}
	if r.replace[0] != "" {
		path := filepath.Join(r.dir, "twofold.hcl")
		text, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(text, []byte(r.replace[0])) {
			r.t.Fatalf("there is no %q to replace: %v", r.replace[0], err)
		}
		r.write("twofold.hcl", strings.Replace(string(text), r.replace[0], r.replace[1], 1), 0o644)
	}
}

func (r *runner) write(path, text string, mode os.FileMode) {
	r.t.Helper()
	full := filepath.Join(r.dir, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), mode); err != nil {
		r.t.Fatal(err)
	}
}

// sources makes in an account what a manifest takes to be there.
func (r recording) sources(t *testing.T, c *cloud) {
	t.Helper()
	s := c.keyed(t)
	ctx := t.Context()
	for _, name := range r.queues {
		if _, err := s.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{"VisibilityTimeout": "720"}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range r.buckets {
		_, err := s.s3.CreateBucket(ctx, &s3.CreateBucketInput{
			Bucket: &name, CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(s.region)},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range r.secrets {
		if _, err := s.secretsManager.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: &name, SecretString: aws.String("{}")}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range r.parameters {
		if _, err := s.ssm.PutParameter(ctx, &ssm.PutParameterInput{Name: &name, Value: aws.String("x"), Type: ssmtypes.ParameterTypeSecureString}); err != nil {
			t.Fatal(err)
		}
	}
}
