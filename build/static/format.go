package static

import (
	"bytes"
	"debug/elf"
	byteorder "encoding/binary"
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
	return checkExecutable(f, path, p, setting)
}

// checkExecutable does so for the content of the file at path.
func checkExecutable(f io.ReaderAt, path string, p build.Platform, setting string) error {
	begin := make([]byte, 64)
	n, err := f.ReadAt(begin, 0)
	if err != nil && err != io.EOF {
		return fmt.Errorf("build static: read %s: %w", path, err)
	}
	if begin = begin[:n]; !bytes.HasPrefix(begin, []byte(elf.ELFMAG)) {
		what, fix := describe(begin)
		return wrong("This is no Linux executable", fmt.Sprintf("%s is %s. %s", path, what, fix))
	}
	if len(begin) < 64 {
		return wrong("The binary is damaged", path+" begins like a Linux executable and ends at once. Build or fetch it again.")
	}
	// The fields are at the same offsets in the headers of 32 and 64 bits, but for
	// the size of the entry; on a machine of the right kind it has 64.
	var (
		system  = elf.OSABI(begin[elf.EI_OSABI])
		kind    = elf.Type(binary16(begin, 16))
		machine = elf.Machine(binary16(begin, 18))
		noEntry = bytes.Count(begin[24:32], []byte{0}) == 8
	)
	if have := architecture(machine); have != p.Arch {
		fix := "Build it for " + p.String() + ", or leave that platform out with platforms."
		if !strings.Contains(setting, "{arch}") {
			fix = "With {arch} in its path there can be one binary a platform; or leave " + p.String() + " out with platforms."
		}
		return wrong("The binary is for another platform",
			fmt.Sprintf("%s is for %s and cannot run on %s. %s", path, have, p, fix))
	}
	switch {
	case system != elf.ELFOSABI_NONE && system != elf.ELFOSABI_LINUX:
		return wrong("The binary is for another system", fmt.Sprintf("%s is for %s, not for Linux.", path, strings.TrimPrefix(system.String(), "ELFOSABI_")))
	case kind == elf.ET_REL:
		return wrong("This is no executable", path+" is an object file that was not linked.")
	case kind != elf.ET_EXEC && kind != elf.ET_DYN, noEntry:
		return wrong("This is no executable", path+" is a library: it has nothing to start.")
	}
	return nil
}

// binary16 reads a number of the header in the byte order that the header states.
func binary16(header []byte, at int) uint16 {
	if header[elf.EI_DATA] == byte(elf.ELFDATA2MSB) {
		return byteorder.BigEndian.Uint16(header[at:])
	}
	return byteorder.LittleEndian.Uint16(header[at:])
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
