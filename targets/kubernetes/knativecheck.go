package kubernetes

import (
	"fmt"
	"slices"
	"time"

	"github.com/twofoldhq/twofold/targets"
)

// The pages that state what Knative takes.
const (
	knativeTimeoutPage     = "max-revision-timeout-seconds in config-defaults of Knative Serving, https://github.com/knative/serving/blob/main/config/core/configmaps/defaults.yaml"
	knativeConcurrencyPage = "container-concurrency-max-limit in config-defaults of Knative Serving, https://github.com/knative/serving/blob/main/config/core/configmaps/defaults.yaml"
	knativeFeaturesPage    = "Feature and extension flags, https://knative.dev/docs/serving/configuration/feature-flags/"
	knativeReservedPage    = "reservedPorts and reservedEnvVars of Knative Serving, https://github.com/knative/serving/blob/main/pkg/apis/serving/k8s_validation.go"
	knativeScalePage       = "Configuring scale bounds, https://knative.dev/docs/serving/autoscaling/scale-bounds/"
)

// serverlessInfo is what differs where Knative runs the services.
func serverlessInfo(info targets.Info) targets.Info {
	const owner = "Whoever owns the cluster can raise it, in the ConfigMap config-defaults of knative-serving."
	info.Doc = "Runs the image as Knative Services of a Kubernetes cluster, down to no instance."
	info.Limits.Timeout = targets.Limit{
		Min: int64(time.Second), Max: int64(10 * time.Minute), Step: int64(time.Second), Soft: true, Note: owner, Source: knativeTimeoutPage,
	}
	info.Limits.Concurrency = targets.Limit{Max: 1000, Soft: true, Note: owner, Source: knativeConcurrencyPage}
	info.Gaps[targets.FeatureVolume] = targets.Gap{
		Summary: "a Knative Service has no volumes that an app can write to",
		Fix:     "Give {service} a target without serverless = true, or remove the block volume \"{name}\".",
		Limit:   "no volumes: the features persistent-volume-claim, persistent-volume-write and securitycontext are off by default",
		Source:  knativeFeaturesPage,
	}
	info.Check = checkServerless
	return info
}

// knativePorts are those that Knative's own proxy listens on in each pod.
var knativePorts = []int{8008, 8012, 8013, 8022, 9090, 9091}

func checkServerless(w targets.Workload) []targets.Finding {
	found := checkSecrets(w)
	report := func(path, summary, fix, limit, source string) {
		found = append(found, targets.Finding{Severity: targets.Error, Path: path, Summary: summary, Fix: fix, Limit: limit, Source: source})
	}
	if slices.Contains(knativePorts, w.Port) {
		report("port", fmt.Sprintf("port %d is taken by Knative's proxy in each pod", w.Port),
			"Write port = 8080.", fmt.Sprintf("any port but %v", knativePorts), knativeReservedPage)
	}
	reserved := func(path, name string) {
		if slices.Contains([]string{"K_SERVICE", "K_CONFIGURATION", "K_REVISION"}, name) {
			report(path, name+" is set by Knative", "Give the variable another name.",
				"no variable called K_SERVICE, K_CONFIGURATION or K_REVISION", knativeReservedPage)
		}
	}
	for name := range w.Env {
		reserved("env."+name, name)
	}
	for _, s := range w.Secrets {
		reserved("secret."+s.Name, s.Name)
	}
	if w.Background && w.Scale.Min == 0 {
		report("background", "an instance that has no requests is stopped, with what it does in the background",
			"Write scale { min = 1 }: one instance then runs all the time.",
			"no instance runs where no requests come", knativeScalePage)
	}
	return found
}
