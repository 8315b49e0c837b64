// Package templates holds the starters that twofold init writes: for each, a small
// server that follows the app contract, and the manifest that describes it.
//
// A starter is a folder below files. Its files end in .tmpl, so that no tool takes
// them for code of this module; gitignore stands for .gitignore. They are
// text/template texts over Values.
package templates

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

//go:embed files
var files embed.FS

// Template is a starter.
type Template struct {
	// Name is how it is asked for.
	Name string
	// Doc is one sentence.
	Doc string
}

// All returns the starters, sorted by name.
func All() []Template {
	return []Template{
		{Name: "go", Doc: "A Go server, built with the go command."},
		{Name: "node", Doc: "A Node.js server without dependencies."},
		{Name: "python", Doc: "A Python server without dependencies."},
	}
}

// Values are what a starter is filled with.
type Values struct {
	// Project is the project's name: lower-case letters, digits and hyphens,
	// beginning with a letter.
	Project string
	// Module is the path of the Go module, or "" for example.com/PROJECT.
	Module string
}

// ConflictError lists the files that a starter would have written over.
type ConflictError struct {
	Dir   string
	Files []string
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s already has %s: choose another folder, or move them away", e.Dir, strings.Join(e.Files, ", "))
}

var (
	validProject = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$`)
	validModule  = regexp.MustCompile(`^[A-Za-z0-9._~/-]+$`)
)

// Write writes the starter of that name into dir, which it makes if it is missing,
// and returns the paths of the files, relative to dir and sorted. It never writes
// over a file: if one of them exists, nothing is written, and the error is a
// *ConflictError. A failure leaves no file and no folder of this call behind.
func Write(dir, name string, v Values) (written []string, err error) {
	if v.Module == "" {
		v.Module = "example.com/" + v.Project
	}
	switch {
	case !known(name):
		return nil, fmt.Errorf("there is no template %q: use one of %s", name, names())
	case !validProject.MatchString(v.Project):
		return nil, fmt.Errorf("project name %q: use at most 40 lower-case letters, digits and hyphens, beginning with a letter and not ending with a hyphen", v.Project)
	case !validModule.MatchString(v.Module):
		return nil, fmt.Errorf("module path %q: use letters, digits and ./-_~", v.Module)
	}
	starter, err := render(name, v)
	if err != nil {
		return nil, err
	}
	if err := conflicts(dir, starter); err != nil {
		return nil, err
	}
	w := writer{}
	for _, f := range starter {
		if err := w.write(filepath.Join(dir, filepath.FromSlash(f.path)), f.content); err != nil {
			w.undo()
			return nil, fmt.Errorf("template %q: %w", name, err)
		}
		written = append(written, f.path)
	}
	return written, nil
}

func known(name string) bool {
	for _, t := range All() {
		if t.Name == name {
			return true
		}
	}
	return false
}

func names() string {
	var all []string
	for _, t := range All() {
		all = append(all, t.Name)
	}
	return strings.Join(all, ", ")
}

// file is one file of a starter, filled in.
type file struct {
	path    string
	content []byte
}

func render(name string, v Values) ([]file, error) {
	var rendered []file
	root := path.Join("files", name)
	err := fs.WalkDir(files, root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := files.ReadFile(p)
		if err != nil {
			return err
		}
		t, err := template.New(p).Option("missingkey=error").Parse(string(text))
		if err != nil {
			return err
		}
		var content bytes.Buffer
		if err := t.Execute(&content, v); err != nil {
			return err
		}
		rendered = append(rendered, file{path: target(strings.TrimPrefix(p, root+"/")), content: content.Bytes()})
		return nil
	})
	slices.SortFunc(rendered, func(a, b file) int { return strings.Compare(a.path, b.path) })
	return rendered, err
}

// target is where an embedded file is written to.
func target(p string) string {
	p = strings.TrimSuffix(p, ".tmpl")
	if dir, base := path.Split(p); base == "gitignore" {
		return dir + ".gitignore"
	}
	return p
}

func conflicts(dir string, starter []file) error {
	var there []string
	for _, f := range starter {
		_, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(f.path)))
		switch {
		case err == nil:
			there = append(there, f.path)
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	if len(there) > 0 {
		return &ConflictError{Dir: dir, Files: there}
	}
	return nil
}
