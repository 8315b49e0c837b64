package release

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/release/base"
)

// appConfig is what starts the app of a tree, in either form.
func appConfig(spec Spec, t *build.Tree) AppConfig {
	return AppConfig{Command: t.Command, Dir: AppDir, Env: t.Env, Port: spec.Port, Health: spec.Health}
}

// imageConfig is the config of the image that lays a tree, as the layer with that
// diff id, upon a base.
func imageConfig(spec Spec, t *build.Tree, b baseImage, tree, diffID string) (ocispec.Image, error) {
	app, err := canonical(appConfig(spec, t))
	if err != nil {
		return ocispec.Image{}, err
	}
	epoch := time.Unix(0, 0).UTC()
	c := ocispec.Image{
		Created:  &epoch,
		Platform: ocispec.Platform{OS: t.Platform.OS, Architecture: t.Platform.Arch},
		Config: ocispec.ImageConfig{
			User:         b.config.Config.User,
			ExposedPorts: map[string]struct{}{fmt.Sprintf("%d/tcp", spec.Port): {}},
			Env:          imageEnv(spec, t, b.config.Config.Env),
			Entrypoint:   entrypoint(t.Command),
			Volumes:      b.config.Config.Volumes,
			WorkingDir:   "/" + AppDir,
			Labels:       map[string]string{},
		},
		RootFS: ocispec.RootFS{Type: "layers", DiffIDs: append(slices.Clone(b.config.RootFS.DiffIDs), digest.Digest(diffID))},
		History: append(slices.Clone(b.config.History), ocispec.History{
			Created: &epoch, CreatedBy: "twofold", Comment: "app tree of " + spec.Service,
		}),
	}
	for k, v := range b.config.Config.Labels {
		c.Config.Labels[k] = v
	}
	c.Config.Labels["org.opencontainers.image.title"] = spec.Service
	c.Config.Labels[AnnotationProject] = spec.Project
	c.Config.Labels[AnnotationService] = spec.Service
	c.Config.Labels[AnnotationTree] = tree
	c.Config.Labels[LabelApp] = string(app)
	c.Config.Labels[LabelHealth] = spec.Health
	if t.Runtime != "" {
		c.Config.Labels[AnnotationRuntime] = t.Runtime
	}
	return c, nil
}

// entrypoint is a tree's command as it is run in an image.
func entrypoint(command []string) []string {
	e := slices.Clone(command)
	if strings.HasPrefix(e[0], "./") {
		e[0] = "/" + path.Join(AppDir, e[0])
	}
	return e
}

// imageEnv is the base's environment, in its order, with the tree's own and PORT
// set, those that are new sorted at the end.
func imageEnv(spec Spec, t *build.Tree, inherited []string) []string {
	own := map[string]string{}
	for k, v := range t.Env {
		own[k] = v
	}
	own["PORT"] = fmt.Sprint(spec.Port)
	var env []string
	for _, line := range inherited {
		k, _, _ := strings.Cut(line, "=")
		if v, ok := own[k]; ok {
			line = k + "=" + v
			delete(own, k)
		}
		env = append(env, line)
	}
	for _, k := range sortedKeys(own) {
		env = append(env, k+"="+own[k])
	}
	return env
}

// baseImage is what an image is laid upon.
type baseImage struct {
	// name is the reference, and digest that of its manifest for this platform;
	// both are "" for twofold's own base.
	name, digest string
	configDigest string
	layers       []descriptor
	config       ocispec.Image
}

// ownBase describes twofold's own base, given the descriptor of its layer.
func ownBase(layer descriptor, diffID string) baseImage {
	epoch := time.Unix(0, 0).UTC()
	return baseImage{
		layers: []descriptor{layer},
		config: ocispec.Image{
			Config: ocispec.ImageConfig{
				User: base.User,
				Env:  []string{"PATH=" + base.Path, "SSL_CERT_FILE=" + base.Certificates},
			},
			RootFS:  ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{digest.Digest(diffID)}},
			History: []ocispec.History{{Created: &epoch, CreatedBy: "twofold", Comment: "CA certificates, time zones, users, folders"}},
		},
	}
}
