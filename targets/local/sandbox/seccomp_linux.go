package sandbox

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// refusedCalls are those that reach far into the kernel, need no capability on
// some machines, and that no service needs. Container engines refuse them too.
// A call on io_uring could bind a socket past the filter.
var refusedCalls = map[uint32]unix.Errno{
	unix.SYS_IO_URING_SETUP:    unix.ENOSYS,
	unix.SYS_IO_URING_ENTER:    unix.ENOSYS,
	unix.SYS_IO_URING_REGISTER: unix.ENOSYS,
	unix.SYS_KEYCTL:            unix.EPERM,
	unix.SYS_ADD_KEY:           unix.EPERM,
	unix.SYS_REQUEST_KEY:       unix.EPERM,
	unix.SYS_BPF:               unix.EPERM,
	unix.SYS_PERF_EVENT_OPEN:   unix.EPERM,
	unix.SYS_USERFAULTFD:       unix.EPERM,
}

// x32 marks the system calls of an ABI that shares the architecture of x86-64.
const x32 = 0x40000000

// auditArch is the kernel's number of the architecture, if filters are written for it.
func auditArch() (uint32, bool) {
	switch runtime.GOARCH {
	case "amd64":
		return unix.AUDIT_ARCH_X86_64, true
	case "arm64":
		return unix.AUDIT_ARCH_AARCH64, true
	}
	return 0, false
}

// filter is a program over struct seccomp_data (the number at 0, the
// architecture at 4) that returns what happens to a system call.
func filter(arch uint32, refuse, loopback bool) []unix.SockFilter {
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	answer := func(k uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k}
	}
	// skipUnless jumps over one instruction unless the loaded value is k.
	skipUnless := func(k uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: k, Jf: 1}
	}
	program := []unix.SockFilter{
		load(4),
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: arch, Jt: 1},
		answer(unix.SECCOMP_RET_ALLOW), // a 32-bit program
		load(0),
	}
	if runtime.GOARCH == "amd64" {
		program = append(program,
			unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, K: x32, Jf: 1},
			answer(unix.SECCOMP_RET_ERRNO|uint32(unix.ENOSYS)))
	}
	if refuse {
		for number, errno := range refusedCalls {
			program = append(program, skipUnless(number), answer(unix.SECCOMP_RET_ERRNO|uint32(errno)))
		}
	}
	if loopback {
		for _, number := range []uint32{unix.SYS_BIND, unix.SYS_LISTEN} {
			program = append(program, skipUnless(number), answer(unix.SECCOMP_RET_USER_NOTIF))
		}
	}
	return append(program, answer(unix.SECCOMP_RET_ALLOW))
}

// filterListener is where the calls of bind and listen arrive.
type filterListener struct {
	fd int // -1 if none do
	// repeats: a signal makes the app repeat a call that has been answered.
	repeats bool
}

// installFilter restricts the calling thread and the processes that it will
// fork. Only with loopback a listener is open.
func installFilter(refuse, loopback bool) (filterListener, error) {
	none := filterListener{fd: -1}
	if !refuse && !loopback {
		return none, nil
	}
	arch, ok := auditArch()
	if !ok {
		return none, fmt.Errorf("no system call filter for %s", runtime.GOARCH)
	}
	program := filter(arch, refuse, loopback)
	flags := uintptr(0)
	if loopback {
		flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
		// A signal, which the Go runtime of an app sends itself often, must not
		// interrupt a call that has been taken up. Linux can do that since 5.19.
		fd, errno := seccomp(flags|unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, program)
		if errno != unix.EINVAL {
			return listenerOf(fd, errno, false)
		}
	}
	fd, errno := seccomp(flags, program)
	if !loopback {
		fd = -1
	}
	return listenerOf(fd, errno, true)
}

func listenerOf(fd int, errno unix.Errno, repeats bool) (filterListener, error) {
	if errno != 0 {
		return filterListener{fd: -1}, fmt.Errorf("install the system call filter: %w", errno)
	}
	return filterListener{fd: fd, repeats: repeats}, nil
}

func seccomp(flags uintptr, program []unix.SockFilter) (int, unix.Errno) {
	p := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&p)))
	return int(fd), errno
}
