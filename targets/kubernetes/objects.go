package kubernetes

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/names"
)

// wanted is a deployment in the cluster's terms. Objects are made of it without
// asking the cluster.
type wanted struct {
	targets.Deployment
	name, namespace, target string
	// release is the digest, and archs the processors that it has images for.
	release string
	archs   []string
	image   string
	// envSecret is the name of the Secret with the variables that are sensitive, or
	// "" if there are none.
	envSecret string
	// secretsNote changes with the Secrets that the app refers to.
	secretsNote string
	// poster is the image that fires schedules.
	poster   string
	settings settings
	// forFiles says that the objects go to files: no value of a sensitive variable is
	// among them.
	forFiles bool
}

// How long parts of a rollout take.
const (
	// drain is how long a pod that ends still takes requests: until every node
	// knows that it ends.
	drain = 5 * time.Second
	// defaultTimeout is what requests may take that have no timeout.
	defaultTimeout = 30 * time.Second
	// stopGrace is how long an app may take to end beside its requests.
	stopGrace = 10 * time.Second
	// rolloutSlack is what a rollout may take beside the start of an instance:
	// finding a node, and pulling the image.
	rolloutSlack = 10 * time.Minute
)

// defaultPort is where an app listens whose manifest names no port.
const defaultPort = 8080

// object makes an object of plain maps, lists, strings and numbers.
func object(apiVersion, kind, name string, w *wanted, role string, rest map[string]any) *unstructured.Unstructured {
	o := map[string]any{
		"apiVersion": apiVersion, "kind": kind,
		"metadata": map[string]any{
			"name": name, "namespace": w.namespace, "labels": labels(w.Key, w.target, role), "annotations": notes(w.Key),
		},
	}
	if w.namespace == "" {
		delete(o["metadata"].(map[string]any), "namespace")
	}
	maps.Copy(o, rest)
	return &unstructured.Unstructured{Object: plain(o).(map[string]any)}
}

// plain makes of a value what JSON would be read as: only these types can be copied
// and compared.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, one := range v {
			v[k] = plain(one)
		}
	case map[string]string:
		all := map[string]any{}
		for k, one := range v {
			all[k] = one
		}
		return all
	case []any:
		for n, one := range v {
			v[n] = plain(one)
		}
	case []string:
		all := make([]any, len(v))
		for n, one := range v {
			all[n] = one
		}
		return all
	case int:
		return int64(v)
	}
	return v
}

// objects are all objects of a deployment but the volumes, in the order in which they
// are applied.
func (w *wanted) objects() []*unstructured.Unstructured {
	list := []*unstructured.Unstructured{w.serviceAccount()}
	if w.envSecret != "" && !w.forFiles {
		list = append(list, w.envSecretObject())
	}
	if w.settings.serverless {
		list = append(list, w.knativePolicy(), w.knativeService())
	} else {
		list = append(list, w.alwaysThere()...)
	}
	for _, s := range w.Schedules {
		list = append(list, w.cronJob(s))
	}
	if w.Domain != "" && !w.TriggersOnly {
		list = append(list, w.public())
	}
	return list
}

// alwaysThere are the objects of a service that has an instance all the time.
func (w *wanted) alwaysThere() []*unstructured.Unstructured {
	list := []*unstructured.Unstructured{w.networkPolicy(), w.service(), w.deployment()}
	if w.replicas() > 1 {
		list = append(list, w.disruptionBudget())
	}
	if w.scales() {
		list = append(list, w.autoscaler())
	}
	return list
}

// replicas are the fewest instances of a Deployment: it has no start on demand.
func (w *wanted) replicas() int { return max(w.Scale.Min, 1) }

// scales reports whether the number of instances is the cluster's choice.
func (w *wanted) scales() bool { return w.Scale.Max > w.replicas() }

func (w *wanted) serviceAccount() *unstructured.Unstructured {
	return object("v1", "ServiceAccount", w.name, w, roleApp, map[string]any{"automountServiceAccountToken": false})
}

func (w *wanted) envSecretObject() *unstructured.Unstructured {
	data := map[string]any{}
	for _, name := range w.Sensitive {
		if value, ok := w.Env[name]; ok {
			data[name] = base64.StdEncoding.EncodeToString([]byte(value))
		}
	}
	return object("v1", "Secret", w.envSecret, w, roleApp, map[string]any{"type": "Opaque", "immutable": true, "data": data})
}

// networkPolicy lets in what is meant to come in: requests to the app's port.
func (w *wanted) networkPolicy() *unstructured.Unstructured {
	rule := map[string]any{"ports": []any{map[string]any{"port": "http", "protocol": "TCP"}}}
	if w.settings.serviceType == clusterIP && w.Domain == "" {
		rule["from"] = []any{map[string]any{"podSelector": map[string]any{}}} // of this namespace
	}
	return object("networking.k8s.io/v1", "NetworkPolicy", w.name, w, roleApp, map[string]any{"spec": map[string]any{
		"podSelector": map[string]any{"matchLabels": selector(w.name, roleApp)},
		"policyTypes": []string{"Ingress"},
		"ingress":     []any{rule},
	}})
}

func (w *wanted) service() *unstructured.Unstructured {
	kind := w.settings.serviceType
	if w.TriggersOnly {
		kind = clusterIP
	}
	return object("v1", "Service", w.name, w, roleApp, map[string]any{"spec": map[string]any{
		"type":     kind,
		"selector": selector(w.name, roleApp),
		"ports":    []any{map[string]any{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}},
	}})
}

func (w *wanted) deployment() *unstructured.Unstructured {
	template := w.podTemplate(roleApp)
	template["spec"].(map[string]any)["containers"] = []any{w.appContainer()}
	spec := map[string]any{
		"selector":             map[string]any{"matchLabels": selector(w.name, roleApp)},
		"revisionHistoryLimit": w.settings.keep,
		// An instance has to stay ready for as long as nodes take to hear of it.
		"minReadySeconds":         2,
		"progressDeadlineSeconds": int((w.Start + rolloutSlack) / time.Second),
		"strategy": map[string]any{"type": "RollingUpdate", "rollingUpdate": map[string]any{
			"maxSurge": "25%", "maxUnavailable": 0,
		}},
		"template": template,
	}
	if !w.scales() {
		spec["replicas"] = w.replicas()
	}
	o := object("apps/v1", "Deployment", w.name, w, roleApp, map[string]any{"spec": spec})
	setNote(o, noteRelease, w.release)
	return o
}

func setNote(o *unstructured.Unstructured, name, value string) {
	all := o.GetAnnotations()
	if all == nil {
		all = map[string]string{}
	}
	all[name] = value
	o.SetAnnotations(all)
}

func (w *wanted) disruptionBudget() *unstructured.Unstructured {
	return object("policy/v1", "PodDisruptionBudget", w.name, w, roleApp, map[string]any{"spec": map[string]any{
		"maxUnavailable":             1,
		"selector":                   map[string]any{"matchLabels": selector(w.name, roleApp)},
		"unhealthyPodEvictionPolicy": "AlwaysAllow",
	}})
}

// autoscaler follows the use of the processor: it is what every cluster measures.
func (w *wanted) autoscaler() *unstructured.Unstructured {
	return object("autoscaling/v2", "HorizontalPodAutoscaler", w.name, w, roleApp, map[string]any{"spec": map[string]any{
		"scaleTargetRef": map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": w.name},
		"minReplicas":    w.replicas(),
		"maxReplicas":    w.Scale.Max,
		"metrics": []any{map[string]any{"type": "Resource", "resource": map[string]any{
			"name": "cpu", "target": map[string]any{"type": "Utilization", "averageUtilization": 70},
		}}},
	}})
}

// public is what brings the requests of the domain to the Service.
func (w *wanted) public() *unstructured.Unstructured {
	switch {
	case w.settings.serverless:
		return w.domainMapping()
	case w.settings.gateway != "":
		return w.route()
	}
	backend := map[string]any{"service": map[string]any{"name": w.name, "port": map[string]any{"name": "http"}}}
	spec := map[string]any{"rules": []any{map[string]any{
		"host": w.Domain,
		"http": map[string]any{"paths": []any{map[string]any{"path": "/", "pathType": "Prefix", "backend": backend}}},
	}}}
	if w.settings.ingressClass != "" {
		spec["ingressClassName"] = w.settings.ingressClass
	}
	if w.settings.issuer != "" {
		spec["tls"] = []any{map[string]any{"hosts": []string{w.Domain}, "secretName": w.name + "-tls"}}
	}
	o := object("networking.k8s.io/v1", "Ingress", w.name, w, roleApp, map[string]any{"spec": spec})
	if w.settings.issuer != "" {
		setNote(o, "cert-manager.io/cluster-issuer", w.settings.issuer)
	}
	return o
}

func (w *wanted) route() *unstructured.Unstructured {
	parent := map[string]any{"name": w.settings.gateway}
	if namespace, gateway, ok := strings.Cut(w.settings.gateway, "/"); ok {
		parent = map[string]any{"name": gateway, "namespace": namespace}
	}
	return object("gateway.networking.k8s.io/v1", "HTTPRoute", w.name, w, roleApp, map[string]any{"spec": map[string]any{
		"parentRefs": []any{parent},
		"hostnames":  []string{w.Domain},
		"rules": []any{map[string]any{
			"backendRefs": []any{map[string]any{"name": w.name, "port": 80}},
		}},
	}})
}

// claim is the storage of a volume.
func (w *wanted) claim(v targets.Volume) *unstructured.Unstructured {
	size := v.Size
	if size == 0 {
		size = DefaultVolumeSize
	}
	mode := "ReadWriteOnce"
	if max(w.Scale.Min, w.Scale.Max) > 1 {
		mode = "ReadWriteMany"
	}
	spec := map[string]any{
		"accessModes": []string{mode},
		"resources":   map[string]any{"requests": map[string]any{"storage": quantity(size)}},
	}
	if w.settings.storageClass != "" {
		spec["storageClassName"] = w.settings.storageClass
	}
	return object("v1", "PersistentVolumeClaim", claimName(w.name, v.Name), w, roleVolume, map[string]any{"spec": spec})
}

func claimName(deployment, volume string) string {
	return deployment + "-" + names.HostLabel(volume)
}

// quantity is bytes as the cluster writes them itself.
func quantity(bytes int64) string {
	for _, unit := range []struct {
		suffix string
		size   int64
	}{{"Gi", 1 << 30}, {"Mi", 1 << 20}, {"Ki", 1 << 10}} {
		if bytes%unit.size == 0 {
			return strconv.FormatInt(bytes/unit.size, 10) + unit.suffix
		}
	}
	return strconv.FormatInt(bytes, 10)
}

// cronJob posts to the app at the times of a schedule, one at a time.
func (w *wanted) cronJob(s targets.Schedule) *unstructured.Unstructured {
	template := w.posterTemplate(s)
	zone := s.Zone
	if zone == "" {
		zone = "UTC"
	}
	const late = 60
	o := object("batch/v1", "CronJob", cronJobName(w.name, s.Name), w, roleSchedule, map[string]any{"spec": map[string]any{
		"schedule": s.Cron, "timeZone": zone, "concurrencyPolicy": "Forbid", "startingDeadlineSeconds": late,
		"successfulJobsHistoryLimit": 1, "failedJobsHistoryLimit": 1,
		"jobTemplate": map[string]any{"spec": map[string]any{"backoffLimit": 2, "template": template}},
	}})
	setNote(o, noteSchedule, s.Name)
	return o
}

// cronJobName leaves room for what the cluster adds to the names of jobs. Source:
// "CronJob limitations" in the Kubernetes documentation.
func cronJobName(deployment, schedule string) string {
	const most = 52
	return names.Shorten(fmt.Sprintf("%s-%s", deployment, names.HostLabel(schedule)), deployment+"\x00"+schedule, most)
}

// envNames are the names of the variables, sorted.
func (w *wanted) envNames() []string { return slices.Sorted(maps.Keys(w.Env)) }
