// Package all is the registry of targets: the one place that names each of them.
package all

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/docker"
	"github.com/twofoldhq/twofold/targets/kubernetes"
	"github.com/twofoldhq/twofold/targets/lambda"
	"github.com/twofoldhq/twofold/targets/local"
)

// Options are what targets need to know of the program that uses them.
type Options struct {
	Local local.Options
}

// Plugins returns the kinds of targets, sorted by name. A new one is added here.
// Two plugins of one name are a mistake in this file, and panic.
func Plugins(o Options) []targets.Plugin {
	list := []targets.Plugin{
		docker.Plugin(),
		kubernetes.Plugin(),
		lambda.Plugin(),
		local.Plugin(o.Local),
	}
	seen := map[string]bool{}
	for _, p := range list {
		if seen[p.Settings.Label] {
			panic(fmt.Sprintf("targets: two plugins are named %q", p.Settings.Label))
		}
		seen[p.Settings.Label] = true
	}
	slices.SortFunc(list, func(a, b targets.Plugin) int {
		return strings.Compare(a.Settings.Label, b.Settings.Label)
	})
	return list
}

// All returns the targets that exist without being declared. Two targets of one
// address are a mistake in this file, and panic.
func All(o Options) []targets.Target {
	list := local.Targets(o.Local)
	seen := map[string]bool{}
	for _, t := range list {
		address := t.Info().Address()
		if seen[address] {
			panic(fmt.Sprintf("targets: two targets have the address %q", address))
		}
		seen[address] = true
	}
	return list
}
