package function

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A process that is killed may die with an event under way to it. Lambda then
// fails the invocation; here the event goes to another instance, if it is
// certain that this one has not read it. The kernel knows: it closes the
// connection of a process that has read all that came in an orderly way, and
// resets one with something unread.

// apiListener hands out connections that find out how they ended.
type apiListener struct{ *net.TCPListener }

func (l apiListener) Accept() (net.Conn, error) {
	c, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	return &apiConn{TCPConn: c, closed: make(chan struct{})}, nil
}

// apiConn is a connection of the runtime API.
type apiConn struct {
	*net.TCPConn
	reset  atomic.Bool
	once   sync.Once
	closed chan struct{}
}

func (c *apiConn) Read(b []byte) (int, error) {
	n, err := c.TCPConn.Read(b)
	if errors.Is(err, syscall.ECONNRESET) {
		c.reset.Store(true)
	}
	return n, err
}

// Write fails if the other side has closed the connection, where the kernel would
// take the bytes and drop them.
func (c *apiConn) Write(b []byte) (int, error) {
	if hungUp(c.TCPConn) {
		c.reset.Store(true)
		return 0, net.ErrClosed
	}
	n, err := c.TCPConn.Write(b)
	if err != nil {
		c.reset.Store(true)
	}
	return n, err
}

func (c *apiConn) Close() error {
	c.once.Do(func() {
		// What was sent after the other side had closed was answered with a reset.
		if socketFailed(c.TCPConn) {
			c.reset.Store(true)
		}
		close(c.closed)
	})
	return c.TCPConn.Close()
}

// closeWait is how long to wait for the end of a connection whose process has
// ended. The kernel closed the other side before that.
const closeWait = 100 * time.Millisecond

// unread reports whether a process that has ended has left unread what was sent
// to it last.
func (c *apiConn) unread() bool {
	if c == nil {
		return false
	}
	timer := time.NewTimer(closeWait)
	defer timer.Stop()
	select {
	case <-c.closed:
		return c.reset.Load()
	case <-timer.C:
		return false
	}
}
