//go:build e2e

package docker

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/engine/enginetest"
)

// TestWhatRanComesBackWithTheEngine ends the engine, in order and by force, and starts it
// again, as a reboot does: the deployment answers at its URL without anybody's doing.
func TestWhatRanComesBackWithTheEngine(t *testing.T) {
	engine := enginetest.New(t, "")
	t.Setenv("DOCKER_HOST", engine.Address)
	target := targetOf(t, nil)
	d := deploymentOf(releases.One)
	d.Scale.Min = 2
	st, err := target.Deploy(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	for name, end := range map[string]func(){
		"the engine is stopped":   func() { engine.End(t, syscall.SIGTERM) },
		"the machine loses power": func() { engine.LosePower(t) },
	} {
		t.Run(name, func(t *testing.T) {
			end()
			if list, err := target.Status(t.Context(), targets.Filter{}); err == nil {
				t.Errorf("without an engine the status is %+v, and no error", list)
			}
			engine.Begin(t)
			await(t, st.URL+"/version", "one")
			now := awaitInstances(t, target, 2)
			if now.State != targets.Running || now.URL != st.URL || now.Release != releases.One.Digest {
				t.Errorf("afterwards the status is %+v", now)
			}
			if plan, err := target.Plan(t.Context(), d); err != nil || plan.Action != "none" {
				t.Errorf("afterwards a deploy would do %+v (%v)", plan, err)
			}
		})
	}
	t.Run("the engine crashes", func(t *testing.T) {
		engine.End(t, syscall.SIGKILL)
		engine.Begin(t)
		// The engine itself stops the containers that outlived it, as if somebody had.
		limited, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for {
			list, err := target.Status(limited, targets.Filter{})
			if err == nil && len(list) == 1 && list[0].State == targets.Stopped && strings.Contains(list[0].Detail, "twofold deploy api") {
				break
			}
			if limited.Err() != nil {
				t.Fatalf("the status is %+v (%v), want what has to be done", list, err)
			}
		}
		if _, err := target.Deploy(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		await(t, st.URL+"/version", "one")
		awaitInstances(t, target, 2)
	})
	d.Release = releases.Two
	if _, err := target.Deploy(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	await(t, st.URL+"/version", "two")
}

// awaitInstances asks for the status until so many instances are ready.
func awaitInstances(t *testing.T, target targets.Target, want int) targets.Status {
	t.Helper()
	limited, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		list, err := target.Status(limited, targets.Filter{})
		if err == nil && len(list) == 1 && list[0].Instances == want {
			return list[0]
		}
		if limited.Err() != nil {
			t.Fatalf("the status is %+v (%v), want %d instances", list, err, want)
		}
	}
}
