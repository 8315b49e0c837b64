package static

import (
	"bytes"
	"debug/elf"
	byteorder "encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/manifest/schema"
)

var (
	amd64 = build.Platform{OS: "linux", Arch: "amd64"}
	arm64 = build.Platform{OS: "linux", Arch: "arm64"}
)

// executable is the header of an ELF file, as far as the kernel looks at it.
func executable(change func(*elf.Header64)) string {
	h := elf.Header64{
		Ident:     [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:      uint16(elf.ET_EXEC),
		Machine:   uint16(elf.EM_X86_64),
		Version:   uint32(elf.EV_CURRENT),
		Entry:     0x401000,
		Phoff:     64,
		Ehsize:    64,
		Phentsize: 56,
		Shentsize: 64,
	}
	if change != nil {
		change(&h)
	}
	var b bytes.Buffer
	byteorder.Write(&b, byteorder.LittleEndian, h)
	return b.String()
}

func forARM(h *elf.Header64) { h.Machine = uint16(elf.EM_AARCH64) }

func request(t *testing.T, files map[string]string, set schema.Values) build.Request {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return build.Request{Dir: dir, WorkDir: filepath.Join(dir, "work"), Settings: set, Platforms: []build.Platform{amd64}}
}

func TestBinaryAndFilesBecomeTheTree(t *testing.T) {
	req := request(t, map[string]string{
		"dist/app-amd64": executable(nil), "dist/app-arm64": executable(forARM), "static/a.css": "",
	}, schema.Values{"binary": "dist/app-{arch}", "args": []string{"serve"}, "files": []string{"static"}})
	if err := os.Symlink("app-amd64", filepath.Join(req.Dir, "dist/latest")); err != nil {
		t.Fatal(err)
	}
	req.Platforms = []build.Platform{arm64, amd64}
	trees, err := Builder{}.Build(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	for i, arch := range []string{"arm64", "amd64"} {
		f := trees[i].Files[0]
		if f.Path != "server" || !f.Executable || filepath.Base(f.Source) != "app-"+arch || f.Info.Size() != 64 {
			t.Errorf("%s: got %+v", arch, f)
		}
		if trees[i].Files[1].Path != "static/a.css" {
			t.Errorf("%s: got %+v", arch, trees[i].Files)
		}
		if diff := cmp.Diff([]string{"./server", "serve"}, trees[i].Command); diff != "" {
			t.Error(diff)
		}
	}
	if _, err := os.Stat(req.WorkDir); err == nil {
		t.Error("the builder made a work folder that it does not need")
	}

	req.Platforms = []build.Platform{amd64}
	req.Settings["binary"] = "dist/latest"
	if trees, err = (Builder{}).Build(t.Context(), req); err != nil || !trees[0].Files[0].Info.Mode().IsRegular() {
		t.Errorf("by way of a link: %v", err)
	}
}

func TestWhatIsNoBinaryForThePlatform(t *testing.T) {
	for _, c := range []struct {
		name, content string
		want          []string
	}{
		{"another architecture", executable(forARM), []string{"arm64", "linux/amd64", "{arch}"}},
		{"an unknown architecture", executable(func(h *elf.Header64) { h.Machine = uint16(elf.EM_MIPS) }), []string{"EM_MIPS"}},
		{"another system", executable(func(h *elf.Header64) { h.Ident[elf.EI_OSABI] = byte(elf.ELFOSABI_FREEBSD) }), []string{"FREEBSD"}},
		{"an object file", executable(func(h *elf.Header64) { h.Type = uint16(elf.ET_REL) }), []string{"object file"}},
		{"a library", executable(func(h *elf.Header64) { h.Type, h.Entry = uint16(elf.ET_DYN), 0 }), []string{"library"}},
		{"a truncated executable", executable(nil)[:40], []string{"damaged"}},
		{"a script", "#!/usr/bin/env node\nmore", []string{"#!/usr/bin/env node", `build "command"`}},
		{"a macOS executable", "\xcf\xfa\xed\xfe more", []string{"macOS"}},
		{"a Windows executable", "MZ\x90", []string{"Windows"}},
		{"a library of Go", "!<arch>\n", []string{"archive", "not main"}},
		{"a jar", "PK\x03\x04", []string{"jar"}},
		{"a gzip file", "\x1f\x8b\x08", []string{"compressed"}},
		{"WebAssembly", "\x00asm", []string{"WebAssembly"}},
		{"text", "hello", []string{"another kind"}},
		{"nothing", "", []string{"empty file"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			req := request(t, map[string]string{"server": c.content}, schema.Values{"binary": "server"})
			_, err := Builder{}.Build(t.Context(), req)
			var e *schema.Error
			if !errors.As(err, &e) || e.Attribute != "binary" {
				t.Fatalf("got %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(e.Summary+" "+e.Detail, want) {
					t.Errorf("%q is not in: %v", want, e)
				}
			}
		})
	}
}

func TestPositionIndependentExecutableIsTaken(t *testing.T) {
	req := request(t, map[string]string{"server": executable(func(h *elf.Header64) { h.Type = uint16(elf.ET_DYN) })}, schema.Values{"binary": "server"})
	if _, err := (Builder{}).Build(t.Context(), req); err != nil {
		t.Error(err)
	}
}

func TestBinaryThatIsNotThere(t *testing.T) {
	for name, set := range map[string]string{"missing": "dist/server-{arch}", "a folder": "dist"} {
		req := request(t, map[string]string{"dist/other": ""}, schema.Values{"binary": set})
		_, err := Builder{}.Build(t.Context(), req)
		var e *schema.Error
		if !errors.As(err, &e) || e.Attribute != "binary" || !strings.Contains(e.Detail, req.Dir) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestFilesMustNotBeCalledLikeTheBinary(t *testing.T) {
	req := request(t, map[string]string{"x": executable(nil), "server": ""}, schema.Values{"binary": "x", "files": []string{"server"}})
	if _, err := (Builder{}).Build(t.Context(), req); err == nil || !strings.Contains(err.Error(), `"server" is in the tree already`) {
		t.Errorf("got %v", err)
	}
}

func FuzzCheckFormat(f *testing.F) {
	f.Add([]byte(executable(nil)))
	f.Add([]byte(executable(forARM)))
	f.Add([]byte("\x7fELF"))
	f.Add([]byte("#!/bin/sh\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		err := checkExecutable(bytes.NewReader(data), "x", amd64, "x")
		if err == nil && !bytes.HasPrefix(data, []byte(elf.ELFMAG)) {
			t.Error("accepted what is no executable")
		}
	})
}
