package kubernetes

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	imagename "github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/twofoldhq/twofold/release/base"
)

// posterProgram is where this program lies in the image that fires schedules.
const posterProgram = "/twofold"

// posterImage returns the image that fires schedules, which holds this program alone, by
// its digest, and its processor. With push, it is in the registry afterwards.
func (t *Target) posterImage(ctx context.Context, push bool) (image, arch string, err error) {
	path, err := t.program()
	if err != nil {
		return "", "", fmt.Errorf("find this program: %w", err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return "", "", fmt.Errorf("read this program: %w", err)
	}
	if arch, err = posterArch(content); err != nil {
		return "", "", err
	}
	sum := sha256.Sum256(content)
	repository := t.settings.registry + "/twofold"
	tag, err := imagename.ParseReference(repository + ":" + hex.EncodeToString(sum[:])[:12])
	if err != nil {
		return "", "", fmt.Errorf("the image that fires schedules: %w", err)
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	if there, err := remote.Head(tag, options...); err == nil {
		return repository + "@" + there.Digest.String(), arch, nil
	}
	made, err := makePoster(content, arch)
	if err != nil {
		return "", "", fmt.Errorf("the image that fires schedules: %w", err)
	}
	digest, err := made.Digest()
	if err == nil && push {
		err = remote.Write(tag, made, options...)
	}
	if err != nil {
		return "", "", fmt.Errorf("hand the image that fires schedules to %s: %w", t.settings.registry, err)
	}
	return repository + "@" + digest.String(), arch, nil
}

// posterArch is the processor of this program, which has to run where nothing else is.
func posterArch(content []byte) (string, error) {
	program, err := elf.NewFile(bytes.NewReader(content))
	if err != nil {
		return "", errors.New("schedules are fired in the cluster by this program, and this one is not for linux: deploy with a release of twofold for linux")
	}
	if slices.ContainsFunc(program.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		return "", errors.New("schedules are fired in the cluster by this program, and this one needs libraries: build it with CGO_ENABLED=0")
	}
	if program.Machine == elf.EM_AARCH64 {
		return "arm64", nil
	}
	return "amd64", nil
}

func makePoster(content []byte, arch string) (v1.Image, error) {
	var ground, program bytes.Buffer
	if _, err := base.Write(&ground); err != nil {
		return nil, err
	}
	w := tar.NewWriter(&program)
	err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: posterProgram[1:], Mode: 0o755, Size: int64(len(content)), ModTime: time.Unix(0, 0)})
	if err == nil {
		_, err = w.Write(content)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, err
	}
	image := empty.Image
	for _, layer := range [][]byte{ground.Bytes(), program.Bytes()} {
		l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(layer)), nil })
		if err != nil {
			return nil, err
		}
		if image, err = mutate.AppendLayers(image, l); err != nil {
			return nil, err
		}
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = "linux", arch, v1.Time{Time: time.Unix(0, 0).UTC()}
	config.Config = v1.Config{
		User: base.User, WorkingDir: "/", Env: []string{"PATH=" + base.Path}, Entrypoint: []string{posterProgram},
		Labels: map[string]string{"org.opencontainers.image.title": "twofold schedules"},
	}
	return mutate.ConfigFile(image, config)
}
