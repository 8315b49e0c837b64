package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/twofoldhq/twofold/targets"
)

// inspect returns a container, or nil if there is none of that name.
func (s *session) inspect(ctx context.Context, name string) (*container.InspectResponse, error) {
	found, err := s.ContainerInspect(ctx, name, client.ContainerInspectOptions{})
	if errdefs.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look at container %s: %w", name, err)
	}
	return &found.Container, nil
}

// list returns the containers of a role.
func (s *session) list(ctx context.Context, f targets.Filter, role string) ([]container.Summary, error) {
	found, err := s.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: s.target.filters(f, role)})
	if err != nil {
		return nil, fmt.Errorf("list containers: %w", err)
	}
	return found.Items, nil
}

// createContainer makes a container in all networks of its configuration. Engines
// of before 2023 take one network when a container is made, and the others after it.
func (s *session) createContainer(ctx context.Context, o client.ContainerCreateOptions, first string) error {
	// A create that is cancelled may still succeed in the engine.
	creating, cancel := s.lasting(ctx)
	defer cancel()
	networks := o.NetworkingConfig.EndpointsConfig
	o.NetworkingConfig = &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{first: networks[first]}}
	made, err := s.ContainerCreate(creating, o)
	if err != nil {
		return fmt.Errorf("make container %s: %w", o.Name, err)
	}
	for name, settings := range networks {
		if name == first {
			continue
		}
		if _, err := s.NetworkConnect(creating, name, client.NetworkConnectOptions{Container: made.ID, EndpointConfig: settings}); err != nil {
			return fmt.Errorf("connect container %s to network %s: %w", o.Name, name, err)
		}
	}
	return ctx.Err()
}

// removeContainer removes one, running or not. One that does not exist is no error.
func (s *session) removeContainer(ctx context.Context, name string) error {
	_, err := s.ContainerRemove(ctx, name, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	if err != nil && !errdefs.IsNotFound(err) && !strings.Contains(err.Error(), "already in progress") {
		return fmt.Errorf("remove container %s: %w", name, err)
	}
	return nil
}

// stopAll stops containers side by side, each within its grace.
func (s *session) stopAll(ctx context.Context, names []string) error {
	problems := make([]error, len(names))
	var all sync.WaitGroup
	for n, name := range names {
		all.Go(func() {
			if _, err := s.ContainerStop(ctx, name, client.ContainerStopOptions{}); err != nil && !errdefs.IsNotFound(err) {
				problems[n] = fmt.Errorf("stop container %s: %w", name, err)
			}
		})
	}
	all.Wait()
	return errors.Join(problems...)
}

func (s *session) removeAll(ctx context.Context, names []string) error {
	var problems []error
	for _, name := range names {
		problems = append(problems, s.removeContainer(ctx, name))
	}
	return errors.Join(problems...)
}

// revision is one rollout that has containers.
type revision struct {
	name       string
	release    string
	containers []container.Summary // sorted by name
}

// revisions returns those of a deployment, by name.
func (s *session) revisions(ctx context.Context, k targets.Key) (map[string]*revision, error) {
	list, err := s.list(ctx, targets.Filter(k), roleApp)
	if err != nil {
		return nil, err
	}
	all := map[string]*revision{}
	for _, c := range list {
		name := c.Labels[labelRevision]
		if all[name] == nil {
			all[name] = &revision{name: name, release: c.Labels[labelRelease]}
		}
		all[name].containers = append(all[name].containers, c)
	}
	for _, r := range all {
		slices.SortFunc(r.containers, func(a, b container.Summary) int { return strings.Compare(nameOf(a), nameOf(b)) })
	}
	return all, nil
}

func nameOf(c container.Summary) string {
	if len(c.Names) == 0 {
		return c.ID
	}
	return strings.TrimPrefix(c.Names[0], "/")
}

func (r *revision) names() []string {
	var names []string
	for _, c := range r.containers {
		names = append(names, nameOf(c))
	}
	return names
}

func (r *revision) running() int {
	n := 0
	for _, c := range r.containers {
		if c.State == container.StateRunning {
			n++
		}
	}
	return n
}

// tailLines is how much of a container's log an error shows.
const tailLines = "40"

// tail returns the last lines of a container's log.
func (s *session) tail(ctx context.Context, name string) string {
	out, err := s.ContainerLogs(ctx, name, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Tail: tailLines})
	if err != nil {
		return ""
	}
	defer out.Close()
	var b bytes.Buffer
	stdcopy.StdCopy(&b, &b, out)
	return strings.TrimRight(b.String(), "\n")
}

func created(c container.Summary) time.Time { return time.Unix(c.Created, 0).UTC() }
