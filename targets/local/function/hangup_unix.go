//go:build unix

package function

import (
	"net"
	"syscall"
)

// hungUp reports whether the other side of a connection has closed it. It looks
// at what has arrived without taking it, so it may be called while another
// goroutine reads.
func hungUp(c *net.TCPConn) bool {
	return ask(c, func(fd int) bool {
		var b [1]byte
		n, _, err := syscall.Recvfrom(fd, b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return n == 0 && err == nil || err == syscall.ECONNRESET
	})
}

// socketFailed reports whether the kernel has an error for the connection that
// nobody was told of yet.
func socketFailed(c *net.TCPConn) bool {
	return ask(c, func(fd int) bool {
		code, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ERROR)
		return err == nil && code != 0
	})
}

func ask(c *net.TCPConn, question func(fd int) bool) (yes bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	_ = raw.Control(func(fd uintptr) { yes = question(int(fd)) })
	return yes
}
