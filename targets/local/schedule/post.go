package schedule

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/twofoldhq/twofold/targets"
)

// UserAgent is how a run introduces itself to the app.
const UserAgent = "twofold-schedule"

// Body is the JSON that a run posts.
func Body(s targets.Schedule, at time.Time) []byte {
	text, _ := json.Marshal(struct {
		Schedule string `json:"schedule"`
		Time     string `json:"time"`
	}{s.Name, stamp(at)})
	return text
}

// Request is a run as a request to an app.
func Request(ctx context.Context, s targets.Schedule, at time.Time) (*http.Request, error) {
	body := Body(s, at)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://localhost"+s.Path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("its path %q is no path", s.Path)
	}
	r.RequestURI = s.Path
	r.RemoteAddr = "127.0.0.1:0"
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", UserAgent)
	return r, nil
}

// Input is a run as the input of a function. It has the shape of a request to a
// function URL (payload format 2.0), because that is how the adapter knows which
// path to post to. A rule of EventBridge Scheduler would be given the same, with
// its placeholder for the time in the body.
func Input(s targets.Schedule, at time.Time) ([]byte, error) {
	r, err := Request(context.Background(), s, at)
	if err != nil {
		return nil, err
	}
	type values map[string]any
	return json.Marshal(values{
		"version": "2.0", "rawPath": r.URL.EscapedPath(), "rawQueryString": r.URL.RawQuery,
		"headers": map[string]string{"content-type": "application/json", "host": "localhost", "user-agent": UserAgent},
		"requestContext": values{
			// Of a function URL's domain the adapter takes the path byte for byte.
			"domainName": "schedule.lambda-url.local", "http": values{"method": http.MethodPost, "path": r.URL.Path},
		},
		"body": string(Body(s, at)), "isBase64Encoded": false,
	})
}

// Answered is nil if a status acknowledges a run.
func Answered(s targets.Schedule, status int) error {
	if status/100 == 2 {
		return nil
	}
	return fmt.Errorf("POST %s answered %d, and 2xx means done", s.Path, status)
}

// Returned is nil if what a function returned for an Input acknowledges a run.
func Returned(s targets.Schedule, payload []byte) error {
	var answer struct {
		StatusCode int `json:"statusCode"`
	}
	if err := json.Unmarshal(payload, &answer); err != nil || answer.StatusCode == 0 {
		return fmt.Errorf("POST %s: the function did not return an HTTP answer", s.Path)
	}
	return Answered(s, answer.StatusCode)
}

// Failed is the error of a function that failed, by its platform's error JSON.
func Failed(s targets.Schedule, platform []byte) error {
	var e struct {
		Type string `json:"errorType"`
	}
	if json.Unmarshal(platform, &e) != nil || e.Type == "" {
		e.Type = "an error"
	}
	return fmt.Errorf("POST %s: the function failed with %s; `twofold logs` says why", s.Path, e.Type)
}
