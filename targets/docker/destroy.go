package docker

import (
	"context"
	"fmt"
	"strings"

	"github.com/moby/moby/client"

	"github.com/twofoldhq/twofold/targets"
)

// Destroy implements targets.Target. The volumes with the app's data are kept.
func (t *Target) Destroy(ctx context.Context, k targets.Key) (existed bool, err error) {
	err = t.with(ctx, fmt.Sprintf("destroy %q", k.Service), func(ctx context.Context, s *session) (err error) {
		existed, err = s.destroy(ctx, k)
		return err
	})
	return existed, err
}

// destroy removes the gateway last: it is what a second destroy finds.
func (s *session) destroy(ctx context.Context, k targets.Key) (existed bool, err error) {
	name := deploymentName(k)
	if err := s.leaveEdge(ctx, name); err != nil {
		return false, err
	}
	for _, role := range []string{roleApp, roleCommand, roleHelper, roleGateway} {
		list, err := s.list(ctx, targets.Filter(k), role)
		if err != nil {
			return existed, err
		}
		var names []string
		for _, c := range list {
			if volume, ok := strings.CutSuffix(nameOf(c), fillSuffix); ok && role == roleHelper {
				if err := s.unfill(ctx, volume); err != nil {
					return existed, err
				}
				existed = true
				continue
			}
			names = append(names, c.ID)
		}
		existed = existed || len(names) > 0
		if err := s.stopAll(ctx, names); err != nil {
			return existed, err
		}
		if err := s.removeAll(ctx, names); err != nil {
			return existed, err
		}
	}
	for _, role := range []string{roleSecrets, roleCommand} {
		volumes, err := s.VolumeList(ctx, client.VolumeListOptions{Filters: s.target.filters(targets.Filter(k), role)})
		if err != nil {
			return existed, fmt.Errorf("list volumes: %w", err)
		}
		for _, v := range volumes.Items {
			if err := s.removeVolume(ctx, v.Name); err != nil {
				return existed, err
			}
		}
	}
	if err := s.removeVolume(ctx, gatewayVolume(name)); err != nil {
		return existed, err
	}
	if err := s.sweepImages(ctx, name, nil); err != nil {
		return existed, err
	}
	return existed, s.sweepNetwork(ctx, networkName(k))
}
