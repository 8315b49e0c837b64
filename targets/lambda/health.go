package lambda

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambdaapi "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/twofoldhq/twofold/targets"
)

// probe is how a function is asked for its health.
type probe struct {
	name, path string
	// start is how long an instance may take until it answers.
	start time.Duration
}

func probeOf(w *wanted) probe { return probe{w.name, w.health, w.start} }

// probeIn reads how a version that was published earlier is asked for its health from
// the environment that it has for its adapter.
func probeIn(name string, f *observedFunction) probe {
	p := probe{name, f.config.env["TWOFOLD_HEALTH_PATH"], defaultStart}
	if p.path == "" {
		p.path = "/"
	}
	if start, err := time.ParseDuration(f.config.env["TWOFOLD_START_TIMEOUT"]); err == nil && start > 0 {
		p.start = start
	}
	return p
}

const (
	defaultStart = 10 * time.Second
	noInstance   = "Lambda has no instance free"
)

// healthy invokes a version with a request for the health path, which starts an
// instance of it as well. It returns nil when the app has answered 2xx, and a
// *targets.NotHealthyError when the app has ended, or has not answered 2xx for as
// long as it may take to start.
func (t *Target) healthy(ctx context.Context, s *session, p probe, version string) error {
	end := time.Now().Add(p.start)
	for delay := t.pace.first; ; delay = min(2*delay, t.pace.most) {
		wait, err := t.ask(ctx, s, p, version)
		if wait == nil || err != nil {
			return err
		}
		if time.Now().After(end) {
			return wait
		}
		if err := pause(ctx, delay); err != nil {
			return err
		}
	}
}

// ask asks a version for its health once. It returns nil when the app has answered 2xx,
// and what there is to wait for when a later try may do better.
func (t *Target) ask(ctx context.Context, s *session, p probe, version string) (wait *targets.NotHealthyError, err error) {
	out, err := s.invoker.Invoke(ctx, &awslambdaapi.InvokeInput{
		FunctionName: &p.name, Qualifier: &version, Payload: healthEvent(p.path), LogType: types.LogTypeTail,
	}, t.again)
	switch {
	case err != nil && code(err) == "TooManyRequestsException":
		return &targets.NotHealthyError{Reason: noInstance}, nil
	case err != nil:
		return nil, problem("ask version "+version+" for its health: invoke function", p.name, err)
	case out.FunctionError != nil:
		return nil, failure(out)
	}
	status, err := answerStatus(out.Payload)
	if err != nil {
		return nil, &targets.NotHealthyError{Reason: err.Error(), Output: tail(out)}
	}
	if status < 200 || status > 299 {
		return &targets.NotHealthyError{Reason: fmt.Sprintf("%s answered %d", p.path, status), Output: tail(out)}, nil
	}
	return nil, nil
}

// again lets a call of the invoker be repeated when it fails: asking for the health
// path twice harms nothing.
func (t *Target) again(o *awslambdaapi.Options) { o.RetryMaxAttempts = t.pace.tries }

// healthEvent is a request as a function URL hands it over. Source: "Invoking Lambda
// function URLs", https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
func healthEvent(path string) []byte {
	const host = "health.lambda-url.twofold.invalid"
	b, _ := json.Marshal(map[string]any{
		"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "isBase64Encoded": false,
		"headers": map[string]string{"host": host, "user-agent": "twofold"},
		"requestContext": map[string]any{
			"accountId": "anonymous", "apiId": "health", "domainName": host, "domainPrefix": "health", "routeKey": "$default", "stage": "$default",
			"http": map[string]string{"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "twofold"},
		},
	})
	return b
}

// answerStatus is the status of an answer to a request. A streamed answer begins with
// the same object, and the body follows.
func answerStatus(payload []byte) (int, error) {
	var answer struct {
		StatusCode int `json:"statusCode"`
	}
	if err := json.NewDecoder(bytes.NewReader(payload)).Decode(&answer); err != nil || answer.StatusCode == 0 {
		return 0, fmt.Errorf("the function answered the request for its health with something that is no HTTP answer")
	}
	return answer.StatusCode, nil
}

// failure is an invocation that failed, in the words of the adapter.
func failure(out *awslambdaapi.InvokeOutput) error {
	var report struct {
		Message string   `json:"errorMessage"`
		Type    string   `json:"errorType"`
		Lines   []string `json:"stackTrace"`
	}
	n := &targets.NotHealthyError{Reason: "the invocation failed"}
	if json.Unmarshal(out.Payload, &report) == nil && report.Message != "" {
		n.Reason = report.Message
	}
	n.Output = strings.Join(report.Lines, "\n")
	if n.Output == "" {
		n.Output = tail(out)
	}
	return n
}

// tail is the end of an invocation's log, without Lambda's own lines.
func tail(out *awslambdaapi.InvokeOutput) string {
	log, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
	if err != nil {
		return ""
	}
	var b strings.Builder
	for line := range strings.Lines(string(log)) {
		if !platformLine(line) {
			b.WriteString(line)
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// platformLine reports whether a line of the log is Lambda's and not the app's.
// Source: "Working with Lambda function logs".
func platformLine(line string) bool {
	for _, begin := range []string{"START RequestId: ", "END RequestId: ", "REPORT RequestId: ", "INIT_START Runtime Version: ", "INIT_REPORT Init Duration: "} {
		if strings.HasPrefix(line, begin) {
			return true
		}
	}
	return false
}
