//go:build e2e

package docker

import (
	"context"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/twofoldhq/twofold/targets"
)

// TestOnlyMissingLayersGoOverTheConnection deploys two releases of the same files: they
// differ in the environment, which is no layer, and the lowest one is that of the gateway.
func TestOnlyMissingLayersGoOverTheConnection(t *testing.T) {
	target := newTestTarget(t, nil)
	d := deploymentOf(releases.One)
	var said []string
	d.Events = func(e targets.Event) {
		if rest, ok := strings.CutPrefix(e.Message, "handing over the image: "); ok {
			said = append(said, rest)
		}
	}
	deploy := func() targets.Status {
		t.Helper()
		st, err := target.Deploy(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
	deploy()
	d.Release = releases.Two
	st := deploy()
	if got := answer(t, st.URL+"/version"); got != "two" {
		t.Errorf("GET /version answers %q", got)
	}
	if len(said) != 2 || !strings.HasSuffix(said[0], ", 1 of 2 layers") || said[1] != "0.0 MB, 0 of 2 layers" {
		t.Errorf("it says %q", said)
	}
}

// TestLayersThatWentMeanwhileAreSent removes the image that has the layers after the
// engine was asked for them.
func TestLayersThatWentMeanwhileAreSent(t *testing.T) {
	target := newTestTarget(t, nil)
	err := target.with(t.Context(), "load", func(_ context.Context, s *session) error {
		form, err := s.image(releases.One)
		if err != nil {
			return err
		}
		layers, err := releases.One.Layers(form)
		if err != nil {
			return err
		}
		var ids []string
		for _, l := range layers {
			ids = append(ids, l.DiffID)
		}
		var skips []int
		load := func(tag string, before func()) error {
			return s.LoadLayers(t.Context(), imagePrefix+tag, imagePrefix, ids, func(ctx context.Context, skip int, w io.Writer) error {
				skips = append(skips, skip)
				before()
				return releases.One.WriteImageTarWithout(ctx, form, imagePrefix+tag, skip, w)
			})
		}
		if err := load("first:1", func() {}); err != nil {
			return err
		}
		err = load("second:1", func() {
			exec.Command("docker", "image", "rm", imagePrefix+"first:1").Run() // the second time it is gone
		})
		if want := []int{0, 2, 0}; !slices.Equal(skips, want) {
			t.Errorf("layers were left out: %d, want %d", skips, want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(docker(t, "run", "--rm", "--entrypoint", "./server", imagePrefix+"second:1", "show", "APP_VERSION"), " ")
	if !strings.Contains(got, "one") {
		t.Errorf("the image prints %q", got)
	}
}
