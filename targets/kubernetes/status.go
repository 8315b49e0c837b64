package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
)

// Status implements targets.Target.
func (t *Target) Status(ctx context.Context, f targets.Filter) (list []targets.Status, err error) {
	err = t.with("status", nil, func(s *session) error {
		list, err = s.status(ctx, f)
		return err
	})
	return list, err
}

func (s *session) status(ctx context.Context, f targets.Filter) ([]targets.Status, error) {
	found, err := s.servers(ctx)
	if err != nil {
		return nil, err
	}
	list := []targets.Status{}
	known := map[targets.Key]bool{}
	for _, o := range found {
		a := o.GetAnnotations()
		k := targets.Key{Project: a[noteProject], Service: a[noteService], Environment: a[noteEnvironment]}
		if !selects(f, k) || known[k] {
			continue
		}
		known[k] = true
		one, err := s.statusOf(ctx, k)
		if err != nil {
			return nil, err
		}
		list = append(list, one...)
	}
	return list, nil
}

func selects(f targets.Filter, k targets.Key) bool {
	same := func(want, is string) bool { return want == "" || want == is }
	return same(f.Project, k.Project) && same(f.Service, k.Service) && same(f.Environment, k.Environment)
}

// statusOf returns the status of a deployment, or nothing when it was destroyed meanwhile.
func (s *session) statusOf(ctx context.Context, k targets.Key) ([]targets.Status, error) {
	set, err := s.set(ctx, k)
	if err != nil {
		return nil, err
	}
	o, err := s.serving(ctx, set)
	if err != nil || o == nil {
		return nil, err
	}
	st := targets.Status{
		Key: k, Target: s.target.address(), State: targets.Running, Form: release.Image,
		Release: o.GetAnnotations()[noteRelease], Deployed: o.GetCreationTimestamp().UTC(), Earlier: set.earlier(),
	}
	if len(set.releases) > 0 {
		st.Deployed = set.releases[0].Deployed
	}
	read := s.deploymentStatus
	if isKnative(o) {
		read = s.knativeStatus
	}
	if err := read(ctx, o, &st); err != nil {
		return nil, err
	}
	if set.underWay {
		st.Detail = "a deploy has begun and not ended: deploy again"
	}
	return []targets.Status{st}, nil
}

func (s *session) deploymentStatus(ctx context.Context, o *unstructured.Unstructured, st *targets.Status) (err error) {
	available := number(o.Object, "status", "availableReplicas")
	st.Runner, st.Instances = "kubernetes, namespace "+s.namespace, int(available)
	switch {
	case number(o.Object, "spec", "replicas") == 0:
		st.State, st.Detail = targets.Stopped, "it was scaled to no instance: deploy it again, or kubectl scale deployment/"+o.GetName()+" --replicas 1"
	case available == 0:
		st.State, st.Detail = targets.Failing, "no instance is ready: kubectl describe deployment/"+o.GetName()+" says why"
	}
	st.URL, err = s.url(ctx, o.GetName())
	return err
}

// url is where a deployment is reached.
func (s *session) url(ctx context.Context, name string) (string, error) {
	if url, err := s.domainURL(ctx, name); url != "" || err != nil {
		return url, err
	}
	service, err := s.get(ctx, services, name)
	if err != nil || service == nil {
		return "", err
	}
	switch text(service.Object, "spec", "type") {
	case nodePort:
		for _, p := range fields(service.Object, "spec", "ports") {
			if node, err := s.nodeAddress(ctx); node != "" || err != nil {
				return fmt.Sprintf("http://%s:%d", node, number(p, "nodePort")), err
			}
		}
	case loadBalancer:
		for _, in := range fields(service.Object, "status", "loadBalancer", "ingress") {
			if host := text(in, "hostname") + text(in, "ip"); host != "" {
				return "http://" + host, nil
			}
		}
	}
	return "http://" + name + "." + s.namespace, nil
}

// domainURL is the address of the domain, or "".
func (s *session) domainURL(ctx context.Context, name string) (string, error) {
	if s.target.settings.gateway != "" {
		route, err := s.get(ctx, routes, name)
		if err != nil || route == nil {
			return "", err
		}
		hosts, _, _ := unstructured.NestedStringSlice(route.Object, "spec", "hostnames")
		if len(hosts) > 0 {
			return "https://" + hosts[0], nil
		}
		return "", nil
	}
	in, err := s.get(ctx, ingresses, name)
	if err != nil || in == nil {
		return "", err
	}
	rules := fields(in.Object, "spec", "rules")
	if len(rules) == 0 {
		return "", nil
	}
	scheme := "http://"
	if len(fields(in.Object, "spec", "tls")) > 0 {
		scheme = "https://"
	}
	return scheme + text(rules[0], "host"), nil
}

// nodeAddress is an address of some node. Who may not list nodes sees none.
func (s *session) nodeAddress(ctx context.Context) (string, error) {
	found, err := s.client.Resource(nodes).List(ctx, metav1.ListOptions{Limit: 1})
	if err != nil {
		return "", ctx.Err()
	}
	for _, kind := range []string{"ExternalIP", "InternalIP"} {
		for _, node := range found.Items {
			for _, a := range fields(node.Object, "status", "addresses") {
				if text(a, "type") == kind {
					return text(a, "address"), nil
				}
			}
		}
	}
	return "", nil
}

// rollback makes the objects of an earlier release be there again.
func (t *Target) rollback(ctx context.Context, r targets.RollbackRequest) (status targets.Status, err error) {
	err = t.with(fmt.Sprintf("rollback %q", r.Service), r.Events, func(s *session) error {
		changed := false
		err := s.locked(ctx, r.Key, func(ctx context.Context, l *lock) (err error) {
			changed, err = s.rollback(ctx, l, r)
			return err
		})
		if err != nil {
			return err
		}
		return s.statusAfter(ctx, r.Key, changed, &status)
	})
	return status, err
}

func (s *session) rollback(ctx context.Context, l *lock, r targets.RollbackRequest) (bool, error) {
	set, err := s.set(ctx, r.Key)
	if err != nil {
		return false, err
	}
	if len(set.releases) == 0 {
		return false, errors.New("it is not deployed: deploy it first")
	}
	if r.Release != "" && hasDigest(set.releases[0].Release, r.Release) && set.settled() {
		return false, nil
	}
	to, earlier, ok := set.find(r.Release)
	switch {
	case !ok && r.Release == "":
		return false, errors.New("no release ran before this one")
	case !ok:
		return false, fmt.Errorf("no release %q ran before and is still kept: twofold status lists those to go back to", r.Release)
	}
	// What comes after the release that is gone back to is no way back any more.
	return true, s.converge(ctx, l, set, to, earlier, to.objects(), patience{time.Minute, rolloutSlack})
}
