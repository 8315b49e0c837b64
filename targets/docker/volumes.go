package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"

	"github.com/twofoldhq/twofold/targets/gateway"
	"github.com/twofoldhq/twofold/targets/gateway/binaries"
)

// ensureVolumes makes the volumes of a deployment. A new one belongs to the user
// that the app runs as.
func (s *session) ensureVolumes(ctx context.Context, w *wanted) error {
	for _, v := range w.Volumes {
		name := volumeName(w.name, v.Name)
		whole, err := s.filled(ctx, name)
		if err != nil {
			return err
		}
		if whole {
			continue
		}
		owner, err := s.owner(ctx, w.image)
		if err != nil {
			return err
		}
		content := new(bytes.Buffer)
		t := tar.NewWriter(content)
		if err := addDir(t, volumeRoot, 0o755, owner); err != nil {
			return err
		}
		if err := t.Close(); err != nil {
			return err
		}
		if err := s.fill(ctx, name, with(s.target.labels(w.Key, roleVolume)), content); err != nil {
			return err
		}
	}
	return nil
}

// owner is the number of the user that an image runs as; one that is named by a
// word counts as root.
func (s *session) owner(ctx context.Context, image string) (int, error) {
	found, err := s.ImageInspect(ctx, image)
	if err != nil {
		return 0, fmt.Errorf("look at image %s: %w", image, err)
	}
	if found.Config == nil {
		return 0, nil
	}
	user, _, _ := strings.Cut(found.Config.User, ":")
	n, err := strconv.Atoi(user)
	if err != nil {
		return 0, nil
	}
	return n, nil
}

// volumeRoot is the folder in the tar of fill that becomes the volume.
const volumeRoot = "volume/"

// fillSuffix makes the name of the container through which a volume is filled, of
// the volume's own name. As long as there is one, the volume is not whole: whoever
// filled it was interrupted.
const fillSuffix = "-fill"

// filled reports whether a volume is there and whole.
func (s *session) filled(ctx context.Context, name string) (bool, error) {
	if _, err := s.VolumeInspect(ctx, name, client.VolumeInspectOptions{}); errdefs.IsNotFound(err) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("look at volume %s: %w", name, err)
	}
	filling, err := s.inspect(ctx, name+fillSuffix)
	return filling == nil, err
}

// fill makes a volume that holds the files of a tar. A volume that is not whole is
// removed again.
func (s *session) fill(ctx context.Context, name string, labels map[string]string, content *bytes.Buffer) (err error) {
	image, err := s.gatewayImage(ctx)
	if err != nil {
		return err
	}
	ending, cancel := s.lasting(ctx)
	defer cancel()
	if err := s.removeContainer(ending, name+fillSuffix); err != nil {
		return err
	}
	role := roleHelper
	if labels[labelRole] == roleCommand {
		role = roleCommand // a deploy at the same time is not to remove it
	}
	// A container that is never started: the engine makes the volume with it, and
	// writes into it.
	made, err := s.ContainerCreate(ending, client.ContainerCreateOptions{
		Name:   name + fillSuffix,
		Config: &container.Config{Image: image, Labels: with(labels, labelRole, role)},
		HostConfig: &container.HostConfig{
			NetworkMode: "none",
			Mounts: []mount.Mount{{
				Type: mount.TypeVolume, Source: name, Target: "/" + volumeRoot,
				VolumeOptions: &mount.VolumeOptions{NoCopy: true, Labels: labels},
			}},
		},
	})
	if err == nil {
		_, err = s.CopyToContainer(ending, made.ID, client.CopyToContainerOptions{DestinationPath: "/", Content: content})
		if err == nil {
			err = s.removeContainer(ending, made.ID)
		}
	}
	if err != nil {
		return errors.Join(fmt.Errorf("fill volume %s: %w", name, err), s.unfill(ending, name))
	}
	return nil
}

// unfill removes a volume that is not whole, after the container that says so: an engine keeps a volume that a container has.
func (s *session) unfill(ctx context.Context, name string) error {
	filling, err := s.inspect(ctx, name+fillSuffix)
	if err != nil || filling == nil {
		return err
	}
	if err := s.removeContainer(ctx, filling.ID); err != nil {
		return err
	}
	return s.removeVolume(ctx, name)
}

// secretsVolume holds the values of the secrets of a revision, each in a file that
// only the app's user reads, and the program that makes variables of them.
func secretsVolume(revision string) string { return "twofold-secrets-" + revision }

// The names in a volume of secrets.
const (
	secretsValues  = "values"
	secretsProgram = "twofold-gateway"
)

// writeSecrets makes the volume of secrets of a revision; without secrets there is
// none. The role is roleSecrets, or roleCommand for a command that runs once, which
// a deploy at the same time leaves alone.
func (s *session) writeSecrets(ctx context.Context, w *wanted, revision, role string) error {
	if len(w.values.app) == 0 {
		return nil
	}
	owner, err := s.owner(ctx, w.image)
	if err != nil {
		return err
	}
	program, err := binaries.Program(s.Arch)
	if err != nil {
		return err
	}
	content := new(bytes.Buffer)
	t := tar.NewWriter(content)
	if err := addDir(t, volumeRoot+secretsValues+"/", 0o500, owner); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(w.values.app)) {
		if err := addFile(t, volumeRoot+secretsValues+"/"+name, 0o400, owner, []byte(w.values.app[name])); err != nil {
			return err
		}
	}
	if err := addFile(t, volumeRoot+secretsProgram, 0o555, owner, program); err != nil {
		return err
	}
	if err := t.Close(); err != nil {
		return err
	}
	return s.fill(ctx, secretsVolume(revision), with(s.target.labels(w.Key, role), labelRevision, revision), content)
}

// launched makes a container with secrets start through the program that makes
// variables of them.
func (s *session) launched(ctx context.Context, w *wanted, revision string, o *client.ContainerCreateOptions) error {
	if len(w.values.app) == 0 {
		return nil
	}
	command := o.Config.Entrypoint
	if len(command) == 0 {
		found, err := s.ImageInspect(ctx, w.image)
		if err != nil {
			return fmt.Errorf("look at image %s: %w", w.image, err)
		}
		if found.Config == nil {
			return fmt.Errorf("image %s says not how the app starts", w.image)
		}
		command = slices.Concat(found.Config.Entrypoint, found.Config.Cmd)
	}
	o.Config.Entrypoint = append([]string{secretsDir + "/" + secretsProgram, gateway.VerbLaunch, secretsDir + "/" + secretsValues}, command...)
	o.HostConfig.Mounts = append(o.HostConfig.Mounts, mount.Mount{Type: mount.TypeVolume, Source: secretsVolume(revision), Target: secretsDir, ReadOnly: true})
	return nil
}

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
