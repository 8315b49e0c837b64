// Package build turns the code of a service into an app tree: the files, the
// command that starts them, and the environment it needs. One package below it
// implements one builder.
//
// A build compiles once a platform. Both forms of a release, the image and the
// bundle, are made from the same tree.
package build

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/twofoldhq/twofold/manifest/schema"
)

// Platform is an operating system and an architecture in Go's and OCI's names.
type Platform struct {
	OS, Arch string
}

// String returns the form "linux/amd64".
func (p Platform) String() string { return p.OS + "/" + p.Arch }

// ParsePlatform reads the form "linux/amd64". The supported platforms are those
// that containers and functions run on: linux/amd64 and linux/arm64.
func ParsePlatform(s string) (Platform, error) {
	os, arch, ok := strings.Cut(s, "/")
	if !ok || os != "linux" || (arch != "amd64" && arch != "arm64") {
		return Platform{}, fmt.Errorf("platform %q is not supported: use linux/amd64 or linux/arm64", s)
	}
	return Platform{OS: os, Arch: arch}, nil
}

// Tree is an app tree: what both forms of a release are made from.
type Tree struct {
	Platform Platform
	// Command starts the app, in the tree's root as the working directory. A
	// first word that begins with "./" is a file of the tree; any other is
	// looked up in PATH.
	Command []string
	// Env is what the built files need to run, such as NODE_ENV. It is part of
	// the release; the service's own env is part of a deployment and not here.
	Env map[string]string
	// Runtime is the language runtime that the files need, in the names of AWS
	// Lambda ("nodejs24.x", "python3.13"), or "" if they need none.
	Runtime string
	// Files are sorted by Path. Folders are implied by the paths and not listed.
	Files []File
}

// File is one file or symbolic link of a tree.
type File struct {
	// Path is relative to the tree's root, slash-separated, clean, never above it.
	Path string
	// Source is the file on this machine that holds the content; unused for links.
	Source string
	// Info is Source as lstat saw it when the build ended. Whoever packs the
	// tree uses it to know that nothing changed since.
	Info fs.FileInfo
	// Executable says whether the mode in the release is 0755 or 0644. No other
	// bit of the mode on this machine matters.
	Executable bool
	// Link is the target of a symbolic link, relative and within the tree, or ""
	// for a regular file.
	Link string
}

// Request is what a builder is asked to build.
type Request struct {
	// Service is the service's name.
	Service string
	// Dir is the absolute path of the manifest's folder. Relative paths of the
	// settings start there.
	Dir string
	// Platforms is never empty.
	Platforms []Platform
	// Settings holds the attributes of the build block.
	Settings schema.Values
	// WorkDir is the builder's own folder, kept between builds of this service
	// by this builder, where it leaves outputs and what it must remember.
	WorkDir string
	// Log receives the output of tools that the builder runs, as they print it.
	Log io.Writer
}

// Info describes a builder.
type Info struct {
	// Name is the label of the build block.
	Name string
	// Schema is what the build block takes. The attributes platforms and base
	// are common to all builders and not in it.
	Schema schema.Block
}

// Builder makes app trees.
type Builder interface {
	Info() Info
	// Build returns one tree a platform, in the order of the request. It does
	// nothing that is already done: a second build of unchanged inputs costs no
	// more than finding that out. Errors in the settings are *schema.Error; a tool
	// that failed is *ToolError. A build that fails or is cancelled leaves the
	// outputs of the one before usable.
	Build(ctx context.Context, req Request) ([]*Tree, error)
}

// ToolError is a tool, such as a compiler, that failed.
type ToolError struct {
	// Tool is the command line as a person would type it.
	Tool string
	// Output is all the tool printed, once, whole.
	Output string
	// Hint is what mends it, or "".
	Hint string
	Err  error
}

func (e *ToolError) Error() string { return fmt.Sprintf("%s: %v", e.Tool, e.Err) }
func (e *ToolError) Unwrap() error { return e.Err }
