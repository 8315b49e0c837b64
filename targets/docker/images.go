package docker

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/google/go-containerregistry/pkg/authn"
	imagename "github.com/google/go-containerregistry/pkg/name"
	"github.com/moby/moby/api/types/registry"
	"github.com/moby/moby/client"

	"github.com/twofoldhq/twofold/release"
)

const imagePrefix = "twofold.local/"

// imageTag is the name of an image in the engine. It is the deployment's own, so
// that it can be removed with it.
func imageTag(deployment, digest string) string {
	return imagePrefix + deployment + ":" + strings.TrimPrefix(digest, "sha256:")[:12]
}

// ensureImage makes the engine have the image of a deployment.
func (s *session) ensureImage(ctx context.Context, w *wanted) error {
	if _, err := s.ImageInspect(ctx, w.image); err == nil {
		return nil
	}
	if w.settings.registry != "" {
		return s.pull(ctx, w)
	}
	return s.handOver(ctx, w)
}

// handOver sends the image over the connection, without the layers that the engine has
// of another image of twofold's.
func (s *session) handOver(ctx context.Context, w *wanted) error {
	layers, err := w.Release.Layers(w.form)
	if err != nil {
		return err
	}
	ids := make([]string, len(layers))
	for n, l := range layers {
		ids[n] = l.DiffID
	}
	return s.LoadLayers(ctx, w.image, imagePrefix, ids, func(ctx context.Context, skip int, out io.Writer) error {
		var size int64
		for _, l := range layers[skip:] {
			size += l.Size
		}
		say(w.Deployment, false, "handing over the image: %.1f MB, %d of %d layers", float64(size)/1e6, len(layers)-skip, len(layers))
		return w.Release.WriteImageTarWithout(ctx, w.form, w.image, skip, out)
	})
}

// pull hands the release to the registry, from which the engine takes the image for
// its machine. What either has is not sent again.
func (s *session) pull(ctx context.Context, w *wanted) error {
	repository := w.settings.registry + "/" + w.name
	say(w.Deployment, false, "handing the release to %s", w.settings.registry)
	ref, err := release.Push(ctx, w.Release, repository+":"+strings.TrimPrefix(w.Release.Digest, "sha256:")[:12])
	if err != nil {
		return err
	}
	auth, err := registryAuth(ref)
	if err != nil {
		return err
	}
	say(w.Deployment, false, "the engine takes the image from %s", w.settings.registry)
	answer, err := s.ImagePull(ctx, ref, client.ImagePullOptions{RegistryAuth: auth})
	if err == nil {
		err = answer.Wait(ctx)
		answer.Close()
	}
	if err != nil {
		return fmt.Errorf("pull %s: %w", ref, err)
	}
	if _, err := s.ImageTag(ctx, client.ImageTagOptions{Source: ref, Target: w.image}); err != nil {
		return fmt.Errorf("name the image %s: %w", w.image, err)
	}
	return nil
}

// registryAuth is the login of this machine's docker configuration, as the engine
// takes it; "" is none.
func registryAuth(ref string) (string, error) {
	parsed, err := imagename.ParseReference(ref)
	if err != nil {
		return "", err
	}
	login, err := authn.DefaultKeychain.Resolve(parsed.Context())
	if err != nil {
		return "", fmt.Errorf("find the login of %s: %w", parsed.Context().RegistryStr(), err)
	}
	if login == authn.Anonymous {
		return "", nil
	}
	c, err := login.Authorization()
	if err != nil {
		return "", fmt.Errorf("find the login of %s: %w", parsed.Context().RegistryStr(), err)
	}
	text, err := json.Marshal(registry.AuthConfig{
		Username: c.Username, Password: c.Password, Auth: c.Auth, IdentityToken: c.IdentityToken, RegistryToken: c.RegistryToken,
		ServerAddress: parsed.Context().RegistryStr(),
	})
	return base64.URLEncoding.EncodeToString(text), err
}

// sweepImages removes the images of a deployment that none of its containers needs.
func (s *session) sweepImages(ctx context.Context, name string, needed map[string]bool) error {
	list, err := s.ImageList(ctx, client.ImageListOptions{Filters: client.Filters{}.Add("reference", imagePrefix+name+":*")})
	if err != nil {
		return fmt.Errorf("list images: %w", err)
	}
	for _, i := range list.Items {
		for _, tag := range i.RepoTags {
			if !strings.HasPrefix(tag, imagePrefix+name+":") || needed[tag] {
				continue
			}
			if _, err := s.ImageRemove(ctx, tag, client.ImageRemoveOptions{PruneChildren: true}); err != nil && !errdefs.IsNotFound(err) && !errdefs.IsConflict(err) {
				return fmt.Errorf("remove image %s: %w", tag, err)
			}
		}
	}
	return nil
}
