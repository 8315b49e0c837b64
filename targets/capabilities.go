package targets

import "slices"

// Capabilities is a target's description as data, for output and for a target
// behind a process boundary.
type Capabilities struct {
	Target     string   `json:"target"`
	Doc        string   `json:"doc"`
	Forms      []string `json:"forms"`
	Platforms  []string `json:"platforms"`
	Operations []string `json:"operations"`
	Runtimes   []string `json:"runtimes,omitempty"`
	// Limits are in the order of a manifest.
	Limits []LimitText `json:"limits,omitempty"`
	// Lacks are the features of a manifest that the target does not have, sorted.
	Lacks []Lack `json:"lacks,omitempty"`
}

// LimitText is a limit in words.
type LimitText struct {
	// Name is the attribute's path in a manifest, or words; Limit is the limit,
	// such as "128Mi to 10Gi, in steps of 1Mi".
	Name  string `json:"name"`
	Limit string `json:"limit"`
	// Soft: what is beyond the limit is a warning and not an error.
	Soft   bool   `json:"soft,omitempty"`
	Source string `json:"source"`
}

// Lack is a feature that a target does not have.
type Lack struct {
	Feature string `json:"feature"`
	Reason  string `json:"reason"`
	Soft    bool   `json:"soft,omitempty"`
	Source  string `json:"source"`
}

// Capabilities derives the data from the value that the target filled.
func (i Info) Capabilities() Capabilities {
	c := Capabilities{Target: i.Address(), Doc: i.Doc, Forms: []string{}, Platforms: []string{}, Operations: []string{}, Runtimes: i.Runtimes}
	for _, f := range i.Forms {
		c.Forms = append(c.Forms, string(f))
	}
	for _, p := range i.Platforms {
		c.Platforms = append(c.Platforms, p.String())
	}
	for _, o := range []struct {
		name     string
		declared bool
	}{
		{"invoke", i.Operations.Invoke != nil},
		{"logs", i.Operations.Logs != nil},
		{"metrics", i.Operations.Metrics != nil},
		{"policy", i.Operations.Policy != nil},
		{"rollback", i.Operations.Rollback != nil},
		{"run", i.Operations.Run != nil},
		{"samples", i.Operations.Samples != nil},
	} {
		if o.declared {
			c.Operations = append(c.Operations, o.name)
		}
	}
	for _, l := range i.Limits.List() {
		c.Limits = append(c.Limits, LimitText{Name: l.Name, Limit: l.Text(l.Unit), Soft: l.Soft, Source: l.Source})
	}
	for feature, gap := range i.Gaps {
		c.Lacks = append(c.Lacks, Lack{Feature: string(feature), Reason: gap.Limit, Soft: gap.Soft, Source: gap.Source})
	}
	slices.SortFunc(c.Lacks, func(a, b Lack) int {
		if a.Feature < b.Feature {
			return -1
		}
		return 1
	})
	return c
}
