package kubernetes

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/names"
)

// listFor selects the events of a pod.
func listFor(pod string) metav1.ListOptions {
	return metav1.ListOptions{FieldSelector: "involvedObject.kind=Pod,involvedObject.name=" + pod}
}

// logs writes what the pods of a deployment print, in the order of its times.
func (t *Target) logs(ctx context.Context, r targets.LogsRequest) error {
	err := t.with(fmt.Sprintf("logs of %q", r.Service), nil, func(s *session) error {
		name := names.Deployment(r.Key)
		found, err := s.servers(ctx, labelInstance, name)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return fmt.Errorf("it is not deployed in environment %q: deploy it first", r.Environment)
		}
		f := &follower{session: s, name: name, out: r.Out, seen: map[string]time.Time{}, followed: map[string]bool{}}
		if err := f.begin(ctx, r.Tail); err != nil || !r.Follow {
			return err
		}
		return f.follow(ctx)
	})
	if r.Follow && ctx.Err() != nil {
		return nil // how following ends
	}
	return err
}

// follower reads the logs of all pods of a deployment.
type follower struct {
	*session
	name string
	mu   sync.Mutex
	out  io.Writer
	// seen is the time of the last line of each pod.
	seen     map[string]time.Time
	followed map[string]bool
}

type stamped struct {
	at   time.Time
	line string
}

// begin writes the last lines, or all.
func (f *follower) begin(ctx context.Context, tail int) error {
	found, err := f.appPods(ctx, f.name)
	if err != nil {
		return err
	}
	var all []stamped
	for _, pod := range found {
		err := f.read(ctx, pod.GetName(), url.Values{}, func(s stamped) error {
			all = append(all, s)
			f.seen[pod.GetName()] = s.at
			return nil
		})
		if err != nil && ctx.Err() != nil {
			return err
		}
	}
	slices.SortStableFunc(all, func(a, b stamped) int { return a.at.Compare(b.at) })
	if tail > 0 {
		all = all[max(0, len(all)-tail):]
	}
	if tail < 0 {
		all = nil
	}
	for _, s := range all {
		if _, err := io.WriteString(f.out, s.line); err != nil {
			return err
		}
	}
	return nil
}

// read hands on the lines of a pod. A pod that has not started has none.
func (f *follower) read(ctx context.Context, pod string, q url.Values, line func(stamped) error) error {
	q.Set("timestamps", "true")
	answer, err := f.log(ctx, pod, "app", q)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	r := bufio.NewReader(answer.Body)
	for {
		text, err := r.ReadString('\n')
		if text != "" {
			stamp, rest, _ := strings.Cut(text, " ")
			at, _ := time.Parse(time.RFC3339Nano, stamp)
			if !strings.HasSuffix(rest, "\n") {
				rest += "\n"
			}
			if err := line(stamped{at, rest}); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// follow goes on with each pod, also with those that come later, until the context ends.
func (f *follower) follow(ctx context.Context) error {
	var readers sync.WaitGroup
	defer readers.Wait()
	for {
		found, err := f.appPods(ctx, f.name)
		if err != nil {
			return err
		}
		for _, pod := range found {
			name := pod.GetName()
			f.mu.Lock()
			begun := f.followed[name]
			f.followed[name] = true
			f.mu.Unlock()
			if !begun {
				readers.Go(func() { f.followPod(ctx, name) })
			}
		}
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
	}
}

func (f *follower) followPod(ctx context.Context, pod string) {
	f.mu.Lock()
	since := f.seen[pod]
	f.mu.Unlock()
	q := url.Values{"follow": {"true"}}
	if !since.IsZero() {
		q.Set("sinceTime", since.Format(time.RFC3339Nano))
	}
	_ = f.read(ctx, pod, q, func(s stamped) error {
		if !s.at.After(since) {
			return nil
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.seen[pod] = s.at
		_, err := io.WriteString(f.out, s.line)
		return err
	})
	// It ended, or had not started: the next look begins again where it stopped.
	_ = pause(ctx, time.Second)
	f.mu.Lock()
	delete(f.followed, pod)
	f.mu.Unlock()
}
