package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/google/go-containerregistry/pkg/authn"
	imagename "github.com/google/go-containerregistry/pkg/name"
	"github.com/moby/moby/api/types/registry"
	"github.com/moby/moby/client"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/release/base"
	"github.com/twofoldhq/twofold/targets/docker/gateway"
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

// gatewayImage makes the engine have the image that gateways run, which is made of
// this program, and returns its tag.
func (s *session) gatewayImage(ctx context.Context) (tag string, err error) {
	path, err := s.target.program()
	if err != nil {
		return "", fmt.Errorf("find this program: %w", err)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read this program: %w", err)
	}
	defer f.Close()
	if err := s.fits(f); err != nil {
		return "", err
	}
	sum := sha256.New()
	size, err := io.Copy(sum, f)
	if err != nil {
		return "", fmt.Errorf("read this program: %w", err)
	}
	tag = imagePrefix + "gateway:" + hex.EncodeToString(sum.Sum(nil))[:12]
	if _, err := s.ImageInspect(ctx, tag); err == nil {
		return tag, nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	err = s.Load(ctx, tag, func(_ context.Context, out io.Writer) error { return writeGateway(out, tag, s.Arch, f, size) })
	if err != nil {
		return "", fmt.Errorf("the gateway's image: %w", err)
	}
	return tag, nil
}

// fits reports whether this program runs on the engine's machine, in an image that
// holds nothing else.
func (s *session) fits(f *os.File) error {
	const fix = "deploy with a release of twofold for linux on %s, from a machine like the engine's"
	program, err := elf.NewFile(f)
	if err != nil {
		return fmt.Errorf("the gateway on the engine's machine is this program, and this one is not for linux: "+fix, s.Arch)
	}
	machines := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}
	if machines[s.Arch] != program.Machine {
		return fmt.Errorf("the gateway on the engine's machine is this program, and this one is for another processor: "+fix, s.Arch)
	}
	if slices.ContainsFunc(program.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		return errors.New("the gateway on the engine's machine is this program, and this one needs libraries: build it with CGO_ENABLED=0")
	}
	return nil
}

// writeGateway writes the gateway's image as docker load takes it.
func writeGateway(out io.Writer, tag, arch string, program io.Reader, size int64) error {
	var ground bytes.Buffer
	groundID, err := base.Write(&ground)
	if err != nil {
		return err
	}
	layer, layerID, err := gatewayLayer(program, size)
	if err != nil {
		return err
	}
	config, err := json.Marshal(map[string]any{
		"architecture": arch, "os": "linux", "created": time.Unix(0, 0).UTC(),
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{groundID, layerID}},
		"config": map[string]any{
			"User": base.User, "WorkingDir": "/", "Env": []string{"PATH=" + base.Path},
			"Entrypoint": []string{gateway.Program, gateway.Command},
			"Labels":     map[string]string{"org.opencontainers.image.title": "twofold gateway"},
		},
	})
	if err != nil {
		return err
	}
	manifest, err := json.Marshal([]map[string]any{{
		"Config": "config.json", "RepoTags": []string{tag}, "Layers": []string{"ground.tar.gz", "program.tar"},
	}})
	if err != nil {
		return err
	}
	t := tar.NewWriter(out)
	for _, one := range []struct {
		name    string
		content []byte
	}{{"config.json", config}, {"ground.tar.gz", ground.Bytes()}, {"program.tar", layer}, {"manifest.json", manifest}} {
		if err := addFile(t, one.name, 0o644, 0, one.content); err != nil {
			return err
		}
	}
	return t.Close()
}

// gatewayLayer holds the program and the folder that a volume keeps, which the
// gateway's user owns.
func gatewayLayer(program io.Reader, size int64) (layer []byte, diffID string, err error) {
	content := make([]byte, size)
	if _, err := io.ReadFull(program, content); err != nil {
		return nil, "", err
	}
	var b bytes.Buffer
	t := tar.NewWriter(&b)
	if err := addFile(t, gateway.Program[1:], 0o755, 0, content); err != nil {
		return nil, "", err
	}
	if err := addDir(t, gateway.Dir[1:]+"/", 0o700, gatewayUser); err != nil {
		return nil, "", err
	}
	if err := t.Close(); err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256(b.Bytes())
	return b.Bytes(), "sha256:" + hex.EncodeToString(sum[:]), nil
}

// gatewayUser is the number of base.User.
const gatewayUser = 65532

func addFile(t *tar.Writer, name string, mode int64, owner int, content []byte) error {
	err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Uid: owner, Gid: owner, Size: int64(len(content)), ModTime: time.Unix(0, 0)})
	if err != nil {
		return err
	}
	_, err = t.Write(content)
	return err
}

func addDir(t *tar.Writer, name string, mode int64, owner int) error {
	return t.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: mode, Uid: owner, Gid: owner, ModTime: time.Unix(0, 0)})
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
