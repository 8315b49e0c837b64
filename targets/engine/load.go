package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/moby/moby/client"
)

// loadError reads the engine's answer to a load to its end, and returns the error
// that it reports.
func loadError(answer io.Reader) error {
	lines := json.NewDecoder(answer)
	for {
		var line struct {
			Error string `json:"error"`
		}
		err := lines.Decode(&line)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case line.Error != "":
			return errors.New(line.Error)
		}
	}
}

// Load loads an image with that tag into the engine, unless it is there. write
// writes it as docker save would.
func (e *Engine) Load(ctx context.Context, tag string, write func(ctx context.Context, w io.Writer) error) error {
	if _, err := e.ImageInspect(ctx, tag); err == nil {
		return nil
	}
	r, w := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := write(ctx, w)
		w.CloseWithError(err)
		written <- err
	}()
	answer, err := e.ImageLoad(ctx, r, client.ImageLoadWithQuiet(true))
	if err == nil {
		// The engine loads while it answers, and an error of its own comes so too.
		err = loadError(answer)
		answer.Close()
	}
	r.CloseWithError(errors.New("the engine reads no more"))
	if writeErr := <-written; err == nil {
		err = writeErr
	}
	if err != nil {
		return fmt.Errorf("docker: load the image: %w", err)
	}
	return nil
}

// LoadLayers is Load for an image whose layers are known: layers are the digests of
// their unpacked tars, the lowest first. Those that the engine has, at the bottom of an
// image with a name that begins with like, are not sent again: write leaves out the
// first skip of them.
func (e *Engine) LoadLayers(ctx context.Context, tag, like string, layers []string, write func(ctx context.Context, skip int, w io.Writer) error) error {
	if _, err := e.ImageInspect(ctx, tag); err == nil {
		return nil
	}
	load := func(skip int) error {
		return e.Load(ctx, tag, func(ctx context.Context, w io.Writer) error { return write(ctx, skip, w) })
	}
	skip := e.has(ctx, like, layers)
	if skip == 0 {
		return load(0)
	}
	err := load(skip)
	if err == nil || ctx.Err() != nil || strings.Contains(err.Error(), syscall.ENOSPC.Error()) {
		return err
	}
	// The image that had the layers may have been removed meanwhile, and an engine that
	// keeps images with containerd may have them packed otherwise.
	return load(0)
}

// has returns how many of the lowest layers an engine has. It is 0 where that is not
// known, or of no use: Podman takes an image whole.
func (e *Engine) has(ctx context.Context, like string, layers []string) (most int) {
	if e.name == podman {
		return 0
	}
	list, err := e.ImageList(ctx, client.ImageListOptions{Filters: make(client.Filters).Add("reference", like+"*")})
	if err != nil {
		return 0
	}
	for _, one := range list.Items {
		found, err := e.ImageInspect(ctx, one.ID)
		if err != nil {
			continue
		}
		n := 0
		for n < min(len(layers), len(found.RootFS.Layers)) && layers[n] == found.RootFS.Layers[n] {
			n++
		}
		most = max(most, n)
	}
	return most
}

// RemoveImage removes a tag, and the image with it if nothing else needs it.
func (e *Engine) RemoveImage(ctx context.Context, tag string) error {
	_, err := e.ImageRemove(ctx, tag, client.ImageRemoveOptions{PruneChildren: true})
	if err != nil {
		return fmt.Errorf("docker: remove image %s: %w", tag, err)
	}
	return nil
}

// RemoveContainers removes all containers with a label of that value, running or
// not.
func (e *Engine) RemoveContainers(ctx context.Context, label, value string) error {
	list, err := e.ContainerList(ctx, client.ContainerListOptions{
		All: true, Filters: make(client.Filters).Add("label", label+"="+value),
	})
	if err != nil {
		return fmt.Errorf("docker: list containers: %w", err)
	}
	var problems []error
	for _, c := range list.Items {
		_, err := e.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		problems = append(problems, err)
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("docker: remove a container: %w", err)
	}
	return nil
}
