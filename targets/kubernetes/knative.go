package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/twofoldhq/twofold/targets"
)

// With serverless = true a service is a Service of Knative Serving, which starts
// instances when requests come and stops all of them when none do.

const knativeGroup = "serving.knative.dev"

var (
	knativeServices  = schema.GroupVersionResource{Group: knativeGroup, Version: "v1", Resource: "services"}
	knativeRevisions = schema.GroupVersionResource{Group: knativeGroup, Version: "v1", Resource: "revisions"}
	domainMappings   = schema.GroupVersionResource{Group: knativeGroup, Version: "v1beta1", Resource: "domainmappings"}
)

// The names of the kinds, as groupKind writes them.
const (
	kindKnativeService = "Service." + knativeGroup
	kindDomainMapping  = "DomainMapping." + knativeGroup
)

// labelKnativeRevision is what Knative puts on pods.
const labelKnativeRevision = knativeGroup + "/revision"

// The annotations of a revision that bound its instances.
const (
	noteMinScale = "autoscaling.knative.dev/min-scale"
	noteMaxScale = "autoscaling.knative.dev/max-scale"
)

var errNoKnative = errors.New(`the cluster has no Knative Serving: install it (https://knative.dev/docs/install/), or remove serverless = true from the target block`)

// needsKnative returns errNoKnative where what is asked for cannot be.
func (s *session) needsKnative(ctx context.Context) error {
	if !s.target.settings.serverless {
		return nil
	}
	_, err := s.of(knativeServices).List(ctx, metav1.ListOptions{Limit: 1})
	if apierrors.IsNotFound(err) {
		return errNoKnative
	}
	if err != nil {
		return s.explain(fmt.Errorf("look for Knative Serving: %w", err))
	}
	return nil
}

// knativeName is the name of the Knative Service. Knative makes a plain Service of the
// same name, so that it differs from that of the Service beside a Deployment: what ran
// before serves until the other kind is ready.
func knativeName(deployment string) string { return deployment + "-knative" }

// knativeHost is where the cluster's other pods reach a Knative Service. Its ingress knows
// it by a name with the namespace only.
func knativeHost(deployment, namespace string) string {
	return knativeName(deployment) + "." + namespace
}

func (w *wanted) knativeService() *unstructured.Unstructured {
	o := object(knativeGroup+"/v1", "Service", knativeName(w.name), w, roleApp, map[string]any{
		"spec": map[string]any{"template": w.knativeTemplate()},
	})
	setNote(o, noteRelease, w.release)
	if w.settings.serviceType == clusterIP || w.TriggersOnly {
		all := o.GetLabels()
		all["networking.knative.dev/visibility"] = "cluster-local"
		o.SetLabels(all)
	}
	return o
}

// knativeTemplate is the pod as far as Knative lets a pod be described where none of its
// features is turned on. What it lacks Knative sets itself: the time to end, and how
// requests are drained before. Source: PodSpecMask in
// https://github.com/knative/serving/blob/main/pkg/apis/serving/fieldmask.go
func (w *wanted) knativeTemplate() map[string]any {
	template := w.podTemplate(roleServerless)
	spec := template["spec"].(map[string]any)
	for _, field := range []string{"securityContext", "terminationGracePeriodSeconds", "affinity", "topologySpreadConstraints"} {
		delete(spec, field)
	}
	spec["containers"] = []any{w.knativeContainer()}
	if w.Timeout > 0 {
		seconds := int((w.Timeout + time.Second - 1) / time.Second)
		spec["timeoutSeconds"], spec["responseStartTimeoutSeconds"] = seconds, seconds
	}
	if w.Scale.Concurrency > 0 {
		spec["containerConcurrency"] = w.Scale.Concurrency
	}
	annotations := template["metadata"].(map[string]any)["annotations"].(map[string]any)
	annotations[knativeGroup+"/progress-deadline"] = strconv.Itoa(int((w.Start+rolloutSlack)/time.Second)) + "s"
	if w.Scale.Min > 0 {
		annotations[noteMinScale] = strconv.Itoa(w.Scale.Min)
	}
	if w.Scale.Max > 0 {
		annotations[noteMaxScale] = strconv.Itoa(w.Scale.Max)
	}
	return template
}

// knativeContainer is the server. Probes name the port by its number: the name is
// Knative's. PORT is set by Knative, and refused where it is among the variables.
func (w *wanted) knativeContainer() map[string]any {
	c := w.appContainer()
	delete(c, "lifecycle")
	c["ports"] = []any{map[string]any{"containerPort": w.Port, "protocol": "TCP"}}
	c["env"] = withoutPort(c["env"].([]any))
	security := restricted()
	security["seccompProfile"] = map[string]any{"type": "RuntimeDefault"}
	c["securityContext"] = security
	for _, probe := range []string{"startupProbe", "readinessProbe", "livenessProbe"} {
		for _, way := range []string{"httpGet", "tcpSocket"} {
			if handler, ok := c[probe].(map[string]any)[way].(map[string]any); ok {
				handler["port"] = w.Port
			}
		}
	}
	// Without numbers Knative asks many times a second until the app is ready, which is
	// what a request waits for.
	for _, number := range []string{"periodSeconds", "timeoutSeconds", "failureThreshold"} {
		delete(c["readinessProbe"].(map[string]any), number)
	}
	return c
}

func withoutPort(env []any) (list []any) {
	for _, one := range env {
		if one.(map[string]any)["name"] != "PORT" {
			list = append(list, one)
		}
	}
	return list
}

// knativePolicy lets in what Knative sends: requests come to the proxy in each pod, from
// the ingress or the activator, and the autoscaler asks how many there are. Which
// namespaces those run in is the cluster's own choice. The app's port takes nothing from
// other pods. Source: the ports in
// https://github.com/knative/serving/blob/main/pkg/networking/constants.go
func (w *wanted) knativePolicy() *unstructured.Unstructured {
	var ports []any
	const http, http2, https, metrics = 8012, 8013, 8112, 9090
	for _, port := range []int{http, http2, https, metrics} {
		ports = append(ports, map[string]any{"port": port, "protocol": "TCP"})
	}
	return object("networking.k8s.io/v1", "NetworkPolicy", knativeName(w.name), w, roleApp, map[string]any{"spec": map[string]any{
		"podSelector": map[string]any{"matchLabels": selector(w.name, roleServerless)},
		"policyTypes": []string{"Ingress"},
		"ingress":     []any{map[string]any{"ports": ports}},
	}})
}

// domainMapping brings the requests of the domain to the Knative Service, also where that
// itself is not public.
func (w *wanted) domainMapping() *unstructured.Unstructured {
	ref := map[string]any{"apiVersion": knativeGroup + "/v1", "kind": "Service", "name": knativeName(w.name)}
	return object(knativeGroup+"/v1beta1", "DomainMapping", w.Domain, w, roleApp, map[string]any{"spec": map[string]any{"ref": ref}})
}

// postToKnative makes a schedule post to the Knative Service, in whatever namespace the
// pod is. The answer may have to wait for an instance to start.
func (w *wanted) postToKnative(container map[string]any, s targets.Schedule, timeout time.Duration) {
	container["env"] = []any{map[string]any{
		"name": "NAMESPACE", "valueFrom": map[string]any{"fieldRef": map[string]any{"apiVersion": "v1", "fieldPath": "metadata.namespace"}},
	}}
	path := strings.ReplaceAll(s.Path, "$", "$$")
	args := container["args"].([]string)
	args[1], args[3] = "http://"+knativeHost(w.name, "$(NAMESPACE)")+path, (timeout + w.Start).String()
}

// markScale makes the bounds of the instances values of a chart. An annotation is text.
func (c *charted) markScale(o *unstructured.Unstructured) {
	path := []string{"spec", "template", "metadata", "annotations"}
	annotations, _, _ := unstructured.NestedMap(o.Object, path...)
	for note, name := range map[string]string{noteMinScale: "min", noteMaxScale: "max"} {
		if value, ok := annotations[note].(string); ok {
			c.mark(value, "scale", name)
			annotations[note] = c.expression(c.find("scale", name) + " | toString | toJson")
		}
	}
	_ = unstructured.SetNestedMap(o.Object, annotations, path...)
}
