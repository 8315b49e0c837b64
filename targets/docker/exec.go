package docker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/engine"
)

// exec runs a command once in a container like those that serve.
func (t *Target) exec(ctx context.Context, r targets.ExecRequest) error {
	return t.with(ctx, fmt.Sprintf("exec in %q", r.Service), func(ctx context.Context, s *session) error {
		app, err := s.serving(ctx, r.Key)
		if err != nil {
			return err
		}
		revision := strings.ToLower(rand.Text()[:8])
		defer s.discard(ctx, revision)
		o := execContainer(app, r.Command)
		o.Name = deploymentName(r.Key) + "-" + revision
		o.Config.Labels = with(s.target.labels(r.Key, roleCommand), labelRelease, app.Config.Labels[labelRelease], labelRevision, revision)
		engine.WithStreams(&o, r.Streams)
		if err := s.createContainer(ctx, o, string(app.HostConfig.NetworkMode)); err != nil {
			return err
		}
		return s.await(ctx, o.Name, r)
	})
}

// serving returns a container of the revision that serves.
func (s *session) serving(ctx context.Context, k targets.Key) (*container.InspectResponse, error) {
	live, _, err := s.live(ctx, deploymentName(k))
	if err != nil {
		return nil, err
	}
	all, err := s.revisions(ctx, k)
	if err != nil {
		return nil, err
	}
	serving := all[live.Revision]
	if serving == nil {
		return nil, errors.New("nothing of it serves: twofold status says why")
	}
	app, err := s.inspect(ctx, serving.names()[0])
	if err == nil && (app == nil || app.Config == nil || app.HostConfig == nil) {
		err = errors.New("its container went meanwhile: try again")
	}
	return app, err
}

// execContainer is a container like another one, which runs a command and is not
// started again. Secrets reach it the way that they reach the other.
func execContainer(app *container.InspectResponse, command []string) client.ContainerCreateOptions {
	if n := slices.Index(app.Config.Entrypoint, secretsDir+"/"+secretsValues); n >= 0 {
		command = slices.Concat(app.Config.Entrypoint[:n+1], command)
	}
	h := *app.HostConfig
	h.RestartPolicy = container.RestartPolicy{}
	return client.ContainerCreateOptions{
		Config: &container.Config{
			Image: app.Config.Image, Entrypoint: command, Env: app.Config.Env, User: app.Config.User,
			WorkingDir: app.Config.WorkingDir, StopTimeout: app.Config.StopTimeout,
		},
		HostConfig:       &h,
		NetworkingConfig: &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{string(h.NetworkMode): {}}},
	}
}
