package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/names"
)

// Destroy implements targets.Target. Volumes stay.
func (t *Target) Destroy(ctx context.Context, k targets.Key) (existed bool, err error) {
	err = t.with(fmt.Sprintf("destroy %q", k.Service), nil, func(s *session) error {
		if there, err := s.leftOf(ctx, k); err != nil || !there {
			return err
		}
		return s.locked(ctx, k, func(ctx context.Context, _ *lock) error {
			set, err := s.set(ctx, k)
			if err != nil {
				return err
			}
			existed, err = s.removeAll(ctx, set)
			return err
		})
	})
	return existed, err
}

// leftOf reports whether there is anything of a deployment: also the lock alone, which a
// destroy that was killed at its end leaves.
func (s *session) leftOf(ctx context.Context, k targets.Key) (bool, error) {
	for _, r := range []schema.GroupVersionResource{configMaps, deployments, leases} {
		if o, err := s.get(ctx, r, names.Deployment(k)); o != nil || err != nil {
			return o != nil, err
		}
	}
	return false, nil
}

// removable are the kinds that a deployment may have, in the order in which they go.
// The claims of volumes are not among them.
var removable = []string{
	kindDomainMapping, kindKnativeService, "HTTPRoute", "Ingress", "HorizontalPodAutoscaler", "CronJob", "Deployment", "PodDisruptionBudget", "Service", "NetworkPolicy", "ServiceAccount", "Secret",
}

// removable are the kinds of the set that go with it, in their order; all that every
// cluster has where the set does not say of which it is. Who deploys needs no right to
// others.
func (set *applySet) removable() []string {
	if set.kinds == "" {
		return slices.DeleteFunc(slices.Clone(removable), func(kind string) bool { return strings.HasSuffix(kind, knativeGroup) })
	}
	var list []string
	for _, gk := range strings.Split(set.kinds, ",") {
		kind, _, _ := strings.Cut(gk, ".")
		list = append(list, kind, gk)
	}
	return slices.DeleteFunc(slices.Clone(removable), func(kind string) bool { return !slices.Contains(list, kind) })
}

// removeAll removes what a deployment consists of, and waits until its pods are gone.
func (s *session) removeAll(ctx context.Context, set *applySet) (existed bool, err error) {
	existed = set.exists
	for _, kind := range set.removable() {
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
	if err := s.gone(ctx, set.name); err != nil {
		return existed, err
	}
	return existed, s.remove(ctx, configMaps, set.name)
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
