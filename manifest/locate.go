package manifest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The names of a manifest.
const (
	DefaultFile  = "twofold.hcl"
	JSONFileName = "twofold.hcl.json"
)

// example is what the messages about a missing manifest propose.
const example = `    project = "shop"
    service "web" {
      build "go" { package = "." }
    }`

// locate finds the manifest and returns the absolute paths of its files, the main
// one first.
func locate(path string) ([]string, *Diagnostic) {
	if path == "" {
		file, diag := search()
		if diag != nil {
			return nil, diag
		}
		return parts(file)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	info, err := os.Stat(abs)
	if err != nil {
		return nil, unreadable(path, err)
	}
	if !info.IsDir() {
		return []string{abs}, nil
	}
	file, diag := inFolder(abs)
	if file == "" && diag == nil {
		diag = &Diagnostic{
			Summary: "No manifest in " + path,
			Detail: fmt.Sprintf("The folder has neither %s nor %s.%s Create %s, for example:\n\n%s",
				DefaultFile, JSONFileName, lookalike(abs), DefaultFile, example),
		}
	}
	if diag != nil {
		return nil, diag
	}
	return parts(file)
}

// Files returns the files of which Load reads a manifest, the main one first. The
// path is that of Options. Each is relative to the working folder where that is
// shorter.
func Files(path string) ([]string, *Diagnostics) {
	paths, problem := locate(path)
	if problem != nil {
		return nil, fileProblem(problem)
	}
	for i := range paths {
		paths[i] = shownAs(paths[i])
	}
	return paths, &Diagnostics{}
}

// parts returns the files of a folder's manifest: the main one, and the others of
// its folder in the order of their names.
func parts(file string) ([]string, *Diagnostic) {
	dir := filepath.Dir(file)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, unreadable(dir, err)
	}
	files := []string{file}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if path == file || !isPart(e.Name()) {
			continue
		}
		// A folder, a pipe or a link to nothing of that name is no part.
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			files = append(files, path)
		}
	}
	return files, nil
}

// The files beside a manifest that are no part of it: the requests of twofold
// parity, and values for --var-file.
const (
	requestsFile  = "requests.hcl"
	valuesSuffix  = ".vars.hcl"
	valuesSuffix2 = ".vars.hcl.json"
)

func isPart(name string) bool {
	switch {
	case strings.HasPrefix(name, "."), name == requestsFile, isValues(name):
		return false
	}
	return strings.HasSuffix(name, ".hcl") || strings.HasSuffix(name, ".hcl.json")
}

func isValues(name string) bool {
	return strings.HasSuffix(name, valuesSuffix) || strings.HasSuffix(name, valuesSuffix2)
}

// search looks in the working folder and then in its parents.
func search() (string, *Diagnostic) {
	working, err := os.Getwd()
	if err != nil {
		return "", unreadable("the working folder", err)
	}
	for dir := working; ; {
		file, diag := inFolder(dir)
		if file != "" || diag != nil {
			return file, diag
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	return "", &Diagnostic{
		Summary: "No manifest found",
		Detail: fmt.Sprintf("Neither %s nor a folder above it has a %s or %s.%s Create %s in the project's folder, for example:\n\n%s\n\nA manifest in another place is named with --manifest FILE.",
			working, DefaultFile, JSONFileName, lookalike(working), DefaultFile, example),
	}
}

// inFolder returns the manifest of a folder, or "" if it has none.
func inFolder(dir string) (string, *Diagnostic) {
	var found []string
	for _, name := range []string{DefaultFile, JSONFileName} {
		// A folder of that name, or one that may not be looked at, is not ours.
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && !info.IsDir() {
			found = append(found, filepath.Join(dir, name))
		}
	}
	switch len(found) {
	case 0:
		return "", nil
	case 1:
		return found[0], nil
	}
	return "", &Diagnostic{
		Summary: "Two manifests in one folder",
		Detail:  fmt.Sprintf("%s has both %s and %s. Remove one, or name the one to use with --manifest FILE.", dir, DefaultFile, JSONFileName),
	}
}

// lookalike names a file of the folder that was probably meant as the
// manifest, as a sentence with a leading space, or "".
func lookalike(dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ""
	}
	for _, e := range entries {
		lower := strings.ToLower(e.Name())
		if !e.IsDir() && (lower == DefaultFile || lower == JSONFileName || strings.HasPrefix(lower, "twofold.")) {
			return fmt.Sprintf(" There is a file %s; a manifest has to be named %s.", e.Name(), DefaultFile)
		}
	}
	return ""
}

// read returns the content of a manifest. It never waits for a pipe or a
// device, and reads little more than the limit of a file of any size.
func read(file, shown string) ([]byte, *Diagnostic) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, unreadable(shown, err)
	}
	if !info.Mode().IsRegular() {
		return nil, &Diagnostic{
			Summary: "The manifest is not a file",
			Detail:  fmt.Sprintf("%s is %s. Name a file with --manifest FILE.", shown, kindOfFile(info.Mode())),
		}
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, unreadable(shown, err)
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, unreadable(shown, err)
	}
	return src, nil
}

func kindOfFile(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}

func unreadable(shown string, err error) *Diagnostic {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	detail := fmt.Sprintf("%s: %v.", shown, err)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		detail = fmt.Sprintf("%s does not exist. Name another file with --manifest FILE, or create it, for example:\n\n%s", shown, example)
	case errors.Is(err, fs.ErrPermission):
		detail = fmt.Sprintf("%s may not be read by you. Change its permissions, for example: chmod u+r %s", shown, shown)
	}
	return &Diagnostic{Summary: "The manifest cannot be read", Detail: detail}
}

// shownAs returns the shorter of the absolute path and the one relative to the
// working folder.
func shownAs(file string) string {
	working, err := os.Getwd()
	if err != nil {
		return file
	}
	rel, err := filepath.Rel(working, file)
	if err != nil || len(rel) >= len(file) {
		return file
	}
	return rel
}
