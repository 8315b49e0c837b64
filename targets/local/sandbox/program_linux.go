package sandbox

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"runtime"
	"strings"
	"syscall"
)

// defaultPath is where programs are looked up when the environment has no PATH.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// findProgram returns the file that the command names. It runs inside of the
// sandbox's root.
func findProgram(c *config) (string, *failure) {
	if info, err := os.Stat(c.Dir); err != nil || !info.IsDir() {
		return "", c.failure("the working directory %q does not exist in the %s", c.Dir, c.where())
	}
	name := c.Command[0]
	if strings.Contains(name, "/") {
		if !path.IsAbs(name) {
			name = path.Join(c.Dir, name)
		}
		return name, c.check(name)
	}
	folders, ok := lookupEnv(c.Env, "PATH")
	if !ok {
		folders = defaultPath
	}
	var found *failure
	for folder := range strings.SplitSeq(folders, ":") {
		if folder == "" {
			continue // the current folder, which no app should rely on
		}
		file := path.Join(folder, name)
		f := c.check(file)
		if f == nil {
			return file, nil
		}
		if _, err := os.Stat(file); err == nil {
			found = f
		}
	}
	if found != nil {
		return "", found
	}
	return "", c.failure("no such program; the %s has none of that name in PATH (%s)", c.where(), folders)
}

// check tells what is wrong with a file that is to be executed.
func (c *config) check(file string) *failure {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if link, err := os.Readlink(file); err == nil {
			return c.failure("no such file; %q is a link to %q, which the %s has not", file, link, c.where())
		}
		return c.failure("no such file; the %s has no %q", c.where(), file)
	case err != nil:
		return c.failure("%v", err)
	case info.IsDir():
		return c.failure("%q is a folder", file)
	case info.Mode()&0o111 == 0:
		return c.failure("%q is not executable; its mode is %v: make it executable before the build packs it", file, info.Mode())
	}
	return nil
}

func (c *config) where() string {
	switch {
	case !c.Namespaces:
		return "machine"
	case c.Root != "":
		return "image"
	}
	return "sandbox"
}

func (c *config) failure(format string, args ...any) *failure {
	return &failure{Text: fmt.Sprintf(format, args...)}
}

// explain says why a program that exists could not be executed.
func explain(c *config, file string, err error) *failure {
	text := err.Error()
	var number syscall.Errno
	if !errors.As(err, &number) {
		return c.failure("%s", text)
	}
	switch number {
	case syscall.ENOENT:
		if interpreter := interpreterOf(file); interpreter != "" {
			return c.failure("%q needs %q to run, which the %s has not", file, interpreter, c.where())
		}
	case syscall.ENOEXEC:
		if machine := machineOf(file); machine != "" {
			return c.failure("exec format error: %q is a program for %s, and this machine is %s", file, machine, runtime.GOARCH)
		}
		return c.failure("exec format error: %q is neither a program for this machine nor a script that begins with \"#!\"", file)
	case syscall.EACCES:
		return c.failure("permission denied: user %d may not execute %q, or not enter one of its folders", c.User.UID, file)
	case syscall.E2BIG:
		return c.failure("the command and its environment are too long")
	}
	return c.failure("%q: %s", file, text)
}

// scriptLineMax is how much of a script's first line the kernel reads.
const scriptLineMax = 256

// interpreterOf returns the program that the kernel runs to execute a file: of
// a script the one of its first line, of a program its dynamic linker.
func interpreterOf(file string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	head := make([]byte, scriptLineMax)
	n, _ := io.ReadFull(f, head)
	if line, ok := bytes.CutPrefix(head[:n], []byte("#!")); ok {
		line, _, _ = bytes.Cut(line, []byte("\n"))
		if words := strings.Fields(string(line)); len(words) > 0 {
			if strings.HasSuffix(string(line), "\r") {
				return words[0] + `\r` // Windows line ends
			}
			return words[0]
		}
		return ""
	}
	program, err := elf.NewFile(f)
	if err != nil {
		return ""
	}
	for _, p := range program.Progs {
		if p.Type == elf.PT_INTERP && p.Filesz < 4096 {
			name, _ := io.ReadAll(p.Open())
			return string(bytes.TrimRight(name, "\x00"))
		}
	}
	return ""
}

// machineOf names the architecture of an ELF program that is not this one.
func machineOf(file string) string {
	program, err := elf.Open(file)
	if err != nil {
		return ""
	}
	defer program.Close()
	switch program.Machine {
	case elf.EM_X86_64:
		return "amd64"
	case elf.EM_AARCH64:
		return "arm64"
	}
	return strings.ToLower(strings.TrimPrefix(program.Machine.String(), "EM_"))
}
