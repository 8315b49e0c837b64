package schedule

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// UserAgent is how a run introduces itself to the app.
const UserAgent = "twofold-schedule"

// Body is the JSON that a run posts.
func Body(s Schedule, at time.Time) []byte {
	text, _ := json.Marshal(struct {
		Schedule string `json:"schedule"`
		Time     string `json:"time"`
	}{s.Name, stamp(at)})
	return text
}

// Request is a run as a request to an app.
func Request(ctx context.Context, s Schedule, at time.Time) (*http.Request, error) {
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

// Post makes a run of a handler that stands before the app, and returns nil if the
// app acknowledges it.
func Post(ctx context.Context, app http.Handler, s Schedule, at time.Time) error {
	r, err := Request(ctx, s, at)
	if err != nil {
		return err
	}
	w := &statusWriter{header: make(http.Header)}
	app.ServeHTTP(w, r)
	return Answered(s, w.status)
}

// statusWriter takes an answer of which only the status matters.
type statusWriter struct {
	header http.Header
	status int
}

func (w *statusWriter) Header() http.Header { return w.header }

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK { // 1xx come before the answer
		w.status = status
	}
}

func (w *statusWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return len(p), nil
}

func (w *statusWriter) Flush() {}

// Input is a run as the input of a function: what EventBridge Scheduler would be
// given, with its placeholder for the time. The adapter posts what "twofold" holds
// to the path, and makes an answer other than 2xx an error of the function.
func Input(s Schedule, at time.Time) ([]byte, error) {
	return json.Marshal(struct {
		Twofold json.RawMessage `json:"twofold"`
		Path    string          `json:"path"`
	}{Body(s, at), s.Path})
}

// Answered is nil if a status acknowledges a run.
func Answered(s Schedule, status int) error {
	if status/100 == 2 {
		return nil
	}
	return fmt.Errorf("POST %s answered %d, and 2xx means done", s.Path, status)
}

// Failed is the error of a function that failed, by its platform's error JSON. What
// the app answered stays in the log, for it may hold anything.
func Failed(s Schedule, platform []byte) error {
	var e struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}
	if json.Unmarshal(platform, &e) != nil || e.Type == "" {
		e.Type = "an error"
	}
	if _, text, ok := strings.Cut(e.Message, " with status "); ok && e.Type == "App.EventFailed" {
		text, _, _ = strings.Cut(text, ":")
		if status, err := strconv.Atoi(text); err == nil {
			return Answered(s, status)
		}
	}
	return fmt.Errorf("POST %s: the function failed with %s; `twofold logs` says why", s.Path, e.Type)
}
