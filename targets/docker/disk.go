package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/moby/moby/client"
)

// full reports whether an engine failed since its disk is full. It says so in words
// alone.
func full(err error) bool {
	return err != nil && !errors.Is(err, syscall.ENOSPC) && strings.Contains(err.Error(), syscall.ENOSPC.Error())
}

// roomHint adds what makes room to an error of a disk that is full.
func (s *session) roomHint(err error) error {
	if !full(err) {
		return err
	}
	return fmt.Errorf("%w: the disk of %s is full: %q shows what is on it, %q removes the images that no container has, and a smaller keep_releases (%d now) in the block target \"docker\" %q keeps fewer",
		err, s.where(), s.dockerCommand("system df"), s.dockerCommand("image prune --all"), s.target.settings.keep, s.target.info.Name)
}

// makeRoom removes the image of a deploy that failed since the disk is full, unless
// something runs it.
func (s *session) makeRoom(ctx context.Context, w *wanted) {
	ending, cancel := s.lasting(ctx)
	defer cancel()
	s.ImageRemove(ending, w.image, client.ImageRemoveOptions{PruneChildren: true})
}
