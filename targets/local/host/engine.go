package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets/engine"
	"github.com/twofoldhq/twofold/targets/local/container"
)

// The labels of our containers. The one of the host tells the containers of one
// state folder from those of another.
const (
	labelHost        = "dev.twofold.host"
	labelProject     = "dev.twofold.project"
	labelService     = "dev.twofold.service"
	labelEnvironment = "dev.twofold.environment"
	labelTarget      = "dev.twofold.target"
	labelRelease     = "dev.twofold.release"
)

// runner chooses what runs the image: a Docker Engine if one answers, else a
// sandbox. A deployment that is brought back keeps what it had.
func (m *maker) runner(ctx context.Context, o order) (container.Runner, *engine.Engine, error) {
	if o.resumed && !o.record.Engine {
		r, err := m.sandbox(ctx, o)
		return r, nil, err
	}
	found, err := engine.FindLocal(ctx)
	if err != nil {
		if o.resumed {
			return nil, nil, fmt.Errorf("%w; start it, or run `twofold deploy` to go on in a sandbox", err)
		}
		r, err := m.sandbox(ctx, o)
		return r, nil, err
	}
	r, err := m.docker(ctx, o, found)
	if err != nil {
		found.Close()
		return nil, nil, err
	}
	return r, found, nil
}

func (m *maker) docker(ctx context.Context, o order, found *engine.Engine) (container.Runner, error) {
	rel, form, err := o.release.open(o.record.Release, release.Image)
	if err != nil {
		return nil, err
	}
	tag := imageTag(filepath.Base(o.deploymentDir), form.Digest)
	// The note comes first: a crash must not leave an image that nobody knows of.
	if err := writeFileAtomic(o.release.imageNote(), []byte(tag), 0o600); err != nil {
		return nil, fmt.Errorf("note the image: %w", err)
	}
	err = found.Load(ctx, tag, func(ctx context.Context, w io.Writer) error {
		if o.say != nil {
			o.say("loading the image into " + found.Describe())
		}
		return rel.WriteImageTar(ctx, form, tag, w)
	})
	if err != nil {
		return nil, err
	}
	spec := o.record.Spec
	return container.Docker{
		Engine: found, Image: tag, Port: spec.Port, Env: o.env(), Mounts: o.mounts,
		Limits: container.Limits{Memory: spec.Memory, CPU: spec.CPU},
		Labels: map[string]string{
			labelHost: m.hostLabel, labelProject: o.record.Project, labelService: o.record.Service,
			labelEnvironment: o.record.Environment, labelTarget: o.record.Target, labelRelease: o.record.Release,
		},
	}, nil
}

// imageTag names an image in the engine. It is the deployment's own, so that it
// can be removed with it.
func imageTag(deploymentID, digest string) string {
	return "twofold.local/" + deploymentID + ":" + strings.TrimPrefix(digest, "sha256:")[:12]
}

func hostLabel(l Layout) string {
	sum := sha256.Sum256([]byte(l.Dir))
	return hex.EncodeToString(sum[:8])
}

// imageNote is the file that holds the tag under which the engine has the image.
func (d releaseDir) imageNote() string { return filepath.Join(d.dir, "image-tag") }

// cleanEngine removes the containers that a supervisor before left running.
func (m *maker) cleanEngine() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	found, err := engine.FindLocal(ctx)
	if err != nil {
		return
	}
	defer found.Close()
	if err := found.RemoveContainers(ctx, labelHost, m.hostLabel); err != nil {
		m.logger.Print(err)
	}
}

// remove removes the folder of a deployment or of a release, and the images in the
// engine that were loaded for it.
func (m *maker) remove(dir string) error {
	for _, pattern := range []string{"image-tag", "releases/*/image-tag"} {
		notes, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, note := range notes {
			m.removeImage(note)
		}
	}
	return removeTree(dir)
}

func (m *maker) removeImage(note string) {
	tag, err := os.ReadFile(note)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	found, err := engine.FindLocal(ctx)
	if err != nil {
		return
	}
	defer found.Close()
	if err := found.RemoveImage(ctx, string(tag)); err != nil {
		m.logger.Print(err)
	}
}
