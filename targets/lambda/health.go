package lambda

import (
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

// healthy invokes a version with a request for the health path, which starts an
// instance of it as well. It returns nil when the app has answered 2xx, and a
// *targets.NotHealthyError when the app has ended, or has not answered 2xx for as
// long as it may take to start.
func (t *Target) healthy(ctx context.Context, s *session, w *wanted, version string) error {
	event := healthEvent(w.health)
	end := time.Now().Add(w.start)
	for delay := t.pace.first; ; delay = min(2*delay, t.pace.most) {
		out, err := s.invoker.Invoke(ctx, &awslambdaapi.InvokeInput{
			FunctionName: &w.name, Qualifier: &version, Payload: event, LogType: types.LogTypeTail,
		}, t.again)
		wait := ""
		switch {
		case err != nil && code(err) == "TooManyRequestsException":
			wait = "Lambda has no instance free"
		case err != nil:
			return problem("ask version "+version+" for its health: invoke function", w.name, err)
		case out.FunctionError != nil:
			return failure(out)
		default:
			status, err := answerStatus(out.Payload)
			if err != nil {
				return &targets.NotHealthyError{Reason: err.Error(), Output: tail(out)}
			}
			if status >= 200 && status < 300 {
				return nil
			}
			wait = fmt.Sprintf("%s answered %d", w.health, status)
		}
		if time.Now().After(end) {
			reason := &targets.NotHealthyError{Reason: wait}
			if out != nil {
				reason.Output = tail(out)
			}
			return reason
		}
		if err := pause(ctx, delay); err != nil {
			return err
		}
	}
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

// answerStatus is the status of an answer to a request.
func answerStatus(payload []byte) (int, error) {
	var answer struct {
		StatusCode int `json:"statusCode"`
	}
	if err := json.Unmarshal(payload, &answer); err != nil || answer.StatusCode == 0 {
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
