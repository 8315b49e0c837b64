package kubernetes

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/twofoldhq/twofold/targets"
)

func isKnative(o *unstructured.Unstructured) bool { return groupKind(o) == kindKnativeService }

// condition returns a condition's status, "True", "False" or "Unknown", and why.
func condition(o *unstructured.Unstructured, kind string) (status, message string) {
	for _, c := range fields(o.Object, "status", "conditions") {
		if text(c, "type") == kind {
			return text(c, "status"), text(c, "message")
		}
	}
	return "Unknown", ""
}

// knativeRolledOut returns nil when the newest revision is ready and has all requests, and
// errRollingOut before.
func knativeRolledOut(o *unstructured.Unstructured) error {
	if ready, _ := condition(o, "Ready"); ready != "True" || !observed(o) || newest(o) != latestReady(o) {
		return errRollingOut
	}
	return nil
}

// observed reports whether the status is of what was applied last.
func observed(o *unstructured.Unstructured) bool {
	return number(o.Object, "status", "observedGeneration") >= o.GetGeneration()
}

func newest(o *unstructured.Unstructured) string {
	return text(o.Object, "status", "latestCreatedRevisionName")
}

func latestReady(o *unstructured.Unstructured) string {
	return text(o.Object, "status", "latestReadyRevisionName")
}

func knativeProgress(o *unstructured.Unstructured) string {
	switch {
	case !observed(o) || newest(o) == "":
		return "Knative makes a revision"
	case newest(o) != latestReady(o):
		return fmt.Sprintf("revision %s starts an instance", newest(o))
	}
	return fmt.Sprintf("revision %s is ready and gets the requests", newest(o))
}

// knativePods are those of the newest revision.
func (s *session) knativePods(ctx context.Context, o *unstructured.Unstructured) ([]unstructured.Unstructured, error) {
	if !observed(o) || newest(o) == "" || newest(o) == latestReady(o) {
		return nil, nil
	}
	found, err := s.list(ctx, pods, query(labelKnativeRevision, newest(o)))
	sortByName(found)
	return slices.DeleteFunc(found, func(p unstructured.Unstructured) bool { return p.GetDeletionTimestamp() != nil }), err
}

// knativeFailed returns an error when Knative has given up what was applied last.
func knativeFailed(o *unstructured.Unstructured) error {
	if ready, why := condition(o, "Ready"); ready == "False" && observed(o) {
		return &targets.NotHealthyError{Reason: why}
	}
	return nil
}

// knativeStatus is what is known of a deployment that Knative runs. One without instances
// runs: the next request starts one.
func (s *session) knativeStatus(ctx context.Context, o *unstructured.Unstructured, st *targets.Status) error {
	st.Runner = "Knative Serving, namespace " + s.namespace
	st.URL = text(o.Object, "status", "url")
	revision := latestReady(o)
	if ready, why := condition(o, "Ready"); ready != "True" {
		st.Detail = "it is not ready: kubectl describe " + knativeServices.Resource + "." + knativeGroup + "/" + o.GetName() + " says why"
		if why != "" {
			st.Detail = "it is not ready, " + why + ": kubectl describe " + knativeServices.Resource + "." + knativeGroup + "/" + o.GetName() + " says more"
		}
	}
	if routed, _ := condition(o, "RoutesReady"); revision == "" || routed == "False" {
		st.State = targets.Failing
	}
	if err := s.knativeRevision(ctx, revision, st); err != nil {
		return err
	}
	mappings, err := s.list(ctx, domainMappings, query(labelInstance, o.GetLabels()[labelInstance], labelRole, roleApp))
	if err != nil {
		return err
	}
	for _, m := range mappings {
		st.URL = text(m.Object, "status", "url")
		if ready, why := condition(&m, "Ready"); ready != "True" && st.Detail == "" {
			st.Detail = fmt.Sprintf("the domain is not ready (%s): kubectl describe domainmapping/%s says more", why, m.GetName())
		}
	}
	return nil
}

// knativeRevision adds what the revision that has the requests is, and its instances.
func (s *session) knativeRevision(ctx context.Context, revision string, st *targets.Status) error {
	if revision == "" {
		return nil
	}
	is, err := s.get(ctx, knativeRevisions, revision)
	if err != nil {
		return err
	}
	if is != nil {
		st.Release = is.GetAnnotations()[noteRelease]
	}
	found, err := s.list(ctx, pods, query(labelKnativeRevision, revision))
	if err != nil {
		return err
	}
	for _, p := range found {
		if ready, _ := condition(&p, "Ready"); ready == "True" && p.GetDeletionTimestamp() == nil {
			st.Instances++
		}
	}
	return nil
}
