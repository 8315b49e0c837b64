package release

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/twofoldhq/twofold/build"
)

// machines are the ELF machines of the supported architectures.
func machine(arch string) elf.Machine {
	if arch == "arm64" {
		return elf.EM_AARCH64
	}
	return elf.EM_X86_64
}

// checkCommand makes sure that the command can start where the tree will run, as
// far as that can be told from its file.
func checkCommand(spec Spec, t *build.Tree) error {
	ownBase := spec.Base == "" && t.Runtime == ""
	command := t.Command[0]
	if !strings.HasPrefix(command, "./") {
		if ownBase {
			return fmt.Errorf("command %q is looked up in PATH, and twofold's own base has no programs: begin it with ./ if it is a file of the build, or set base = \"IMAGE\" or runtime", command)
		}
		return nil
	}
	f, err := commandFile(t, path.Clean(command))
	if err != nil {
		return err
	}
	if !f.Executable {
		return fmt.Errorf("command %q is not executable: chmod +x %s", command, f.Source)
	}
	source, err := os.Open(f.Source)
	if err != nil {
		return fmt.Errorf("command %q: %w", command, err)
	}
	defer source.Close()
	return checkProgram(command, source, t.Platform, ownBase)
}

// commandFile finds the file of a path, through links.
func commandFile(t *build.Tree, name string) (*build.File, error) {
	first := name
	for range 40 {
		i, ok := slices.BinarySearchFunc(t.Files, name, func(f build.File, name string) int { return strings.Compare(f.Path, name) })
		if !ok {
			return nil, fmt.Errorf("command ./%s is no file of the build", first)
		}
		if t.Files[i].Link == "" {
			return &t.Files[i], nil
		}
		name = path.Join(path.Dir(name), t.Files[i].Link)
	}
	return nil, fmt.Errorf("command ./%s is a loop of links", first)
}

// checkProgram looks at the head of a program.
func checkProgram(command string, r io.ReaderAt, p build.Platform, ownBase bool) error {
	head := make([]byte, 4)
	n, err := r.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return fmt.Errorf("command %q: %w", command, err)
	}
	head = head[:n]
	switch {
	case bytes.HasPrefix(head, []byte("#!")):
		if ownBase {
			return fmt.Errorf("command %q is a script, and twofold's own base has no shell: set base = \"debian:stable-slim\" or another image that has what it needs", command)
		}
		return nil
	case !bytes.Equal(head, []byte(elf.ELFMAG)):
		return fmt.Errorf("command %q is no Linux program: build it for %s", command, p)
	}
	program, err := elf.NewFile(r)
	if err != nil {
		return fmt.Errorf("command %q is no Linux program that can be read: %w", command, err)
	}
	defer program.Close()
	if program.Machine != machine(p.Arch) {
		return fmt.Errorf("command %q is built for %s: build it for %s", command, strings.ToLower(strings.TrimPrefix(program.Machine.String(), "EM_")), p)
	}
	if !ownBase {
		return nil
	}
	for _, s := range program.Progs {
		if s.Type == elf.PT_INTERP {
			loader, _ := io.ReadAll(io.LimitReader(s.Open(), 4096))
			return fmt.Errorf("command %q is linked dynamically (it needs %s), and twofold's own base has no libc: link it statically (for Go: CGO_ENABLED=0), or set base = \"gcr.io/distroless/cc-debian12\" or another image that has it",
				command, strings.TrimRight(string(loader), "\x00"))
		}
	}
	return nil
}

// runtimeBases are the images that a tree with a runtime is laid upon when the
// manifest names none: the official ones, small.
var runtimeBases = []struct {
	runtime *regexp.Regexp
	image   string
}{
	{regexp.MustCompile(`^nodejs(\d+)\.x$`), "docker.io/library/node:$1-slim"},
	{regexp.MustCompile(`^python(\d+\.\d+)$`), "docker.io/library/python:$1-slim"},
	{regexp.MustCompile(`^java(\d+)$`), "docker.io/library/eclipse-temurin:$1-jre"},
	{regexp.MustCompile(`^ruby(\d+\.\d+)$`), "docker.io/library/ruby:$1-slim"},
	{regexp.MustCompile(`^dotnet(\d+)$`), "mcr.microsoft.com/dotnet/aspnet:$1.0"},
}

// baseReference is the reference of the image that a tree is laid upon, or "" for
// twofold's own base.
func baseReference(spec Spec, t *build.Tree) (string, error) {
	if spec.Base != "" || t.Runtime == "" {
		return spec.Base, nil
	}
	for _, b := range runtimeBases {
		if b.runtime.MatchString(t.Runtime) {
			return b.runtime.ReplaceAllString(t.Runtime, b.image), nil
		}
	}
	return "", fmt.Errorf("there is no default image for the runtime %q: set base = \"IMAGE\"", t.Runtime)
}
