package docker

import (
	"context"
	"fmt"
	"io"

	imagename "github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/twofoldhq/twofold/targets/gateway/image"
)

// gatewayImage makes the engine have the image that gateways run, and returns its tag.
func (s *session) gatewayImage(ctx context.Context) (tag string, err error) {
	version, err := image.Version(s.Arch)
	if err != nil {
		return "", err
	}
	tag = imagePrefix + "gateway:" + version
	name, err := imagename.NewTag(tag)
	if err != nil {
		return "", err
	}
	err = s.Load(ctx, tag, func(_ context.Context, out io.Writer) error {
		made, err := image.Make(s.Arch)
		if err != nil {
			return err
		}
		return tarball.Write(name, made, out)
	})
	if err != nil {
		return "", fmt.Errorf("the gateway's image: %w", err)
	}
	return tag, nil
}
