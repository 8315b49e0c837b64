package tree

import (
	"path"
	"path/filepath"
	"strings"

	"github.com/twofoldhq/twofold/build"
)

// maxHops is how many links a path may lead through, as in Linux.
const maxHops = 40

// checkLinks follows every link of the tree the way the kernel will, and refuses
// those that leave the tree or never arrive. A link to a file that is not in the
// tree, but would be within it, is harmless and stays.
func checkLinks(files []build.File) error {
	links := make(map[string]string)
	for _, f := range files {
		if f.Link != "" {
			links[f.Path] = f.Link
		}
	}
	for _, f := range files {
		if f.Link == "" {
			continue
		}
		if err := checkName(f.Link); err != nil {
			return &Error{Path: f.Path, Problem: "is a link to a name that cannot be packed", Fix: "rename " + f.Link}
		}
		if path.IsAbs(f.Link) || filepath.IsAbs(f.Link) {
			return &Error{Path: f.Path, Problem: "is a link to the absolute path " + f.Link,
				Fix: "an app tree lies elsewhere when it runs; link by a relative path, or copy what it points to"}
		}
		switch follow(links, f.Path) {
		case leaves:
			return &Error{Path: f.Path, Problem: "is a link that leaves the tree, to " + f.Link,
				Fix: "copy what it points to into the tree, or leave the link out"}
		case loops:
			return &Error{Path: f.Path, Problem: "is a link that leads back to itself, by " + f.Link,
				Fix: "remove it or leave it out"}
		}
	}
	return nil
}

type outcome int

const (
	arrives outcome = iota
	leaves
	loops
)

// follow resolves a path component by component.
func follow(links map[string]string, p string) outcome {
	todo := strings.Split(p, "/")
	at := ""
	for hops := 0; len(todo) > 0; {
		part := todo[0]
		todo = todo[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			if at == "" {
				return leaves
			}
			at = strings.TrimSuffix(path.Dir(at), ".")
			continue
		}
		next := path.Join(at, part)
		link, isLink := links[next]
		if !isLink {
			at = next
			continue
		}
		if hops++; hops > maxHops {
			return loops
		}
		if path.IsAbs(link) {
			return leaves
		}
		todo = append(strings.Split(link, "/"), todo...)
	}
	return arrives
}
