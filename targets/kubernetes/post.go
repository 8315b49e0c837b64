package kubernetes

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/schedule"
)

// PosterMain posts to an app once, as a schedule does, and returns the exit status: its
// arguments are the URL, the schedule's name and how long an answer may take.
func PosterMain(args []string) int {
	if len(args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: "+PosterCommand+" URL SCHEDULE TIMEOUT")
		return 2
	}
	timeout, err := time.ParseDuration(args[2])
	if err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		err = post(ctx, args[0], args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func post(ctx context.Context, url, name string) error {
	s := targets.Schedule{Name: name, Path: url}
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
