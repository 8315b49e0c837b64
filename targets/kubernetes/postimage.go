package kubernetes

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	imagename "github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/twofoldhq/twofold/targets/gateway/image"
)

// posterImage returns the image that fires schedules, by its digest. With push, it is in
// the registry afterwards.
func (t *Target) posterImage(ctx context.Context, push bool) (string, error) {
	made, err := image.MakeIndex()
	if err != nil {
		return "", fmt.Errorf("the image that fires schedules: %w", err)
	}
	digest, err := made.Digest()
	if err != nil {
		return "", fmt.Errorf("the image that fires schedules: %w", err)
	}
	repository := t.settings.registry + "/twofold"
	if !push {
		return repository + "@" + digest.String(), nil
	}
	tag, err := imagename.ParseReference(repository + ":" + digest.Hex[:12])
	if err == nil {
		err = remote.WriteIndex(tag, made, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain))
	}
	if err != nil {
		return "", fmt.Errorf("hand the image that fires schedules to %s: %w", t.settings.registry, err)
	}
	return repository + "@" + digest.String(), nil
}
