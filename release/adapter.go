package release

import (
	"github.com/twofoldhq/twofold/adapter/binaries"
	"github.com/twofoldhq/twofold/release/pack"
)

// adapter is the adapter's program for one architecture.
type adapter = binaries.Binary

// embeddedAdapter returns the adapter that is part of this twofold.
func embeddedAdapter(arch string) (adapter, error) { return binaries.Adapter(arch) }

// embeddedResolver returns the program that reads secrets that is part of this twofold.
func embeddedResolver(arch string) (adapter, error) { return binaries.Secrets(arch) }

// programs are those of twofold's own that go into a bundle. The resolver is nil
// for a service without secrets.
type programs struct {
	adapter  adapter
	resolver *adapter
}

// programs returns those for each tree of a spec.
func (s *Store) programs(spec Spec) ([]programs, error) {
	list := make([]programs, len(spec.Trees))
	for i, t := range spec.Trees {
		var err error
		if list[i].adapter, err = s.adapter(t.Platform.Arch); err != nil {
			return nil, err
		}
		if !spec.Secrets {
			continue
		}
		resolver, err := s.resolver(t.Platform.Arch)
		if err != nil {
			return nil, err
		}
		list[i].resolver = &resolver
	}
	return list, nil
}

// extras are the files at a bundle's root, in their order.
func (p programs) extras(config []byte) []pack.Extra {
	list := []pack.Extra{
		{Name: AdapterName, Executable: true, Data: p.adapter.Gzip, Gzip: true},
		{Name: AppConfigName, Data: config},
	}
	if p.resolver != nil {
		list = append(list, pack.Extra{Name: SecretsName, Executable: true, Data: p.resolver.Gzip, Gzip: true})
	}
	return list
}
