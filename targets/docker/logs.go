package docker

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"

	"github.com/twofoldhq/twofold/targets"
)

// logs writes what the containers of a deployment printed, of those too that are
// kept to go back to, in the order of time.
func (t *Target) logs(ctx context.Context, r targets.LogsRequest) error {
	return t.with(ctx, fmt.Sprintf("logs %q", r.Service), func(ctx context.Context, s *session) error {
		if found, err := s.inspect(ctx, deploymentName(r.Key)); err != nil {
			return err
		} else if found == nil {
			return fmt.Errorf("it is not deployed: twofold deploy %s deploys it", r.Service)
		}
		if !r.Follow {
			_, err := s.past(ctx, r)
			return err
		}
		err := s.follow(ctx, r)
		if ctx.Err() != nil {
			return nil
		}
		return err
	})
}

// entry is a line of a log.
type entry struct {
	at   time.Time
	text string
}

// past writes what there is, and returns the time of the newest line of each
// container.
func (s *session) past(ctx context.Context, r targets.LogsRequest) (newest map[string]time.Time, err error) {
	list, err := s.list(ctx, targets.Filter(r.Key), roleApp)
	if err != nil {
		return nil, err
	}
	newest = map[string]time.Time{}
	var all []entry
	for _, c := range list {
		o := client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Timestamps: true}
		if r.Tail > 0 {
			o.Tail = fmt.Sprint(r.Tail)
		}
		entries, err := s.read(ctx, c.ID, o)
		if err != nil {
			return nil, err
		}
		if len(entries) > 0 {
			newest[c.ID] = entries[len(entries)-1].at
		}
		all = append(all, entries...)
	}
	slices.SortStableFunc(all, func(a, b entry) int { return a.at.Compare(b.at) })
	switch {
	case r.Tail < 0:
		all = nil
	case r.Tail > 0 && len(all) > r.Tail:
		all = all[len(all)-r.Tail:]
	}
	for _, e := range all {
		if _, err := io.WriteString(r.Out, e.text+"\n"); err != nil {
			return nil, err
		}
	}
	return newest, nil
}

func (s *session) read(ctx context.Context, id string, o client.ContainerLogsOptions) (list []entry, err error) {
	out, err := s.ContainerLogs(ctx, id, o)
	if err != nil {
		return nil, fmt.Errorf("read the log of %s: %w", id, err)
	}
	defer out.Close()
	var b bytes.Buffer
	if _, err := stdcopy.StdCopy(&b, &b, out); err != nil {
		return nil, fmt.Errorf("read the log of %s: %w", id, err)
	}
	for line := range strings.Lines(b.String()) {
		list = append(list, split(strings.TrimSuffix(line, "\n")))
	}
	return list, nil
}

// split takes the engine's time off a line.
func split(line string) entry {
	at, text, _ := strings.Cut(line, " ")
	return entry{parseTime(at), text}
}

// follow writes what there is and what comes, also of containers that start
// meanwhile, until the context ends.
func (s *session) follow(ctx context.Context, r targets.LogsRequest) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var followed sync.WaitGroup
	defer followed.Wait()
	defer cancel()
	f := &follower{session: s, out: r.Out, known: map[string]bool{}}
	// Whoever starts from now on is in the events; whoever runs already, in the list.
	events := s.Events(ctx, client.EventsListOptions{Filters: s.target.filters(targets.Filter(r.Key), roleApp).Add("type", "container").Add("event", "start")})
	newest, err := s.past(ctx, r)
	if err != nil {
		return err
	}
	list, err := s.list(ctx, targets.Filter(r.Key), roleApp)
	if err != nil {
		return err
	}
	for _, c := range list {
		if c.State == "running" {
			followed.Go(func() { f.follow(ctx, c.ID, newest[c.ID]) })
		}
	}
	for {
		select {
		case e := <-events.Messages:
			followed.Go(func() { f.follow(ctx, e.Actor.ID, newest[e.Actor.ID]) })
		case err := <-events.Err:
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

// follower writes the lines of several containers to one writer.
type follower struct {
	*session
	mu    sync.Mutex
	out   io.Writer
	known map[string]bool // the containers that are followed
}

func (f *follower) follow(ctx context.Context, id string, after time.Time) {
	f.mu.Lock()
	known := f.known[id]
	f.known[id] = true
	f.mu.Unlock()
	if known {
		return
	}
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.known, id)
	}()
	o := client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Timestamps: true, Follow: true}
	if !after.IsZero() {
		o.Since = after.Format(time.RFC3339Nano)
	}
	out, err := f.ContainerLogs(ctx, id, o)
	if err != nil {
		return
	}
	defer out.Close()
	lines, to := io.Pipe()
	go func() {
		_, err := stdcopy.StdCopy(to, to, out)
		to.CloseWithError(err)
	}()
	text := bufio.NewReader(lines)
	for {
		line, err := text.ReadString('\n')
		if err != nil {
			return
		}
		if e := split(strings.TrimSuffix(line, "\n")); e.at.After(after) {
			f.mu.Lock()
			io.WriteString(f.out, e.text+"\n")
			f.mu.Unlock()
		}
	}
}
