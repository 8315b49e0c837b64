package container

import (
	"slices"
	"strings"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/local/sandbox"
)

// SizeOf is a terminal's size in a sandbox's terms, or nil if there is no terminal.
func SizeOf(t *targets.Terminal) *sandbox.Size {
	if t == nil {
		return nil
	}
	return &sandbox.Size{Columns: t.Size.Columns, Rows: t.Size.Rows}
}

// WithTerm adds TERM to an environment that has none, for a command with a terminal.
func WithTerm(env []string, t *targets.Terminal) []string {
	named := func(e string) bool { return strings.HasPrefix(e, "TERM=") }
	if t == nil || t.Type == "" || slices.ContainsFunc(env, named) {
		return env
	}
	return append(slices.Clone(env), "TERM="+t.Type)
}

// FollowSize gives the terminal of a sandbox each size that the user's gets, until the
// sandbox has ended.
func FollowSize(p *sandbox.Process, t *targets.Terminal) {
	if t == nil {
		return
	}
	for {
		select {
		case size := <-t.Resized:
			_ = p.Resize(sandbox.Size{Columns: size.Columns, Rows: size.Rows}) // which only one that ends refuses
		case <-p.Done():
			return
		}
	}
}
