package static

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/twofoldhq/twofold/build"
)

// machines are the ELF machines of the architectures, by Go's names.
var machines = [...]struct {
	arch    string
	machine elf.Machine
}{
	{"amd64", elf.EM_X86_64},
	{"arm64", elf.EM_AARCH64},
	{"386", elf.EM_386},
	{"arm", elf.EM_ARM},
	{"riscv64", elf.EM_RISCV},
	{"ppc64le", elf.EM_PPC64},
	{"s390x", elf.EM_S390},
}

// checkFormat finds out whether a file is an executable for the platform.
func checkFormat(path string, p build.Platform, setting string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrPermission) {
		return wrong("The binary cannot be read", "Run chmod u+r "+path)
	}
	if err != nil {
		return fmt.Errorf("build static: %w", err)
	}
	defer f.Close()
	begin := make([]byte, 64)
	n, err := io.ReadFull(f, begin)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return fmt.Errorf("build static: read %s: %w", path, err)
	}
	if begin = begin[:n]; !bytes.HasPrefix(begin, []byte(elf.ELFMAG)) {
		what, fix := describe(begin)
		return wrong("This is no Linux executable", fmt.Sprintf("%s is %s. %s", path, what, fix))
	}
	header, err := elf.NewFile(f)
	if err != nil {
		return wrong("The binary is damaged", fmt.Sprintf("%s begins like a Linux executable, but: %v. Build or fetch it again.", path, err))
	}
	defer header.Close()
	if have := architecture(header.Machine); have != p.Arch {
		fix := "Build it for " + p.String() + ", or leave that platform out with platforms."
		if !strings.Contains(setting, "{arch}") {
			fix = "With {arch} in its path there can be one binary a platform; or leave " + p.String() + " out with platforms."
		}
		return wrong("The binary is for another platform",
			fmt.Sprintf("%s is for %s and cannot run on %s. %s", path, have, p, fix))
	}
	switch {
	case header.OSABI != elf.ELFOSABI_NONE && header.OSABI != elf.ELFOSABI_LINUX:
		return wrong("The binary is for another system", fmt.Sprintf("%s is for %s, not for Linux.", path, strings.TrimPrefix(header.OSABI.String(), "ELFOSABI_")))
	case header.Type == elf.ET_REL:
		return wrong("This is no executable", path+" is an object file that was not linked.")
	case header.Type != elf.ET_EXEC && header.Type != elf.ET_DYN, header.Entry == 0:
		return wrong("This is no executable", path+" is a library: it has nothing to start.")
	}
	return nil
}

func architecture(m elf.Machine) string {
	for _, known := range machines {
		if known.machine == m {
			return known.arch
		}
	}
	return m.String()
}

// describe says what a file is that is no ELF file, and what to do instead.
func describe(begin []byte) (what, fix string) {
	const forLinux = "Build it for Linux."
	has := func(magic string) bool { return bytes.HasPrefix(begin, []byte(magic)) }
	switch {
	case len(begin) == 0:
		return "an empty file", "Build it again."
	case has("#!"):
		line, _, _ := bytes.Cut(begin, []byte("\n"))
		return fmt.Sprintf("a script (%s)", line), `Use build "command", with the runtime that it needs.`
	case has("MZ"):
		return "a Windows executable", forLinux
	case has("\xcf\xfa\xed\xfe"), has("\xce\xfa\xed\xfe"), has("\xca\xfe\xba\xbe"):
		return "a macOS executable or a Java class", forLinux
	case has("\x00asm"):
		return "a WebAssembly module", "It needs a runtime to start it."
	case has("!<arch>"):
		return "an archive of object files", "In Go, this comes from a package that is not main."
	case has("PK\x03\x04"):
		return "a zip or jar file", "Unpack it first."
	case has("\x1f\x8b"), has("\xfd7zXZ"), has("\x28\xb5\x2f\xfd"):
		return "a compressed file", "Unpack it first."
	}
	return "a file of another kind", forLinux
}
