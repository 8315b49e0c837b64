// Package release makes and reads releases. A release is one OCI index that
// holds the images and the bundles of one service from one build.
package release

import (
	"github.com/twofoldhq/twofold/build"
)

// Kind is a form of a release.
type Kind string

// The two forms.
const (
	Image  Kind = "image"
	Bundle Kind = "bundle"
)

// Names of the release format.
const (
	// BundleArtifactType is the artifactType of a bundle's manifest.
	BundleArtifactType = "application/vnd.twofold.bundle.v1"
	// BundleLayerType is the media type of a bundle's one layer.
	BundleLayerType = "application/zip"
	// AnnotationTree, on every manifest, holds the digest of the app tree.
	AnnotationTree = "dev.twofold.tree"
)

// AppDir is where the app tree lies: "/app" in an image, "app" in a bundle.
const AppDir = "app"

// AppConfigName is the file at a bundle's root that tells the adapter how to
// start the app. Its content is an AppConfig as JSON.
const AppConfigName = "twofold.json"

// AppConfig is what the adapter, or whatever else starts the app, must know.
type AppConfig struct {
	// Command is run in the folder Dir, relative to the bundle's root.
	Command []string          `json:"command"`
	Dir     string            `json:"dir"`
	Env     map[string]string `json:"env,omitempty"`
	Port    int               `json:"port"`
	Health  string            `json:"health"`
}

// Spec is what a release is made from.
type Spec struct {
	Project, Service string
	// Port and Health are the service's, as the manifest states them.
	Port   int
	Health string
	// Base is the reference of the image that the app tree is laid upon, or ""
	// for twofold's own minimal one.
	Base string
	// Trees holds one tree a platform.
	Trees []*build.Tree
}
