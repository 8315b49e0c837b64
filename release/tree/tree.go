// Package tree computes the digest of an app tree, which both forms of a
// release carry. It can be computed again from either form once it is unpacked,
// and so proves that the image and the bundle hold the same app.
package tree

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sort"
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
	command := t.Command
	if command == nil {
		command = []string{}
	}
	env := t.Env
	if env == nil {
		env = map[string]string{}
	}
	var b bytes.Buffer
	b.WriteString(Version + "\n")
	for _, fact := range []struct {
		name  string
		value any
	}{{"command", command}, {"env", env}, {"runtime", t.Runtime}} {
		quoted, err := quote(fact.value)
		if err != nil {
			return nil, fmt.Errorf("tree: %s: %w", fact.name, err)
		}
		fmt.Fprintf(&b, "%s %s\n", fact.name, quoted)
	}
	files := append([]File(nil), t.Files...)
	sort.Slice(files, func(i, j int) bool { return files[i].Path < files[j].Path })
	for i, f := range files {
		if i > 0 && files[i-1].Path == f.Path {
			return nil, fmt.Errorf("tree: file %q is there twice", f.Path)
		}
		path, err := quote(f.Path)
		if err != nil {
			return nil, fmt.Errorf("tree: file %q: %w", f.Path, err)
		}
		if f.Link != "" {
			link, err := quote(f.Link)
			if err != nil {
				return nil, fmt.Errorf("tree: file %q: %w", f.Path, err)
			}
			fmt.Fprintf(&b, "link %s %s\n", link, path)
			continue
		}
		mode := "0644"
		if f.Executable {
			mode = "0755"
		}
		fmt.Fprintf(&b, "file %s %d %s %s\n", mode, f.Size, f.SHA256, path)
	}
	return b.Bytes(), nil
}

// quote writes a value as compact JSON, keys sorted, no character escaped that
// need not be.
func quote(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", err
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}
