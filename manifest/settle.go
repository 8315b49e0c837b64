package manifest

import (
	"bytes"
	"fmt"
	"sort"

	"github.com/hashicorp/hcl/v2"
)

// settle sorts the diagnostics, names the block and the environment that each lies
// in, and drops what may only be a consequence of a syntax error.
func (d *Diagnostics) settle(trees []*parsed) {
	byFile := make(map[string]*settling, len(trees))
	anyBroken := false
	for _, tree := range trees {
		s := newSettling(tree, d.sources[tree.file])
		byFile[tree.file] = s
		anyBroken = anyBroken || tree.broken >= 0
	}
	kept := d.list[:0]
	for _, diag := range d.list {
		if diag.order == orderValue && anyBroken {
			s := byFile[diag.File]
			if diag.needsWhole || s != nil && s.tree.broken >= 0 && diag.place() >= s.reliable {
				continue
			}
		}
		if s := byFile[diag.File]; s != nil && diag.Range != nil && diag.In == "" {
			diag.In = s.around(diag.Range.Start.Byte)
		}
		kept = append(kept, diag)
	}
	d.list = kept
	d.sort()
	for i := range d.list {
		diag := &d.list[i]
		if diag.environment == "" || diag.environment == DefaultEnvironment {
			continue
		}
		if about := fmt.Sprintf("environment %q", diag.environment); diag.In == "" {
			diag.In = about
		} else if diag.In != about {
			diag.In += ", " + about
		}
	}
}

// settling is what settle knows of one file.
type settling struct {
	tree   *parsed
	blocks []*block
	// reliable is the byte from which on a syntax error made the text unreliable.
	reliable int
}

func newSettling(tree *parsed, source []byte) *settling {
	blocks := append([]*block(nil), tree.root.blocks...)
	sort.Slice(blocks, func(i, j int) bool { return blocks[i].whole.Start.Byte < blocks[j].whole.Start.Byte })
	s := &settling{tree: tree, blocks: blocks, reliable: lineStart(source, tree.broken)}
	if i := innermost(blocks, tree.broken); i >= 0 {
		s.reliable = blocks[i].whole.Start.Byte
	}
	return s
}

// around names the block that holds a byte and does not begin with it, or
// returns "".
func (s *settling) around(at int) string {
	if i := innermost(s.blocks, at); i >= 0 && !within(s.blocks[i].header, at) {
		return describeBlock(s.blocks[i])
	}
	return ""
}

// lineStart returns where the line of a byte starts.
func lineStart(src []byte, at int) int {
	if at < 0 {
		return at
	}
	return bytes.LastIndexByte(src[:min(at, len(src))], '\n') + 1
}

// innermost returns the index of the sorted block that holds the byte, or -1.
func innermost(blocks []*block, at int) int {
	i := sort.Search(len(blocks), func(i int) bool { return blocks[i].whole.Start.Byte > at }) - 1
	if i >= 0 && at < blocks[i].whole.End.Byte {
		return i
	}
	return -1
}

func within(r hcl.Range, at int) bool { return r.Start.Byte <= at && at < r.End.Byte }
