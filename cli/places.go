package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/twofoldhq/twofold/manifest"
	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/all"
	"github.com/twofoldhq/twofold/targets/local"
)

// place is a target that a command can use: a local one, or one that the manifest
// declares. It is opened when it is needed.
type place struct {
	address, name string
	plugin        targets.Plugin
	settings      schema.Values
	// manifest declares the place; it is nil for the local ones.
	manifest *manifest.Manifest
	// unknown are the settings that depend on a variable without a value.
	unknown []string
}

// places returns the local targets and those that a manifest declares; m may be
// nil.
func places(m *manifest.Manifest) ([]place, error) {
	plugins, err := plugins()
	if err != nil {
		return nil, err
	}
	var list []place
	byName := map[string]targets.Plugin{}
	for _, p := range plugins {
		byName[p.Settings.Label] = p
		if p.Settings.Label == localPlugin {
			for _, name := range []string{"container", "function"} {
				list = append(list, place{address: localPlugin + "." + name, name: name, plugin: p})
			}
		}
	}
	if m == nil {
		return list, nil
	}
	for _, t := range m.Targets {
		list = append(list, place{address: t.Address(), name: t.Name, plugin: byName[t.Plugin], settings: t.Settings, manifest: m, unknown: t.Unknown})
	}
	return list, nil
}

const localPlugin = "local"

// plugins are the kinds of targets that this twofold knows.
func plugins() ([]targets.Plugin, error) {
	options, err := localOptions()
	if err != nil {
		return nil, err
	}
	return all.Plugins(all.Options{Local: options}), nil
}

// targetSchemas are what target blocks take. The local targets need no block.
func targetSchemas() []schema.Block {
	var blocks []schema.Block
	for _, p := range all.Plugins(all.Options{Local: local.Options{}}) {
		if p.Settings.Label != localPlugin {
			blocks = append(blocks, p.Settings)
		}
	}
	return blocks
}

// describe says what the place takes.
func (p place) describe() (targets.Info, error) {
	info, err := p.plugin.Describe(p.name, p.settings)
	return info, p.located(err)
}

// open returns the target.
func (p place) open() (targets.Target, error) {
	if !p.opens() {
		return nil, withHint(fmt.Errorf("target %s: %w", p.address, targets.ErrNotYet), "twofold deploy --to local.container, or --to local.function")
	}
	if len(p.unknown) > 0 {
		return nil, p.manifest.AtTarget(p.address, p.unknown[0], fmt.Sprintf("The value of %q is not known", p.unknown[0]),
			"It depends on a variable that has no value. Give it one, for example with --var NAME=VALUE or in a file for --var-file.").Err()
	}
	t, err := p.plugin.Open(p.name, p.settings)
	return t, p.located(err)
}

// opens reports whether this twofold deploys to the place.
func (p place) opens() bool { return p.plugin.Open != nil }

// located turns an error about a setting into one that shows its line.
func (p place) located(err error) error {
	var setting *schema.Error
	if p.manifest == nil || !errors.As(err, &setting) {
		return err
	}
	return p.manifest.AtTarget(p.address, setting.Attribute, setting.Summary, setting.Detail).Err()
}

// choose returns the places that names mean. A name is an address, or its second
// part where that is unique.
func choose(list []place, names []string) ([]place, error) {
	var chosen []place
	seen := map[string]bool{}
	for _, name := range names {
		p, err := findPlace(list, name)
		if err != nil {
			return nil, err
		}
		if !seen[p.address] {
			seen[p.address] = true
			chosen = append(chosen, p)
		}
	}
	return chosen, nil
}

func findPlace(list []place, name string) (place, error) {
	var found []place
	var addresses []string
	for _, p := range list {
		if p.address == name || "target."+p.address == name {
			return p, nil
		}
		if p.name == name {
			found = append(found, p)
		}
		addresses = append(addresses, p.address)
	}
	if len(found) == 1 {
		return found[0], nil
	}
	if len(found) > 1 {
		return place{}, usageError(fmt.Sprintf("more than one target is named %q; use its address: %s", name, strings.Join(addresses, ", ")), "")
	}
	message := fmt.Sprintf("there is no target %q", name)
	if near := manifest.Nearest(name, addresses); near != "" {
		message += fmt.Sprintf("; did you mean %q?", near)
	} else {
		message += "; the targets are " + strings.Join(addresses, ", ")
	}
	return place{}, usageError(message, "twofold targets")
}

// openTargets opens the places of those names, or without names all that can be
// asked for deployments.
func openTargets(m *manifest.Manifest, names []string) ([]targets.Target, error) {
	list, err := places(m)
	if err != nil {
		return nil, err
	}
	if len(names) > 0 {
		if list, err = choose(list, names); err != nil {
			return nil, err
		}
	}
	var opened []targets.Target
	for _, p := range list {
		if len(names) == 0 && !p.opens() {
			continue
		}
		t, err := p.open()
		if err != nil {
			return nil, err
		}
		opened = append(opened, t)
	}
	return opened, nil
}
