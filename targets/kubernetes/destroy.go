package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/names"
)

// Destroy implements targets.Target. Volumes stay.
func (t *Target) Destroy(ctx context.Context, k targets.Key) (existed bool, err error) {
	err = t.with(fmt.Sprintf("destroy %q", k.Service), nil, func(s *session) error {
		set, err := s.set(ctx, k)
		if err != nil {
			return err
		}
		name := names.Deployment(k)
		is, err := s.get(ctx, deployments, name)
		if err != nil || is == nil && !set.exists {
			return err
		}
		held, release, err := s.hold(ctx, k)
		if err != nil {
			return err
		}
		defer release()
		existed, err = s.removeAll(held, set, name)
		return err
	})
	return existed, err
}

// removable are the kinds that a deployment may have, in the order in which they go.
// The claims of volumes are not among them.
var removable = []string{
	kindDomainMapping, kindKnativeService, "HTTPRoute", "Ingress", "HorizontalPodAutoscaler", "CronJob", "Deployment", "PodDisruptionBudget", "Service", "NetworkPolicy", "ServiceAccount", "Secret",
}

// removeAll removes what a deployment consists of, and waits until its pods are gone.
func (s *session) removeAll(ctx context.Context, set *applySet, name string) (existed bool, err error) {
	existed = set.exists
	for _, kind := range removable {
		if strings.HasSuffix(kind, knativeGroup) && !strings.Contains(set.kinds, kind) {
			continue // Whoever has no Knative needs no right to look.
		}
		found, err := s.list(ctx, resourceOf(kind), query(setPart, set.id))
		if err != nil {
			return existed, err
		}
		for _, o := range found {
			existed = true
			if err := s.remove(ctx, resourceOf(kind), o.GetName()); err != nil {
				return existed, err
			}
		}
	}
	if err := s.gone(ctx, name); err != nil {
		return existed, err
	}
	return existed, s.remove(ctx, configMaps, name)
}

// gone waits until there are no pods of a deployment.
func (s *session) gone(ctx context.Context, name string) error {
	for {
		left, err := s.appPods(ctx, name)
		if err != nil {
			return err
		}
		if len(left) == 0 {
			return nil
		}
		if err := pause(ctx, look); err != nil {
			return errors.Join(err, fmt.Errorf("%d pods are still ending", len(left)))
		}
	}
}

func hasDigest(digest, begin string) bool {
	return strings.HasPrefix(digest, begin) || strings.HasPrefix(strings.TrimPrefix(digest, "sha256:"), begin)
}

// after are the revisions from one on.
func after(list []revision, from revision) []revision {
	for n, r := range list {
		if r.Release == from.Release && r.Deployed.Equal(from.Deployed) && n > 0 {
			rest := append([]revision{}, list[n:]...)
			rest[0].Deployed = time.Now().UTC().Truncate(time.Second)
			return rest
		}
	}
	return list
}
