package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/twofoldhq/twofold/targets/schedule"
)

// postOnce posts to an app once, as a schedule does: its arguments are the URL, the
// schedule's name and how long an answer may take.
func postOnce(ctx context.Context, args []string) error {
	if len(args) != 3 {
		return errors.New(VerbPost + " takes URL SCHEDULE TIMEOUT")
	}
	timeout, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return post(ctx, args[0], args[1])
}

func post(ctx context.Context, url, name string) error {
	s := schedule.Schedule{Name: name, Path: url}
	if rest, ok := strings.CutPrefix(url, "http://"); ok {
		_, path, _ := strings.Cut(rest, "/")
		s.Path = "/" + path
	}
	// The cluster starts the pod at the time, and says it only at the Job.
	at := time.Now().UTC().Truncate(time.Minute)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(schedule.Body(s, at)))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", schedule.UserAgent)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	return schedule.Answered(s, answer.StatusCode)
}
