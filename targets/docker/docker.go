// Package docker is the target Docker Engine, on this machine or another: what it
// takes, whether a service fits it, and how it is deployed.
package docker

import (
	"fmt"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
)

const name = "docker"

// The pages that state the limits.
const (
	memoryPage  = "Resource constraints, https://docs.docker.com/engine/containers/resource_constraints/"
	cpuPage     = "Checks of a container's resources in the Docker Engine, https://github.com/moby/moby/blob/master/daemon/daemon_unix.go"
	argsPage    = "execve(2), https://man7.org/linux/man-pages/man2/execve.2.html"
	labelPage   = "RFC 1035, https://www.rfc-editor.org/rfc/rfc1035"
	volumePage  = "docker volume create, https://docs.docker.com/reference/cli/docker/volume/create/"
	triggerPage = "Docker Engine, https://docs.docker.com/engine/"
)

// Plugin returns the plugin.
func Plugin() targets.Plugin {
	return targets.Plugin{Settings: settingsBlock(), Describe: describe, Open: open}
}

func describe(target string, values schema.Values) (targets.Info, error) {
	s, err := read(values)
	if err != nil {
		return targets.Info{}, err
	}
	return newTarget(target, s).info, nil
}

func open(target string, values schema.Values) (targets.Target, error) {
	s, err := read(values)
	if err != nil {
		return nil, err
	}
	return newTarget(target, s), nil
}

func infoOf(target string) targets.Info {
	return targets.Info{
		Plugin: name, Name: target,
		Doc:       "Runs the image as containers of a Docker Engine.",
		Forms:     []release.Kind{release.Image},
		Platforms: []build.Platform{{OS: "linux", Arch: "amd64"}, {OS: "linux", Arch: "arm64"}},
		Limits: targets.Limits{
			// Services find each other by name, and a label of a name has 63 characters.
			Name:     targets.Limit{Max: 63, Source: labelPage},
			CPU:      targets.Limit{Min: 10, Note: "The engine takes 0.01 cores or more, and no more than the machine has.", Source: cpuPage},
			Memory:   targets.Limit{Min: 6 << 20, Source: memoryPage},
			Variable: targets.Limit{Max: 131071, Source: argsPage},
		},
		Gaps: map[targets.Feature]targets.Gap{
			targets.FeatureObject: {
				Summary: "a Docker Engine has no source for on \"object\"",
				Fix:     "Write target = target.lambda.NAME in the block on \"object\" \"{name}\", with a target of yours that has one: the rest of {service} stays here.",
				Limit:   "an engine runs containers, and has no buckets",
				Source:  triggerPage,
			},
			targets.FeatureRollout: {
				Soft: true, Summary: "a Docker Engine gets all of the traffic at once",
				Fix:   "Nothing has to be done: the new release takes requests when it has answered its health path, and the one before is kept to go back to.",
				Limit: "no steps", Source: triggerPage,
			},
		},
	}
}

// checkVolumes reports sizes of volumes: the engine's own driver keeps them in a folder.
func checkVolumes(w targets.Workload) []targets.Finding {
	var found []targets.Finding
	for _, v := range w.Volumes {
		if v.Size == 0 {
			continue
		}
		found = append(found, targets.Finding{
			Severity: targets.Warning,
			Path:     fmt.Sprintf("volume.%s.size", v.Name),
			Summary:  "a volume of the engine has no size",
			Fix:      "Remove size, or leave it for other targets: the volume takes what the machine's disk has.",
			Limit:    "a volume is a folder on the engine's machine",
			Source:   volumePage,
		})
	}
	return found
}
