// Package kubernetes is the target Kubernetes: a service is a Deployment with what
// belongs to it, made with server-side apply, and what is deployed is read from the
// cluster each time.
package kubernetes

import (
	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
)

const name = "kubernetes"

// The pages that state the limits.
const (
	configPage  = "ConfigMaps, https://kubernetes.io/docs/concepts/configuration/configmap/"
	quotaPage   = "MinQuotaPeriod in the kubelet, https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/cm/helpers_linux.go"
	argsPage    = "execve(2), https://man7.org/linux/man-pages/man2/execve.2.html"
	portPage    = "Pod Security Standards, https://kubernetes.io/docs/concepts/security/pod-security-standards/"
	labelPage   = "Labels and Selectors, https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/"
	secretPage  = "Secrets, https://kubernetes.io/docs/concepts/configuration/secret/"
	claimPage   = "Persistent Volumes, https://kubernetes.io/docs/concepts/storage/persistent-volumes/"
	mountPage   = "Pod, https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/"
	rolloutPage = "Deployments, https://kubernetes.io/docs/concepts/workloads/controllers/deployment/"
	triggerPage = "Workload Management, https://kubernetes.io/docs/concepts/workloads/controllers/"
)

// DefaultVolumeSize is what a volume without a size asks for, in bytes: a claim
// has to name one.
const DefaultVolumeSize = 1 << 30

// Plugin returns the plugin.
func Plugin() targets.Plugin {
	return targets.Plugin{Settings: settingsBlock(), Describe: describe, Open: open}
}

func open(target string, values schema.Values) (targets.Target, error) {
	s, err := read(values)
	if err != nil {
		return nil, err
	}
	return newTarget(target, s), nil
}

func describe(target string, values schema.Values) (targets.Info, error) {
	s, err := read(values)
	if err != nil {
		return targets.Info{}, err
	}
	return newTarget(target, s).info, nil
}

func infoOf(target string) targets.Info {
	return targets.Info{
		Plugin: name, Name: target,
		Doc:       "Runs the image as pods of a Kubernetes cluster.",
		Forms:     []release.Kind{release.Image},
		Platforms: []build.Platform{{OS: "linux", Arch: "amd64"}, {OS: "linux", Arch: "arm64"}},
		Limits: targets.Limits{
			Name: targets.Limit{Max: 63, Source: labelPage},
			Port: targets.Limit{
				Min: 1024, Soft: true,
				Note:   "Pods do not run as root, and some container runtimes let only root listen below it.",
				Source: portPage,
			},
			CPU:      targets.Limit{Min: 10, Note: "The kubelet gives no container less.", Source: quotaPage},
			Env:      targets.Limit{Max: 1 << 20, Note: "Move large values into a file of the service.", Source: configPage},
			Variable: targets.Limit{Max: 131071, Source: argsPage},
		},
		Gaps: map[targets.Feature]targets.Gap{
			targets.FeatureQueue:  noSource("queue"),
			targets.FeatureObject: noSource("object"),
			targets.FeatureRollout: {
				Soft: true, Summary: "a cluster replaces instances one after another, without steps",
				Fix:   "Nothing has to be done: each new instance takes requests when it has answered its health path, and what ran before comes back when one does not.",
				Limit: "no steps", Source: rolloutPage,
			},
		},
		Check: check,
	}
}

func noSource(kind string) targets.Gap {
	return targets.Gap{
		Summary: "a cluster has no source of its own for on \"" + kind + "\"",
		Fix:     "Write target = target.lambda.NAME in the block on \"" + kind + "\" \"{name}\", with a target of yours that has one: the rest of {service} stays here.",
		Limit:   "what Kubernetes itself starts: long-running pods, jobs and cron jobs",
		Source:  triggerPage,
	}
}
