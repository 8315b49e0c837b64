package targets

import (
	"errors"
	"time"
)

// The styles of exported manifests.
const (
	// ManifestsPlain is one file for each object.
	ManifestsPlain = "plain"
	// ManifestsKustomize is the same with the files that Kustomize reads.
	ManifestsKustomize = "kustomize"
	// ManifestsHelm is a Helm chart.
	ManifestsHelm = "helm"
)

// ManifestsRequest asks for deployments as files that another tool applies.
type ManifestsRequest struct {
	// Deployments are of one project and one environment.
	Deployments []Deployment
	// Hooks are the commands that run in the release with each deployment, by its key,
	// in their order.
	Hooks map[Key][]Hook
	// Style is one of the styles above.
	Style string
	// Push hands the images that the files name to where the platform takes them
	// from.
	Push bool
	// Events receives what the user has to know or to do besides; nil is allowed.
	Events func(Event)
}

// Hook is a command that runs once in each release of a deployment, with its files,
// environment, secrets and volumes.
type Hook struct {
	Name string
	// After: it runs when the release serves, and not before it is started.
	After   bool
	Command []string
	// Timeout is how long it may take.
	Timeout time.Duration
	// Env is beside the deployment's; Sensitive are the names in it that are never
	// shown.
	Env       map[string]string
	Sensitive []string
}

// ManifestFile is one exported file.
type ManifestFile struct {
	// Path is relative, with slashes, and stays within the folder it is relative to.
	Path    string
	Content []byte
}

// ErrNoManifests says that a target has nothing that another tool could apply.
var ErrNoManifests = errors.New("the target is not described by manifests")
