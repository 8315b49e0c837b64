package release

import "github.com/twofoldhq/twofold/adapter/binaries"

// adapter is the adapter's program for one architecture.
type adapter = binaries.Binary

// embeddedAdapter returns the adapter that is part of this twofold.
func embeddedAdapter(arch string) (adapter, error) { return binaries.Adapter(arch) }

// embeddedResolver returns the program that reads secrets that is part of this twofold.
func embeddedResolver(arch string) (adapter, error) { return binaries.Secrets(arch) }
