// Package all is the registry of targets: the one place that names each of them.
package all

import (
	"fmt"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/local"
)

// Options are what targets need to know of the program that uses them.
type Options struct {
	Local local.Options
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
