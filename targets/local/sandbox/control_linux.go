package sandbox

import (
	"fmt"
	"net"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// control is Start's end of the sockets to the init. It keeps the file
// descriptor that comes with the first report, one of the app's process.
type control struct {
	*net.UnixConn
	pidfd int
}

func newControl(fd int) (*control, error) {
	file := os.NewFile(uintptr(fd), "control")
	defer file.Close()
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, fmt.Errorf("control sockets: %w", err)
	}
	return &control{UnixConn: conn.(*net.UnixConn), pidfd: -1}, nil
}

func (c *control) Read(b []byte) (int, error) {
	oob := make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := c.ReadMsgUnix(b, oob)
	if err != nil {
		return max(n, 0), err // n is -1 where the system call failed
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		return n, nil
	}
	for i := range messages {
		fds, _ := unix.ParseUnixRights(&messages[i])
		for _, fd := range fds {
			c.closePidfd()
			c.pidfd = fd
		}
	}
	return n, nil
}

func (c *control) closePidfd() {
	if c.pidfd >= 0 {
		unix.Close(c.pidfd)
		c.pidfd = -1
	}
}

// appPid returns the app's process id as this process sees it. The init knows
// only the one inside of its PID namespace.
func (c *control) appPid() (int, bool) {
	if c.pidfd < 0 {
		return 0, false
	}
	defer c.closePidfd()
	info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", c.pidfd))
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(info)) {
		var pid int
		if n, _ := fmt.Sscanf(line, "Pid: %d", &pid); n == 1 {
			return pid, pid > 0
		}
	}
	return 0, false
}

// Close closes the sockets, upon which the init ends with its tree.
func (c *control) Close() error {
	c.closePidfd()
	return c.UnixConn.Close()
}
