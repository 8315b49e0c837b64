package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/twofoldhq/twofold/build/pattern"
	"github.com/twofoldhq/twofold/build/tree"
)

// listInputs returns the files that decide whether the command has to run, sorted.
func (o output) listInputs(ctx context.Context) ([]tree.Entry, error) {
	roots := o.inputs
	if len(roots) == 0 {
		roots = []input{{at: "."}}
	}
	var all []tree.Entry
	for _, root := range roots {
		entries, err := o.listInput(ctx, root)
		if err != nil {
			return nil, err
		}
		all = append(all, entries...)
	}
	linked, err := o.listLinked(ctx, roots, all)
	if err != nil {
		return nil, err
	}
	all = append(all, linked...)
	slices.SortFunc(all, func(a, b tree.Entry) int { return strings.Compare(a.Path, b.Path) })
	return slices.CompactFunc(all, func(a, b tree.Entry) bool { return a.Path == b.Path }), nil
}

// listInput lists one entry of inputs. The paths are relative to dir.
func (o output) listInput(ctx context.Context, in input) ([]tree.Entry, error) {
	source := filepath.Join(o.dir, filepath.FromSlash(in.at))
	info, err := os.Lstat(source)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, o.wrong("inputs", fmt.Sprintf("There is no %q", in.at), "Each entry is a file, a folder or a pattern, relative to "+o.dir+".")
	}
	if err != nil {
		return nil, fmt.Errorf("build command: inputs: %w", err)
	}
	if !info.IsDir() {
		return []tree.Entry{{Path: in.at, Source: source, Info: info}}, nil
	}
	products := o.products()
	entries, err := tree.Walk(ctx, source, func(p string, folder bool) bool {
		p = path.Join(in.at, p)
		return o.leftOut(p, folder) || products.Match(p, folder)
	})
	if err != nil {
		return nil, fmt.Errorf("build command: inputs: %w", err)
	}
	if in.match != nil {
		entries = slices.DeleteFunc(entries, func(e tree.Entry) bool { return !in.match.MatchBelow(e.Path) })
	}
	for i := range entries {
		entries[i].Path = path.Join(in.at, entries[i].Path)
	}
	return entries, nil
}

// products matches the outputs of all platforms, which are no inputs.
func (s settings) products() pattern.List {
	if s.inPlace() {
		return nil
	}
	escaped := strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`).Replace(s.output)
	products, err := pattern.Parse([]string{"/" + strings.NewReplacer("{os}", "*", "{arch}", "*").Replace(escaped)})
	if err != nil {
		return nil // then a change of the output runs the command once too often
	}
	return products
}

// listLinked lists what links lead to outside of the roots, as the packages of a
// workspace do that node_modules links to: a change there is a change of the
// inputs too.
func (o output) listLinked(ctx context.Context, roots []input, entries []tree.Entry) ([]tree.Entry, error) {
	var found []tree.Entry
	seen := make(map[string]bool)
	for len(entries) > 0 {
		e := entries[0]
		entries = entries[1:]
		if e.Info.Mode()&fs.ModeSymlink == 0 || o.within(roots, linkTarget(e.Source)) {
			continue
		}
		real, err := filepath.EvalSymlinks(e.Source)
		if err != nil || seen[real] || o.within(roots, real) {
			continue // a link to nowhere is judged by itself
		}
		seen[real] = true
		info, err := os.Stat(real)
		if err != nil {
			continue
		}
		if !info.IsDir() {
			found = append(found, tree.Entry{Path: real, Source: real, Info: info})
			continue
		}
		below, err := tree.Walk(ctx, real, o.leftOut)
		if err != nil {
			return nil, fmt.Errorf("build command: inputs: what the link %s leads to: %w", e.Source, err)
		}
		for i := range below {
			below[i].Path = below[i].Source
		}
		found = append(found, below...)
		entries = append(entries, below...)
	}
	return found, nil
}

// linkTarget is where a link leads if no other link is on the way.
func linkTarget(source string) string {
	link, err := os.Readlink(source)
	if err != nil || filepath.IsAbs(link) {
		return link
	}
	return filepath.Join(filepath.Dir(source), link)
}

// within reports whether a path lies in a folder that is listed whole anyway.
func (o output) within(roots []input, p string) bool {
	for _, root := range roots {
		rel, err := filepath.Rel(filepath.Join(o.dir, filepath.FromSlash(root.at)), p)
		if err == nil && root.match == nil && filepath.IsLocal(rel) {
			return true
		}
	}
	return false
}

const (
	// settleTries is how often the inputs are listed until none was written just
	// before; they are still being written to if that does not help.
	settleTries = 4
	// settleTime is how long the clock may take to tick, which most often is 4
	// milliseconds. One that is behind the inputs' own times never gets there.
	settleTime = 50 * time.Millisecond
)

// settledInputs lists the inputs, and reports whether a change from now on is sure
// to show. It is not for a file that was written within the current tick of the
// file system's clock, so this waits for the next one.
func (o output) settledInputs(ctx context.Context) (inputs []tree.Entry, settled bool, err error) {
	for range settleTries {
		stamp, err := o.clock(ctx, inputs)
		if err != nil {
			return nil, false, err
		}
		if inputs, err = o.listInputs(ctx); err != nil {
			return nil, false, err
		}
		if tree.ChangedBefore(inputs, stamp) {
			return inputs, true, nil
		}
	}
	return inputs, false, nil
}

// clock writes the stamp until the file system's clock is past the entries.
func (o output) clock(ctx context.Context, entries []tree.Entry) (fs.FileInfo, error) {
	for began := time.Now(); ; {
		if err := os.WriteFile(o.stamp, []byte("This file's time is when the command last began to run.\n"), 0o644); err != nil {
			return nil, fmt.Errorf("build command: write stamp: %w", err)
		}
		stamp, err := os.Lstat(o.stamp)
		if err != nil {
			return nil, fmt.Errorf("build command: read stamp: %w", err)
		}
		if tree.ChangedBefore(entries, stamp) || time.Since(began) > settleTime {
			return stamp, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

// noteChangedInputs tells why the command will run again, if the run itself, or
// anyone else meanwhile, has changed the inputs.
func (o output) noteChangedInputs(ctx context.Context, before []tree.Entry) error {
	after, err := o.listInputs(ctx)
	if err != nil || o.log == nil {
		return err
	}
	changed := differing(before, after)
	if len(changed) == 0 {
		return nil
	}
	const most = 3
	more := ""
	if len(changed) > most {
		more = fmt.Sprintf(" and %d more", len(changed)-most)
		changed = changed[:most]
	}
	fmt.Fprintf(o.log, "Files that count as inputs changed while the command ran: %s%s. It will run again next time. "+
		"If it writes them itself, say with inputs which files it reads, or leave them out with exclude.\n", strings.Join(changed, ", "), more)
	return nil
}

// differing returns the paths at which two sorted lists differ.
func differing(a, b []tree.Entry) []string {
	var paths []string
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].Path < b[0].Path:
			paths = append(paths, a[0].Path)
			a = a[1:]
		case len(a) == 0 || b[0].Path < a[0].Path:
			paths = append(paths, b[0].Path)
			b = b[1:]
		default:
			if tree.IdentityOf(a[0].Info) != tree.IdentityOf(b[0].Info) {
				paths = append(paths, a[0].Path)
			}
			a, b = a[1:], b[1:]
		}
	}
	return paths
}
