package kubernetes

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
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

// lock is the right to change a deployment, while it lasts.
type lock struct {
	// lost is closed when another deploy may have taken over; why says it then.
	lost chan struct{}
	why  error
}

// locked changes a deployment while nobody else does. It waits for the lock and gives it
// back. The context of change ends when the lock is lost: then nothing may be changed
// any more, since another deploy may be doing so.
func (s *session) locked(ctx context.Context, k targets.Key, change func(context.Context, *lock) error) error {
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
		return err
	}
	l := &lock{lost: make(chan struct{})}
	// It is renewed also while a change that was cancelled is undone.
	renewing, stop := context.WithCancel(context.WithoutCancel(ctx))
	var renewal sync.WaitGroup
	renewal.Go(func() { s.renew(renewing, l, mine, lease) })
	held, end := l.within(ctx)
	err = change(held, l)
	end()
	stop()
	renewal.Wait()
	if l.isLost() {
		if err != nil {
			return l.why
		}
		return nil
	}
	ending, cancel := lasting(ctx)
	defer cancel()
	uid := types.UID(mine.GetUID())
	s.of(leases).Delete(ending, name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
	return err
}

// within returns a context that ends with the lock as well.
func (l *lock) within(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-l.lost:
			cancel(l.why)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(context.Canceled) }
}

func (l *lock) isLost() bool {
	select {
	case <-l.lost:
		return true
	default:
		return false
	}
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

// renew keeps the lease until the context ends or the lock is lost: to another, or since
// the cluster has been out of reach for so long that another may take it over soon.
func (s *session) renew(ctx context.Context, l *lock, mine *unstructured.Unstructured, lease func() *unstructured.Unstructured) {
	lose := func(why error) {
		l.why = why
		close(l.lost)
	}
	version, uid, renewed := mine.GetResourceVersion(), mine.GetUID(), time.Now()
	for wait := leaseRenew; pause(ctx, wait) == nil; {
		next := lease()
		next.SetResourceVersion(version)
		next.SetUID(uid)
		begun := time.Now()
		attempt, cancel := context.WithDeadline(ctx, renewed.Add(leaseFor-leaseRenew))
		made, err := s.of(leases).Update(attempt, next, metav1.UpdateOptions{FieldManager: fieldManager})
		if apierrors.IsConflict(err) {
			made, err = s.ours(attempt, next, err)
		}
		cancel()
		switch {
		case err == nil:
			version, renewed, wait = made.GetResourceVersion(), begun, leaseRenew
		case ctx.Err() != nil:
			return
		case apierrors.IsConflict(err) || apierrors.IsNotFound(err):
			lose(errors.New("another deploy has taken over, since the cluster was out of reach for too long"))
			return
		case time.Since(renewed) >= leaseFor-leaseRenew:
			lose(fmt.Errorf("the cluster has been out of reach for %s, so that another deploy may take over: %w: what ran goes on; do it again when the cluster is back", leaseFor-leaseRenew, err))
			return
		default:
			wait = leaseRetry
		}
	}
}

// ours returns the lease when it is still ours after a conflict: the answer to an earlier
// renewal was lost.
func (s *session) ours(ctx context.Context, lease *unstructured.Unstructured, conflict error) (*unstructured.Unstructured, error) {
	is, err := s.get(ctx, leases, lease.GetName())
	if err != nil {
		return nil, err
	}
	if is == nil || text(is.Object, "spec", "holderIdentity") != text(lease.Object, "spec", "holderIdentity") {
		return nil, conflict
	}
	return is, nil
}
