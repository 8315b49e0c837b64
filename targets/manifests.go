package targets

import "errors"

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
	// Style is one of the styles above.
	Style string
	// Push hands the images that the files name to where the platform takes them
	// from.
	Push bool
	// Events receives what the user has to know or to do besides; nil is allowed.
	Events func(Event)
}

// ManifestFile is one exported file.
type ManifestFile struct {
	// Path is relative, with slashes, and stays within the folder it is relative to.
	Path    string
	Content []byte
}

// ErrNoManifests says that a target has nothing that another tool could apply.
var ErrNoManifests = errors.New("the target is not described by manifests")
