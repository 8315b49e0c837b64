package conformance

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/release"
)

// Releases are what the suite deploys: one small server in several releases.
type Releases struct {
	// One and Two answer GET /version with "one" and "two".
	One, Two *release.Release
	// Broken never answers its health path with 2xx; it prints "app is not ready".
	Broken *release.Release
	// Crashing exits with status 3 as it starts.
	Crashing *release.Release
}

// appPackage is the server, in the folder app beside this file.
const appPackage = "github.com/twofoldhq/twofold/targets/conformance/app"

// Project and Service are what the releases are of.
const (
	Project = "conformance"
	Service = "app"
)

// Port and Health are the releases' own.
const (
	Port   = 8080
	Health = "/healthz"
)

// MakeReleases compiles the server with the go tool and makes the releases in a
// store below dir, for this machine's platform.
func MakeReleases(ctx context.Context, dir string) (*Releases, error) {
	binary := filepath.Join(dir, "server")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, appPackage)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+runtime.GOARCH, "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("conformance: compile the server: %w\n%s", err, out)
	}
	store, err := release.OpenStore(filepath.Join(dir, "store"))
	if err != nil {
		return nil, err
	}
	r := new(Releases)
	for _, want := range []struct {
		into **release.Release
		env  map[string]string
	}{
		{&r.One, map[string]string{"APP_VERSION": "one"}},
		{&r.Two, map[string]string{"APP_VERSION": "two"}},
		{&r.Broken, map[string]string{"APP_VERSION": "broken", "APP_BROKEN": "1"}},
		{&r.Crashing, map[string]string{"APP_VERSION": "crashing", "APP_CRASH": "1"}},
	} {
		if *want.into, err = assemble(ctx, store, binary, want.env); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func assemble(ctx context.Context, s *release.Store, binary string, env map[string]string) (*release.Release, error) {
	info, err := os.Lstat(binary)
	if err != nil {
		return nil, err
	}
	tree := &build.Tree{
		Platform: build.Platform{OS: "linux", Arch: runtime.GOARCH},
		Command:  []string{"./server"},
		Env:      env,
		Files:    []build.File{{Path: "server", Source: binary, Info: info, Executable: true}},
	}
	spec := release.Spec{Project: Project, Service: Service, Port: Port, Health: Health, Secrets: true, Trees: []*build.Tree{tree}}
	r, err := release.Assemble(ctx, s, spec, release.Options{})
	if err != nil {
		return nil, fmt.Errorf("conformance: make a release: %w", err)
	}
	return r, nil
}
