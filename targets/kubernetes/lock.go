package kubernetes

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/names"
)

// A deployment is changed by one at a time: by who holds its Lease. Who dies lets go of
// it by not renewing it. No clock of another machine is relied on.
const (
	leaseFor   = 15 * time.Second
	leaseRenew = 4 * time.Second
	leaseRetry = 500 * time.Millisecond
)

var errLockLost = errors.New("another deploy has taken over, because the cluster was out of reach for too long")

// hold takes the lock of a deployment, waiting for it, and returns a context that ends
// when the lock is lost, and what gives the lock back.
func (s *session) hold(ctx context.Context, k targets.Key) (held context.Context, release func(), err error) {
	name, holder := names.Deployment(k), rand.Text()
	lease := func() *unstructured.Unstructured {
		now := time.Now().UTC().Format("2006-01-02T15:04:05.000000Z")
		return &unstructured.Unstructured{Object: plain(map[string]any{
			"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
			"metadata": map[string]any{"name": name, "namespace": s.namespace, "labels": labels(k, s.target.info.Name, roleLock), "annotations": notes(k)},
			"spec":     map[string]any{"holderIdentity": holder, "leaseDurationSeconds": int(leaseFor / time.Second), "renewTime": now},
		}).(map[string]any)}
	}
	mine, err := s.take(ctx, name, lease)
	if err != nil {
		return nil, nil, err
	}
	held, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.renew(held, cancel, mine, lease)
	}()
	return held, func() {
		cancel(context.Canceled)
		<-ended
		ending, stop := lasting(ctx)
		defer stop()
		uid := types.UID(mine.GetUID())
		s.of(leases).Delete(ending, name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
	}, nil
}

// take makes the lease, or waits until there is none that is renewed.
func (s *session) take(ctx context.Context, name string, lease func() *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	var seen string // the version of the other's lease
	var since time.Time
	for said := false; ; {
		made, err := s.of(leases).Create(ctx, lease(), metav1.CreateOptions{FieldManager: fieldManager})
		if err == nil {
			return made, nil
		}
		if !apierrors.IsAlreadyExists(err) {
			return nil, s.explain(fmt.Errorf("lock %s: %w", name, err))
		}
		other, err := s.get(ctx, leases, name)
		if err != nil {
			return nil, err
		}
		switch {
		case other == nil:
			continue
		case other.GetResourceVersion() != seen:
			seen, since = other.GetResourceVersion(), time.Now()
		case time.Since(since) > leaseFor:
			uid := other.GetUID()
			err := s.of(leases).Delete(ctx, name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid, ResourceVersion: &seen}})
			if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
				return nil, s.explain(fmt.Errorf("lock %s: %w", name, err))
			}
			continue
		}
		if !said {
			said = true
			say(s.events, false, "waiting for another deploy of it")
		}
		if err := pause(ctx, leaseRetry); err != nil {
			return nil, err
		}
	}
}

// renew keeps the lease until the context ends; it ends the context when the lease is
// another's.
func (s *session) renew(ctx context.Context, lost context.CancelCauseFunc, mine *unstructured.Unstructured, lease func() *unstructured.Unstructured) {
	version, uid, renewed := mine.GetResourceVersion(), mine.GetUID(), time.Now()
	for pause(ctx, leaseRenew) == nil {
		next := lease()
		next.SetResourceVersion(version)
		next.SetUID(uid)
		made, err := s.of(leases).Update(ctx, next, metav1.UpdateOptions{FieldManager: fieldManager})
		switch {
		case err == nil:
			version, renewed = made.GetResourceVersion(), time.Now()
		case apierrors.IsConflict(err) || apierrors.IsNotFound(err) || time.Since(renewed) > leaseFor-leaseRenew:
			lost(errLockLost)
			return
		}
	}
}
