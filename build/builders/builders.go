// Package builders lists the builders that twofold has.
package builders

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/build/command"
	"github.com/twofoldhq/twofold/build/golang"
	"github.com/twofoldhq/twofold/build/static"
	"github.com/twofoldhq/twofold/manifest/schema"
)

// All returns the builders, sorted by name. A new one is added here. It panics if
// two have one name, which is a mistake in this list.
func All() []build.Builder {
	return list(
		command.Builder{},
		golang.Builder{},
		static.Builder{},
	)
}

// Find returns the builder of that name.
func Find(name string) (build.Builder, bool) {
	for _, b := range All() {
		if b.Info().Name == name {
			return b, true
		}
	}
	return nil, false
}

// Schemas returns what the build block of each builder takes, in the order of All.
func Schemas() []schema.Block {
	var blocks []schema.Block
	for _, b := range All() {
		blocks = append(blocks, b.Info().Schema)
	}
	return blocks
}

func list(all ...build.Builder) []build.Builder {
	seen := make(map[string]bool)
	for _, b := range all {
		name := b.Info().Name
		if seen[name] {
			panic(fmt.Sprintf("two builders are named %q", name))
		}
		seen[name] = true
	}
	slices.SortFunc(all, func(a, b build.Builder) int {
		return strings.Compare(a.Info().Name, b.Info().Name)
	})
	return all
}
