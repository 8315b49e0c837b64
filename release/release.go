// Package release makes and reads releases. A release is one OCI index that
// holds the images and the bundles of one service from one build.
package release

import (
	"context"
	"fmt"
	"strings"

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
	// AnnotationProject and AnnotationService say whose release it is.
	AnnotationProject = "dev.twofold.project"
	AnnotationService = "dev.twofold.service"
	// AnnotationPlatform, on a bundle, holds its platform, such as "linux/amd64".
	AnnotationPlatform = "dev.twofold.platform"
	// AnnotationRuntime, on a manifest, holds the language runtime that the app
	// needs. It is missing if there is none.
	AnnotationRuntime = "dev.twofold.runtime"
	// AnnotationAdapter, on a bundle, holds the version of its adapter.
	AnnotationAdapter = "dev.twofold.adapter"
	// AnnotationSecrets, on a bundle, holds the version of its program that reads
	// secrets. It is missing if there is none.
	AnnotationSecrets = "dev.twofold.secrets"
	// AnnotationFormat, on the index, holds the version of the release format.
	AnnotationFormat = "dev.twofold.format"
	// LabelApp, in an image's config, holds the same AppConfig that is in a bundle.
	LabelApp = "dev.twofold.app"
	// LabelHealth, in an image's config, holds the health path.
	LabelHealth = "dev.twofold.health"
)

// FormatVersion is the version of the release format that Assemble writes.
const FormatVersion = "1"

// BundleLimit is how many bytes a bundle may take when it is unpacked: 250 MiB,
// the limit of AWS Lambda, which is the lowest of those that take bundles.
const BundleLimit = 250 << 20

// AppDir is where the app tree lies: "/app" in an image, "app" in a bundle.
const AppDir = "app"

// AppConfigName is the file at a bundle's root that tells the adapter how to
// start the app. Its content is an AppConfig as JSON.
const AppConfigName = "twofold.json"

// AdapterName is the adapter's file at a bundle's root.
const AdapterName = "bootstrap"

// SecretsName is the file beside the adapter that reads the values of secrets. It
// is there only if the service declares secrets.
const SecretsName = "twofold-secrets"

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
	// for twofold's own minimal one. For a tree that needs a language runtime, ""
	// is the official image of that runtime.
	Base string
	// Secrets says that the service declares secrets: its bundles hold the program
	// that reads their values on function platforms.
	Secrets bool
	// Trees holds one tree a platform.
	Trees []*build.Tree
}

// Release is a release in a store.
type Release struct {
	// Digest is the digest of the index, "sha256:...".
	Digest           string
	Project, Service string
	// Forms are in the order of the index: the images, then the bundles.
	Forms []Form
	store *Store
	index descriptor
}

// Form is one form of a release for one platform.
type Form struct {
	Kind     Kind
	Platform build.Platform
	// Digest is the digest of the form's own manifest.
	Digest string
	// Tree is the digest of the app tree.
	Tree string
	// Runtime is the language runtime that a bundle needs, or "".
	Runtime string
	// Size is the number of bytes that a host transfers: all layers, or the zip.
	Size int64
}

// Options are how a release is assembled; the zero value works.
type Options struct {
	// Pull asks the registry again for a base that is named by tag.
	Pull bool
	// Warn receives what the user should know though it is no error.
	Warn func(message string)
}

func (o Options) warn(format string, args ...any) {
	if o.Warn != nil {
		o.Warn(fmt.Sprintf(format, args...))
	}
}

// Form returns the form of that kind for that platform. The error of one that is
// missing lists what there is.
func (r *Release) Form(k Kind, p build.Platform) (Form, error) {
	var have []string
	for _, f := range r.Forms {
		if f.Kind == k && f.Platform == p {
			return f, nil
		}
		have = append(have, string(f.Kind)+" "+f.Platform.String())
	}
	return Form{}, fmt.Errorf("release: %s has no %s for %s, only: %s: build it for that platform", r.name(), k, p, strings.Join(have, ", "))
}

// Store returns the store that holds the release.
func (r *Release) Store() *Store { return r.store }

// name is how messages call the release.
func (r *Release) name() string {
	if h, ok := hexDigest(r.Digest); ok {
		return fmt.Sprintf("release %q (%s)", r.Service, h[:12])
	}
	return fmt.Sprintf("release %q", r.Service)
}

// blobs calls visit with each descriptor that the release needs, itself first,
// each once.
func (r *Release) blobs(ctx context.Context, visit func(descriptor) error) error {
	seen := map[string]bool{}
	return r.store.walk(ctx, r.index, func(d descriptor) error {
		if seen[string(d.Digest)] {
			return nil
		}
		seen[string(d.Digest)] = true
		return visit(d)
	})
}
