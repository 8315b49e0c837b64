package cli

import (
	"path/filepath"

	"github.com/twofoldhq/twofold/manifest"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
)

// builtSizes returns how big the newest release of a service is that was built
// here, or nil if there is none. It makes nothing.
func builtSizes(m *manifest.Manifest) func(service string) *targets.Sizes {
	layout := filepath.Join(m.Dir, cacheDir, "store")
	return func(service string) *targets.Sizes {
		r, err := release.OpenLayout(layout, m.Project+"/"+service)
		if err != nil {
			return nil
		}
		sizes := &targets.Sizes{}
		for _, f := range r.Forms {
			switch f.Kind {
			case release.Image:
				sizes.Image = max(sizes.Image, f.Size)
			case release.Bundle:
				sizes.Bundle = max(sizes.Bundle, f.Size)
				if unpacked, err := r.Unpacked(f); err == nil {
					sizes.Unpacked = max(sizes.Unpacked, unpacked)
				}
			}
		}
		return sizes
	}
}
