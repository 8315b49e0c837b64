// Package tree computes the digest of an app tree, which both forms of a
// release carry. It can be computed again from either form once it is unpacked,
// and so proves that the image and the bundle hold the same app.
package tree

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Version is the first line of the text that is hashed.
const Version = "twofold.tree.v1"

// Tree is what the digest covers.
type Tree struct {
	Command []string
	Env     map[string]string
	Runtime string
	Files   []File
}

// File is one file or symbolic link of a tree.
type File struct {
	// Path is relative to the tree's root, slash-separated.
	Path string
	// Executable is the only bit of a mode that counts.
	Executable bool
	// Link is the target of a symbolic link, or "" for a regular file.
	Link string
	// Size and SHA256 (hexadecimal) are of a regular file's content.
	Size   int64
	SHA256 string
}

// Digest returns the digest of the tree, "sha256:...". The order of Files does
// not matter.
func (t Tree) Digest() (string, error) {
	text, err := t.text()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

// text is the canonical text: one line a fact, names and values quoted as JSON,
// files sorted by the bytes of their paths.
func (t Tree) text() ([]byte, error) {
	b := []byte(Version)
	b = append(b, "\ncommand ["...)
	for i, word := range t.Command {
		if i > 0 {
			b = append(b, ',')
		}
		b = quote(b, word)
	}
	b = append(b, "]\nenv {"...)
	for i, name := range slices.Sorted(maps.Keys(t.Env)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = quote(append(quote(b, name), ':'), t.Env[name])
	}
	b = quote(append(b, "}\nruntime "...), t.Runtime)
	b = append(b, '\n')
	files := slices.Clone(t.Files)
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	for i, f := range files {
		if i > 0 && files[i-1].Path == f.Path {
			return nil, fmt.Errorf("tree: file %q is there twice", f.Path)
		}
		b = f.line(b)
	}
	return b, nil
}

// line appends the line of a file.
func (f File) line(b []byte) []byte {
	switch {
	case f.Link != "":
		b = append(quote(append(b, "link "...), f.Link), ' ')
	case f.Executable:
		b = fmt.Appendf(b, "file 0755 %d %s ", f.Size, f.SHA256)
	default:
		b = fmt.Appendf(b, "file 0644 %d %s ", f.Size, f.SHA256)
	}
	return append(quote(b, f.Path), '\n')
}

// quote appends a string as JSON, with only those characters escaped that must be,
// as RFC 8785 has it. Package encoding/json escapes some more, and which ones has
// changed between versions of Go.
func quote(b []byte, s string) []byte {
	const escaped, letters = "\"\\\b\f\n\r\t", "\"\\bfnrt"
	b = append(b, '"')
	for i := range len(s) {
		switch at := strings.IndexByte(escaped, s[i]); {
		case at >= 0:
			b = append(b, '\\', letters[at])
		case s[i] < ' ':
			b = fmt.Appendf(b, "\\u%04x", s[i])
		default:
			b = append(b, s[i])
		}
	}
	return append(b, '"')
}
