package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

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
