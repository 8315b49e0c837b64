package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/twofoldhq/twofold/targets"
)

// The kinds that deployments are made of.
var (
	configMaps      = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	secrets         = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
	services        = schema.GroupVersionResource{Version: "v1", Resource: "services"}
	serviceAccounts = schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}
	claims          = schema.GroupVersionResource{Version: "v1", Resource: "persistentvolumeclaims"}
	pods            = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	events          = schema.GroupVersionResource{Version: "v1", Resource: "events"}
	nodes           = schema.GroupVersionResource{Version: "v1", Resource: "nodes"}
	deployments     = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	replicaSets     = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "replicasets"}
	autoscalers     = schema.GroupVersionResource{Group: "autoscaling", Version: "v2", Resource: "horizontalpodautoscalers"}
	budgets         = schema.GroupVersionResource{Group: "policy", Version: "v1", Resource: "poddisruptionbudgets"}
	cronJobs        = schema.GroupVersionResource{Group: "batch", Version: "v1", Resource: "cronjobs"}
	jobs            = schema.GroupVersionResource{Group: "batch", Version: "v1", Resource: "jobs"}
	networkPolicies = schema.GroupVersionResource{Group: "networking.k8s.io", Version: "v1", Resource: "networkpolicies"}
	ingresses       = schema.GroupVersionResource{Group: "networking.k8s.io", Version: "v1", Resource: "ingresses"}
	routes          = schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "httproutes"}
	leases          = schema.GroupVersionResource{Group: "coordination.k8s.io", Version: "v1", Resource: "leases"}
)

// resourceOf is where the objects of a kind are, by the name that groupKind gives to it. A
// kind that only one group has may be named without its group.
func resourceOf(groupKind string) schema.GroupVersionResource {
	switch groupKind {
	case kindKnativeService:
		return knativeServices
	case kindDomainMapping:
		return domainMappings
	}
	kind, _, _ := strings.Cut(groupKind, ".")
	switch kind {
	case "ConfigMap":
		return configMaps
	case "Secret":
		return secrets
	case "Service":
		return services
	case "ServiceAccount":
		return serviceAccounts
	case "PersistentVolumeClaim":
		return claims
	case "Deployment":
		return deployments
	case "HorizontalPodAutoscaler":
		return autoscalers
	case "PodDisruptionBudget":
		return budgets
	case "CronJob":
		return cronJobs
	case "Job":
		return jobs
	case "NetworkPolicy":
		return networkPolicies
	case "Ingress":
		return ingresses
	case "HTTPRoute":
		return routes
	}
	return schema.GroupVersionResource{}
}

// session is the connection to the cluster for one operation.
type session struct {
	target    *Target
	client    dynamic.Interface
	config    *rest.Config
	http      *http.Client
	namespace string
	events    func(targets.Event)
}

// open reads the kubeconfig; without one, and inside a cluster, it is the service
// account's. Credential plugins are run as kubectl does.
func (t *Target) open(events func(targets.Event)) (*session, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	if t.settings.kubeconfig != "" {
		rules.ExplicitPath = t.settings.kubeconfig
	}
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: t.settings.context})
	if err := t.knowsContext(loader); err != nil {
		return nil, err
	}
	config, err := loader.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w: name a cluster by kubeconfig and context in the block target \"kubernetes\" %q", err, t.info.Name)
	}
	s := &session{target: t, namespace: t.settings.namespace, events: events}
	if s.namespace == "" {
		if s.namespace, _, err = loader.Namespace(); err != nil {
			return nil, fmt.Errorf("read the kubeconfig: %w", err)
		}
	}
	config.QPS, config.Burst = 100, 200
	config.UserAgent = "twofold"
	config.WarningHandler = warnings{s}
	s.config = config
	if s.http, err = rest.HTTPClientFor(config); err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	if s.client, err = dynamic.NewForConfigAndClient(config, s.http); err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	return s, nil
}

// knowsContext returns an error when the kubeconfig has not the context that is named.
func (t *Target) knowsContext(loader clientcmd.ClientConfig) error {
	raw, err := loader.RawConfig()
	if err != nil || t.settings.context == "" || raw.Contexts[t.settings.context] != nil {
		return nil // What is wrong with the file is said when it is used.
	}
	var known []string
	for _, name := range slices.Sorted(maps.Keys(raw.Contexts)) {
		known = append(known, strconv.Quote(name))
	}
	if len(known) == 0 {
		known = []string{"none"}
	}
	return fmt.Errorf("the kubeconfig has no context %q: it has %s: name one of them in the block target \"kubernetes\" %q", t.settings.context, strings.Join(known, ", "), t.info.Name)
}

// warnings hands over what the cluster warns of, such as a pod that a policy would not
// let in.
type warnings struct{ *session }

func (w warnings) HandleWarningHeader(code int, _ string, text string) {
	const general = 299
	if code == general && text != "" {
		say(w.events, true, "%s", text)
	}
}

func (s *session) of(r schema.GroupVersionResource) dynamic.ResourceInterface {
	return s.client.Resource(r).Namespace(s.namespace)
}

// get returns an object, or nil if there is none of that name.
func (s *session) get(ctx context.Context, r schema.GroupVersionResource, name string) (*unstructured.Unstructured, error) {
	o, err := s.of(r).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, s.explain(fmt.Errorf("look at %s %s: %w", r.Resource, name, err))
	}
	return o, nil
}

// list returns the objects that a query selects. A kind that the cluster does not have
// has no objects.
func (s *session) list(ctx context.Context, r schema.GroupVersionResource, query string) ([]unstructured.Unstructured, error) {
	found, err := s.of(r).List(ctx, metav1.ListOptions{LabelSelector: query})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, s.explain(fmt.Errorf("list %s: %w", r.Resource, err))
	}
	return found.Items, nil
}

// apply makes an object be as it is given, with server-side apply. What others set
// that we do not name stays. With dry, nothing changes, and the result is what there
// would be.
func (s *session) apply(ctx context.Context, o *unstructured.Unstructured, dry bool) (*unstructured.Unstructured, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	force := true
	options := metav1.PatchOptions{FieldManager: fieldManager, Force: &force, FieldValidation: metav1.FieldValidationStrict}
	if dry {
		options.DryRun = []string{metav1.DryRunAll}
	}
	made, err := s.of(resourceOf(groupKind(o))).Patch(ctx, o.GetName(), types.ApplyPatchType, text, options)
	if err != nil {
		return nil, s.explain(fmt.Errorf("apply %s %s: %w", o.GetKind(), o.GetName(), err))
	}
	return made, nil
}

// remove deletes an object and what belongs to it. One that does not exist is no error.
func (s *session) remove(ctx context.Context, r schema.GroupVersionResource, name string) error {
	background := metav1.DeletePropagationBackground
	err := s.of(r).Delete(ctx, name, metav1.DeleteOptions{PropagationPolicy: &background})
	if err != nil && !apierrors.IsNotFound(err) {
		return s.explain(fmt.Errorf("remove %s %s: %w", r.Resource, name, err))
	}
	return nil
}

// explain adds what mends an error that is known.
func (s *session) explain(err error) error {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return err
	}
	details := status.Status().Details
	switch {
	case apierrors.IsNotFound(err) && details != nil && details.Kind == "namespaces":
		return fmt.Errorf("%w: kubectl create namespace %s makes it", err, s.namespace)
	case apierrors.IsNotFound(err) && strings.Contains(err.Error(), "the server could not find the requested resource"):
		return fmt.Errorf("%w: the cluster does not have this kind of object: install what brings it (the Gateway API for an HTTPRoute), or remove what asks for it", err)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("%w: give the user of the context the right, or name another context", err)
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("%w: log in to the cluster anew", err)
	}
	return err
}

// outOfReach reports whether an error says nothing of what was asked for, but that the
// cluster, or the way to it, did not do it now.
func outOfReach(err error) bool {
	var connection *url.Error
	var network net.Error
	return errors.As(err, &connection) || errors.As(err, &network) ||
		apierrors.IsServiceUnavailable(err) || apierrors.IsTooManyRequests(err) || apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err)
}

// log opens the log of a container.
func (s *session) log(ctx context.Context, pod, container string, query url.Values) (*http.Response, error) {
	base, _, err := rest.DefaultServerUrlFor(s.config)
	if err != nil {
		return nil, err
	}
	query.Set("container", container)
	u := base.JoinPath("api", "v1", "namespaces", s.namespace, "pods", pod, "log")
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	answer, err := s.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("read the log of pod %s: %w", pod, err)
	}
	if answer.StatusCode != http.StatusOK {
		answer.Body.Close()
		return nil, fmt.Errorf("read the log of pod %s: the cluster answers %s", pod, answer.Status)
	}
	return answer, nil
}

// text and number read fields of objects; one that is missing is zero.
func text(o map[string]any, path ...string) string {
	v, _, _ := unstructured.NestedString(o, path...)
	return v
}

func number(o map[string]any, path ...string) int64 {
	v, _, _ := unstructured.NestedInt64(o, path...)
	return v
}

// fields are the elements of a list that are objects.
func fields(o map[string]any, path ...string) (list []map[string]any) {
	v, _, _ := unstructured.NestedFieldNoCopy(o, path...)
	all, _ := v.([]any)
	for _, one := range all {
		if m, ok := one.(map[string]any); ok {
			list = append(list, m)
		}
	}
	return list
}

func sortByName(list []unstructured.Unstructured) {
	slices.SortFunc(list, func(a, b unstructured.Unstructured) int { return strings.Compare(a.GetName(), b.GetName()) })
}
