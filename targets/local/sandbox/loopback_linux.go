package sandbox

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An app listens on all addresses, but nothing of a developer's machine may be
// open to its network. The kernel stops the app at each bind and listen, and
// asks the init, which binds the app's own socket to loopback in its place and
// tells the app that this is done. Ports are kept.

// notification is the kernel's struct seccomp_notif.
type notification struct {
	ID    uint64
	Pid   uint32 // of the thread
	Flags uint32
	Call  struct {
		Number int32
		Arch   uint32
		IP     uint64
		Args   [6]uint64
	}
}

// notificationAnswer is the kernel's struct seccomp_notif_resp.
type notificationAnswer struct {
	ID    uint64
	Value int64
	Error int32
	Flags uint32
}

// notificationValid is SECCOMP_IOCTL_NOTIF_ID_VALID.
const notificationValid = 0x40082102

// answerBinds answers the calls until no process with the filter is left.
// Calls of an older kernel may be repeated, see filterListener.
func answerBinds(l filterListener) {
	listener := l.fd
	for {
		var n notification
		if err := ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&n)); err != nil {
			if err == unix.EINTR || err == unix.ENOENT && hasFilterUsers(listener) {
				continue // the caller has died, or was interrupted
			}
			return
		}
		a := notificationAnswer{ID: n.ID}
		if proceed, errno := answerCall(l, &n); proceed {
			a.Flags = unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE
		} else {
			a.Error = -int32(errno)
		}
		_ = ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&a))
	}
}

// hasFilterUsers tells whether a call may still arrive.
func hasFilterUsers(listener int) bool {
	poll := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
	_, err := unix.Poll(poll, 0)
	return err == unix.EINTR || err == nil && poll[0].Revents&unix.POLLHUP == 0
}

// answerCall carries out a call, or says that the kernel shall proceed with it.
func answerCall(l filterListener, n *notification) (proceed bool, errno unix.Errno) {
	socket, err := socketOf(int(n.Pid), int(int32(n.Call.Args[0])))
	if err != nil {
		return true, 0 // not a file descriptor; the kernel will say so
	}
	defer unix.Close(socket)
	domain, err := unix.GetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil || domain != unix.AF_INET && domain != unix.AF_INET6 {
		return true, 0
	}
	if n.Call.Number == unix.SYS_LISTEN {
		bindUnbound(socket, domain)
		return true, 0
	}
	// Both lengths are of the caller's memory, which must still be that of the
	// thread that called.
	size := int(uint32(n.Call.Args[2]))
	if size > 128 || size < 2 {
		return false, unix.EINVAL
	}
	address := make([]byte, size)
	local := []unix.Iovec{{Base: &address[0]}}
	local[0].SetLen(size)
	read, err := unix.ProcessVMReadv(int(n.Pid), local, []unix.RemoteIovec{{Base: uintptr(n.Call.Args[1]), Len: size}}, 0)
	if ioctl(l.fd, notificationValid, unsafe.Pointer(&n.ID)) != nil {
		return true, 0 // the caller is gone
	}
	if err != nil || read != size {
		return false, unix.EFAULT
	}
	toLoopback(socket, domain, address)
	errno = bindRaw(socket, address)
	if errno == unix.EINVAL && l.repeats && isBoundTo(socket, address) {
		errno = 0 // the first call did it
	}
	return false, errno
}

// toLoopback rewrites an address to the loopback address of its family.
func toLoopback(socket, domain int, address []byte) {
	a, port, ok := parseAddress(domain, address)
	if !ok || a.Unmap().IsLoopback() {
		return
	}
	kind, err := unix.GetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_TYPE)
	if err == nil && kind == unix.SOCK_DGRAM && port == 0 {
		return // a client, such as a resolver
	}
	if domain == unix.AF_INET {
		copy(address[4:8], []byte{127, 0, 0, 1})
		return
	}
	only6, err := unix.GetsockoptInt(socket, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY)
	loopback := netip.AddrFrom16(netip.MustParseAddr("127.0.0.1").As16())
	if err == nil && only6 != 0 {
		loopback = netip.IPv6Loopback()
	}
	bytes := loopback.As16()
	copy(address[8:24], bytes[:])
	clear(address[24:min(28, len(address))]) // the scope, which loopback has not
}

// parseAddress reads a struct sockaddr_in or sockaddr_in6. An address that the
// kernel will refuse anyway is not ok.
func parseAddress(domain int, address []byte) (a netip.Addr, port uint16, ok bool) {
	if len(address) < 4 {
		return a, 0, false
	}
	family := binary.NativeEndian.Uint16(address)
	port = binary.BigEndian.Uint16(address[2:])
	switch {
	case domain == unix.AF_INET && len(address) >= 16 && (family == unix.AF_INET || family == unix.AF_UNSPEC):
		return netip.AddrFrom4([4]byte(address[4:8])), port, true
	case domain == unix.AF_INET6 && len(address) >= 24 && family == unix.AF_INET6:
		return netip.AddrFrom16([16]byte(address[8:24])), port, true
	}
	return a, 0, false
}

// bindUnbound binds a socket without an address, which would listen at a port
// of the kernel's choice on all addresses.
func bindUnbound(socket, domain int) {
	if isBound(socket) {
		return
	}
	size := 16
	if domain == unix.AF_INET6 {
		size = 28
	}
	address := make([]byte, size)
	binary.NativeEndian.PutUint16(address, uint16(domain))
	toLoopback(socket, domain, address)
	_ = bindRaw(socket, address) // listen reports what is wrong with the socket
}

func isBound(socket int) bool {
	switch a, _ := unix.Getsockname(socket); a := a.(type) {
	case *unix.SockaddrInet4:
		return a.Port != 0
	case *unix.SockaddrInet6:
		return a.Port != 0
	}
	return true
}

// isBoundTo tells whether the socket has the address already. Port 0 means any.
func isBoundTo(socket int, address []byte) bool {
	switch a, _ := unix.Getsockname(socket); a := a.(type) {
	case *unix.SockaddrInet4:
		want, port, ok := parseAddress(unix.AF_INET, address)
		return ok && a.Port != 0 && netip.AddrFrom4(a.Addr) == want && (port == 0 || int(port) == a.Port)
	case *unix.SockaddrInet6:
		want, port, ok := parseAddress(unix.AF_INET6, address)
		return ok && a.Port != 0 && netip.AddrFrom16(a.Addr) == want && (port == 0 || int(port) == a.Port)
	}
	return false
}

// socketOf returns a file descriptor of this process for one of another.
func socketOf(thread, fd int) (int, error) {
	pidfd, err := unix.PidfdOpen(thread, 0)
	if err != nil {
		// Not the process's first thread.
		process, err := processOf(thread)
		if err != nil {
			return -1, err
		}
		if pidfd, err = unix.PidfdOpen(process, 0); err != nil {
			return -1, err
		}
	}
	defer unix.Close(pidfd)
	return unix.PidfdGetfd(pidfd, fd, 0)
}

// processOf returns the process that a thread belongs to.
func processOf(thread int) (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", thread))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "Tgid:"); ok {
			return strconv.Atoi(strings.TrimSpace(text))
		}
	}
	return 0, os.ErrNotExist
}

func bindRaw(socket int, address []byte) unix.Errno {
	_, _, errno := unix.Syscall(unix.SYS_BIND, uintptr(socket), uintptr(unsafe.Pointer(&address[0])), uintptr(len(address)))
	return errno
}

func ioctl(fd int, request uintptr, argument unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(argument)); errno != 0 {
		return errno
	}
	return nil
}
