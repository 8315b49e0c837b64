package kubernetes

import (
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/names"
)

// The labels and annotations of what a deployment makes. A label's value is short and
// plain; the annotations hold the names as they are.
const (
	labelName      = "app.kubernetes.io/name"
	labelInstance  = "app.kubernetes.io/instance"
	labelPartOf    = "app.kubernetes.io/part-of"
	labelManagedBy = "app.kubernetes.io/managed-by"
	labelTarget    = "dev.twofold.target"
	// labelRole is one of the roles below.
	labelRole = "dev.twofold.role"

	noteProject     = "dev.twofold.project"
	noteService     = "dev.twofold.service"
	noteEnvironment = "dev.twofold.environment"
	// noteRelease is the digest of the release.
	noteRelease = "dev.twofold.release"
	// noteSecrets changes with the Secrets that an app refers to.
	noteSecrets = "dev.twofold.secrets"
)

// managedBy is how objects say whose they are.
const managedBy = "twofold"

// The roles of objects.
const (
	roleApp = "app"
	// roleServerless is what Knative makes: revisions, and their pods.
	roleServerless = "serverless"
	roleSchedule   = "schedule"
	roleVolume     = "volume"
	// roleSet is the ConfigMap that lists what a deployment consists of, and roleLock
	// the Lease of who changes it.
	roleSet  = "set"
	roleLock = "lock"
	// roleRun is a command that runs once.
	roleRun = "run"
)

// fieldManager is what the cluster knows twofold's fields by.
const fieldManager = "twofold"

// labels are those of the objects of a deployment. None of them changes with a
// release.
func labels(k targets.Key, target, role string) map[string]any {
	return map[string]any{
		labelName: labelValue(k.Service), labelInstance: names.Deployment(k), labelPartOf: labelValue(k.Project),
		labelManagedBy: managedBy, labelTarget: labelValue(target), labelRole: role,
	}
}

// selector selects the objects of a role of a deployment.
func selector(deployment, role string) map[string]any {
	return map[string]any{labelInstance: deployment, labelRole: role}
}

// labelValue makes a name fit for the value of a label: 63 characters at most.
func labelValue(name string) string {
	const most = 63
	return names.Shorten(names.HostLabel(name), name, most)
}

func notes(k targets.Key) map[string]any {
	return map[string]any{noteProject: k.Project, noteService: k.Service, noteEnvironment: k.Environment}
}
