//go:build linux

package main

import (
	"errors"
	"syscall"
	"time"
	"unsafe"
)

// This file is one TCP connection on plain blocking system calls. The adapter
// does one thing at a time, so the poller of package net would only add a change
// of goroutine to each read. docs/adapter.md has the figures.

var (
	errTimeout  = errors.New("the deadline has passed")
	errNoAnswer = errors.New("it closed the connection before it answered")
)

const (
	firstBuffer = 16 << 10
	// keptBuffer is how large a buffer may be that is kept for the next exchange.
	keptBuffer = 1 << 20
	// minRead is how much room a read is given at least.
	minRead = 4 << 10
)

// conn is a connection that one goroutine uses at a time.
type conn struct {
	fd int
	// buf[:n] is what has been received of the present answer.
	buf []byte
	n   int
	// used counts the exchanges so far.
	used int
	// last is when the exchange before this one ended.
	last time.Time
	// timeout is the receive timeout that the socket has, 0 for none.
	timeout time.Duration
	open    bool

	msg syscall.Msghdr
	iov [3]syscall.Iovec
}

// connect opens the connection. The receive buffer of an earlier one is kept.
func (c *conn) connect(family int, address syscall.Sockaddr, deadline time.Time) error {
	c.close()
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	c.fd, c.open, c.used, c.timeout = fd, true, 0, 0
	if !deadline.IsZero() {
		// Linux bounds a connect by the send timeout.
		t := syscall.NsecToTimeval(max(int64(time.Until(deadline)), int64(time.Millisecond)))
		if err := syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &t); err != nil {
			c.close()
			return err
		}
	}
	if err := c.connectSocket(address); err != nil {
		c.close()
		if err == syscall.EINPROGRESS || err == syscall.EAGAIN {
			return errTimeout
		}
		return err
	}
	// A head and a body leave in one piece; waiting for more only adds delay.
	_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	return nil
}

func (c *conn) connectSocket(address syscall.Sockaddr) error {
	err := syscall.Connect(c.fd, address)
	if err == syscall.EINTR {
		// The connect goes on; it is done when the socket can be written to.
		if err = c.poll(pollOut, time.Time{}); err == nil {
			var code int
			if code, err = syscall.GetsockoptInt(c.fd, syscall.SOL_SOCKET, syscall.SO_ERROR); err == nil && code != 0 {
				err = syscall.Errno(code)
			}
		}
	}
	if err != nil {
		return err
	}
	if c.selfConnected() {
		return syscall.ECONNREFUSED
	}
	return nil
}

// selfConnected reports whether the socket is connected to itself, as happens when
// nobody listens on a port of the ephemeral range and the kernel picks that same
// port for the client. It would keep the app from listening there.
func (c *conn) selfConnected() bool {
	own, err := syscall.Getsockname(c.fd)
	if err != nil {
		return false
	}
	peer, err := syscall.Getpeername(c.fd)
	if err != nil {
		return false
	}
	a, ok1 := own.(*syscall.SockaddrInet4)
	b, ok2 := peer.(*syscall.SockaddrInet4)
	return ok1 && ok2 && *a == *b
}

func (c *conn) close() {
	if c.open {
		c.open = false
		_ = syscall.Close(c.fd)
	}
}

// usable reports whether the connection is open and the other side has neither
// closed it nor sent what nobody asked for.
func (c *conn) usable() bool {
	if !c.open {
		return false
	}
	var b [1]byte
	_, err := c.receive(b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	return err == syscall.EAGAIN
}

// exchange sends head and body and reads the answer into c.buf[:c.n], with r as
// its reader. It sends and receives at the same time, because an app may answer
// before it has read the body, or while it reads it. A zero deadline is none.
//
// After an error, or if the connection cannot be used again, it is closed.
func (c *conn) exchange(head, body []byte, r *response, deadline time.Time) error {
	c.n = 0
	err := c.transfer(head, body, r, deadline)
	if err != nil || !r.reuse && r.state == complete {
		c.close()
	}
	c.used++
	c.last = time.Now()
	return err
}

func (c *conn) transfer(head, body []byte, r *response, deadline time.Time) error {
	for len(head)+len(body) > 0 {
		n, err := c.sendBoth(head, body)
		if err == syscall.EAGAIN {
			done, err := c.waitToSend(r, deadline)
			if err != nil {
				return err
			}
			if done { // an early answer: the rest of the body is not wanted
				r.reuse = false
				return nil
			}
			continue
		}
		if err != nil { // the other side takes no more, but may have answered
			return c.readRest(r, deadline)
		}
		k := min(n, len(head))
		head, body = head[k:], body[n-k:]
	}
	if r.stream && r.begun() {
		return nil
	}
	return c.readRest(r, deadline)
}

// waitToSend waits until more can be sent, and reads what arrives meanwhile. It
// reports whether the answer is whole.
func (c *conn) waitToSend(r *response, deadline time.Time) (done bool, err error) {
	if err := c.poll(pollIn|pollOut, deadline); err != nil {
		return false, err
	}
	n, err := c.receive(c.room(r), syscall.MSG_DONTWAIT)
	if err == syscall.EAGAIN {
		return false, nil
	}
	done, err = c.received(n, err, r)
	if r.stream && c.n > maxHeldBack {
		done = true
	}
	return done, err
}

func (c *conn) readRest(r *response, deadline time.Time) error {
	for {
		n, err := c.receiveBy(c.room(r), deadline)
		if err == errTimeout {
			return err
		}
		if done, err := c.received(n, err, r); done || err != nil || r.stream && r.begun() {
			return err
		}
	}
}

// received takes the result of a read into account.
func (c *conn) received(n int, err error, r *response) (done bool, _ error) {
	if err != nil || n == 0 {
		if err == nil || err == syscall.ECONNRESET || err == syscall.EPIPE {
			if c.n == 0 && !r.begun() {
				return false, errNoAnswer
			}
			err = r.closed()
		}
		return err == nil, err
	}
	c.n += n
	done, err = r.advance(c.buf[:c.n])
	if !done && err == nil {
		c.n = r.compact(c.buf[:c.n])
	}
	return done, err
}

// room returns where the next bytes go, and makes the buffer larger if need be.
func (c *conn) room(r *response) []byte {
	need := max(c.n+minRead, r.want())
	if r.stream {
		need = max(need, streamBuffer)
	}
	if need > len(c.buf) {
		size := max(firstBuffer, need)
		if r.want() == 0 {
			size = max(size, 2*len(c.buf))
		}
		grown := make([]byte, size)
		copy(grown, c.buf[:c.n])
		c.buf = grown
	}
	return c.buf[c.n:]
}

// shrink lets go of a buffer that is too large to keep, and reports whether it did.
func (c *conn) shrink() bool {
	if len(c.buf) <= keptBuffer {
		return false
	}
	c.buf, c.n = nil, 0
	return true
}

// receiveBy reads, and waits for it until the deadline.
//
// The receive timeout of a socket costs nothing but is as coarse as the kernel's
// clock ticks, and setting it is a system call. So it is in whole seconds, which
// are mostly the same from one request to the next, and poll waits for the rest.
func (c *conn) receiveBy(p []byte, deadline time.Time) (int, error) {
	for {
		var seconds time.Duration
		flags := 0
		if !deadline.IsZero() {
			if seconds = time.Until(deadline).Truncate(time.Second); seconds <= 0 {
				if err := c.poll(pollIn, deadline); err != nil {
					return 0, err
				}
				flags = syscall.MSG_DONTWAIT
			}
		}
		if flags == 0 {
			if err := c.setTimeout(seconds); err != nil {
				return 0, err
			}
		}
		n, err := c.receive(p, flags)
		if err != syscall.EAGAIN && err != syscall.EINTR {
			return n, err
		}
	}
}

// setTimeout sets the socket's receive timeout, 0 for none.
func (c *conn) setTimeout(d time.Duration) error {
	if d == c.timeout {
		return nil
	}
	t := syscall.NsecToTimeval(int64(d))
	c.timeout = d
	return syscall.SetsockoptTimeval(c.fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &t)
}

// receive is recv(2); 0 bytes without an error mean that the other side closed.
func (c *conn) receive(p []byte, flags int) (int, error) {
	n, _, e := syscall.Syscall6(syscall.SYS_RECVFROM, uintptr(c.fd),
		uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), uintptr(flags), 0, 0)
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}

// sendBoth sends as much of head and body as the socket takes at once.
func (c *conn) sendBoth(head, body []byte) (int, error) {
	return c.send([3][]byte{head, body})
}

// send sends as much of the parts, in their order, as the socket takes at once.
func (c *conn) send(parts [3][]byte) (int, error) {
	c.msg = syscall.Msghdr{Iov: &c.iov[0]}
	count := 0
	for _, part := range parts {
		if len(part) > 0 {
			c.iov[count].Base = unsafe.SliceData(part)
			c.iov[count].SetLen(len(part))
			count++
		}
	}
	c.msg.Iovlen = uint64(count)
	for {
		n, _, e := syscall.Syscall(syscall.SYS_SENDMSG, uintptr(c.fd),
			uintptr(unsafe.Pointer(&c.msg)), syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL)
		switch e {
		case 0:
			c.iov = [3]syscall.Iovec{}
			return int(n), nil
		case syscall.EINTR:
		default:
			return 0, e
		}
	}
}

const (
	pollIn  = 1
	pollOut = 4
)

type pollFD struct {
	fd      int32
	events  int16
	revents int16
}

// poll waits until one of the events happens, or the other side is gone.
func (c *conn) poll(events int16, deadline time.Time) error {
	p := [1]pollFD{{fd: int32(c.fd), events: events}}
	return pollFDs(p[:], deadline)
}

func pollFDs(p []pollFD, deadline time.Time) error {
	for {
		var limit *syscall.Timespec
		if !deadline.IsZero() {
			d := time.Until(deadline)
			if d <= 0 {
				return errTimeout
			}
			t := syscall.NsecToTimespec(int64(d))
			limit = &t
		}
		n, _, e := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(unsafe.SliceData(p))),
			uintptr(len(p)), uintptr(unsafe.Pointer(limit)), 0, 0, 0)
		if e != 0 && e != syscall.EINTR {
			return e
		}
		if e == 0 && n > 0 {
			return nil
		}
	}
}
