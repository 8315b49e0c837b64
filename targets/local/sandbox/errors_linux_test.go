package sandbox

import (
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestStartSaysWhatIsWrong(t *testing.T) {
	needsNamespaces(t)
	root, mounts := imageRoot(t)
	foreign, foreignName := elf.EM_AARCH64, "arm64"
	own := elf.EM_X86_64
	if runtime.GOARCH == "arm64" {
		foreign, foreignName, own = own, "amd64", foreign
	}
	for name, file := range map[string]struct {
		content string
		mode    os.FileMode
	}{
		"app/plain":     {"text\n", 0o644},
		"app/text":      {"text\n", 0o755},
		"app/script":    {"#!/usr/bin/nosuch -x\n", 0o755},
		"app/windows":   {"#!/bin/sh\r\necho\r\n", 0o755},
		"app/foreign":   {elfFile(foreign, ""), 0o755},
		"app/dynamic":   {elfFile(own, "/lib/ld-nosuch.so.1"), 0o755},
		"app/private":   {"#!/bin/sh\n", 0o700},
		"etc/passwd":    {"root:x:0:0::/:/bin/sh\napi:x:1001:1002::/:\n", 0o644},
		"app/dir/inner": {"", 0o644},
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(file.content), file.mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/app/gone", filepath.Join(root, "app/link")); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		spec Spec
		want string
	}{
		{"no such file", Spec{Command: []string{"./server"}, Dir: "/app"}, `sandbox: start "./server": no such file; the image has no "/app/server"`},
		{"dangling link", Spec{Command: []string{"/app/link"}}, `no such file; "/app/link" is a link to "/app/gone", which the image has not`},
		{"no such program", Spec{Command: []string{"nosuch"}, Env: []string{"PATH=/bin:/app"}}, `start "nosuch": no such program; the image has none of that name in PATH (/bin:/app)`},
		{"no such program in the machine's view", Spec{Root: "-", Command: []string{"nosuch"}, Env: []string{"PATH=/bin"}}, `the sandbox has none of that name in PATH (/bin)`},
		{"not executable", Spec{Command: []string{"/app/plain"}}, `"/app/plain" is not executable; its mode is -rw-r--r--`},
		{"not executable, found in PATH", Spec{Command: []string{"plain"}, Env: []string{"PATH=/bin:/app"}}, `"/app/plain" is not executable`},
		{"a folder", Spec{Command: []string{"/app/dir"}}, `"/app/dir" is a folder`},
		{"text", Spec{Command: []string{"/app/text"}}, `exec format error: "/app/text" is neither a program for this machine nor a script`},
		{"another architecture", Spec{Command: []string{"/app/foreign"}}, `exec format error: "/app/foreign" is a program for ` + foreignName + `, and this machine is ` + runtime.GOARCH},
		{"no dynamic linker", Spec{Command: []string{"/app/dynamic"}}, `"/app/dynamic" needs "/lib/ld-nosuch.so.1" to run, which the image has not`},
		{"no interpreter", Spec{Command: []string{"/app/script"}}, `"/app/script" needs "/usr/bin/nosuch" to run, which the image has not`},
		{"Windows line ends", Spec{Command: []string{"/app/windows"}}, `needs "/bin/sh\\r" to run`},
		{"too much environment", Spec{Command: []string{"/bin/true"}, Env: []string{"A=" + strings.Repeat("a", 1<<20)}}, `the command and its environment are too long`},
		{"no such folder", Spec{Command: []string{"/bin/true"}, Dir: "/nosuch"}, `the working directory "/nosuch" does not exist in the image`},
		{"no such user", Spec{Command: []string{"/bin/true"}, User: "nosuch"}, `user "nosuch": no such user in /etc/passwd of the root: name it by its number`},
		{"no such group", Spec{Command: []string{"/bin/true"}, User: "api:nosuch"}, `no group "nosuch" in /etc/group`},
		{"no command", Spec{}, `the command is empty`},
		{"a relative mount point", Spec{Command: []string{"x"}, Mounts: []Mount{{Source: "/usr", Target: "usr"}}}, `"usr" must be an absolute path`},
		{"a mount over everything", Spec{Command: []string{"x"}, Mounts: []Mount{{Source: "/usr", Target: "/app/.."}}}, `must be an absolute path below /`},
		{"a missing source", Spec{Command: []string{"x"}, Mounts: []Mount{{Source: "/nosuch", Target: "/data"}}}, `mount on "/data": open "/nosuch": no such file`},
		{"a folder on a file", Spec{Command: []string{"x"}, Mounts: []Mount{{Source: "/usr", Target: "/app/plain"}}}, `a folder goes on a folder only`},
		{"no such root", Spec{Root: "/nosuch", Command: []string{"x"}}, `open "/nosuch": no such file`},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := test.spec
			switch s.Root {
			case "":
				s.Root = root
				s.Mounts = append(mounts[:len(mounts):len(mounts)], s.Mounts...)
			case "-":
				s.Root = ""
			}
			before := below()
			p, err := Start(t.Context(), s)
			if err == nil {
				t.Fatalf("it starts: %v", wait(t, p))
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is\n%v\nwant\n%s", err, test.want)
			}
			if after := below(); !slices.Equal(before, after) {
				t.Errorf("processes %v are left", after)
			}
		})
	}
	if os.Geteuid() == 0 {
		_, err := Start(t.Context(), Spec{Root: root, Mounts: mounts, Command: []string{"/app/private"}, User: "1001"})
		if err == nil || !strings.Contains(err.Error(), `permission denied: user 1001 may not execute "/app/private"`) {
			t.Errorf("a program of another user: %v", err)
		}
	}
}

// elfFile is a program of which only the head is right.
func elfFile(machine elf.Machine, interpreter string) string {
	head := elf.Header64{
		Ident: [16]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(machine), Version: 1,
		Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1, Shentsize: 64,
	}
	part := elf.Prog64{Type: uint32(elf.PT_LOAD), Off: 120, Filesz: 1, Memsz: 1, Align: 1}
	if interpreter != "" {
		size := uint64(len(interpreter) + 1)
		part = elf.Prog64{Type: uint32(elf.PT_INTERP), Off: 120, Filesz: size, Memsz: size, Align: 1}
	}
	file, err := binary.Append(nil, binary.LittleEndian, head)
	if err != nil {
		panic(err)
	}
	if file, err = binary.Append(file, binary.LittleEndian, part); err != nil {
		panic(err)
	}
	return string(file) + interpreter + "\x00"
}

func TestStartIsBoundByItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Start(ctx, appSpec("wait")); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	// A start that is cancelled while the init is at work leaves nothing. Where
	// it is caught differs, so it is tried often.
	eachWay(t, func(t *testing.T, m machine) {
		before := below()
		for i := range 50 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*200*time.Microsecond)
			p, err := start(ctx, appSpec("wait"), m, false)
			cancel()
			if err == nil {
				_ = p.Kill()
				wait(t, p)
			} else if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error is %v", err)
			}
		}
		if after := below(); !slices.Equal(before, after) {
			t.Errorf("processes %v are left", after)
		}
	})
	// And one that has started does not end with its context.
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	s := appSpec("wait", "4")
	p, err := Start(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case <-p.Done():
		t.Errorf("the process ended: %#v", p.Exit())
	default:
	}
	_ = p.Kill()
	wait(t, p)
}
