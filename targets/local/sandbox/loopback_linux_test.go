package sandbox

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// listenApp makes a socket: its kind, and the port to bind it to. It prints
// the address that the socket has then, and answers connections with "hello".
func listenApp(args []string) int {
	port, _ := strconv.Atoi(args[1])
	kind, family := unix.SOCK_STREAM, unix.AF_INET
	if strings.HasPrefix(args[0], "udp") {
		kind = unix.SOCK_DGRAM
	}
	var address unix.Sockaddr = &unix.SockaddrInet4{Port: port}
	if strings.Contains(args[0], "6") {
		family, address = unix.AF_INET6, &unix.SockaddrInet6{Port: port}
	}
	if strings.HasPrefix(args[0], "unix") {
		family, address = unix.AF_UNIX, &unix.SockaddrUnix{Name: "/tmp/socket"}
	}
	fd, err := unix.Socket(family, kind, 0)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	if strings.Contains(args[0], "only") {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
	}
	if strings.Contains(args[0], "loopback") {
		address = &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 9}}
	}
	if a, ok := strings.CutPrefix(args[0], "tcp4 at "); ok {
		address = &unix.SockaddrInet4{Port: port, Addr: netip.MustParseAddr(a).As4()}
	}
	if !strings.Contains(args[0], "unbound") {
		if err := unix.Bind(fd, address); err != nil {
			fmt.Println("bind:", err)
			return 1
		}
	}
	if kind == unix.SOCK_STREAM {
		if err := unix.Listen(fd, 10); err != nil {
			fmt.Println("listen:", err)
			return 1
		}
	}
	name, _ := unix.Getsockname(fd)
	switch a := name.(type) {
	case *unix.SockaddrInet4:
		fmt.Println(netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port)))
	case *unix.SockaddrInet6:
		fmt.Println(netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port)))
	case *unix.SockaddrUnix:
		fmt.Println(a.Name)
	}
	for {
		connection, _, err := unix.Accept(fd)
		if err != nil {
			select {}
		}
		_, _ = unix.Write(connection, []byte("hello"))
		unix.Close(connection)
	}
}

// bindsApp listens often, from many threads, while the Go runtime interrupts them.
func bindsApp(args []string) int {
	var group sync.WaitGroup
	bad := make(chan string, 100)
	for range 8 {
		group.Go(func() {
			for range 25 {
				l, err := net.Listen("tcp", ":0")
				if err != nil {
					bad <- err.Error()
					return
				}
				if a := l.Addr().(*net.TCPAddr); !a.IP.IsLoopback() {
					bad <- a.String()
				}
				l.Close()
			}
		})
	}
	group.Wait()
	select {
	case text := <-bad:
		fmt.Println(text)
		return 1
	default:
		return 0
	}
}

// needsLoopback ends a test on a machine whose kernel does not let the init bind.
func needsLoopback(t *testing.T) {
	t.Helper()
	l := Describe()
	if l.Seccomp {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("this machine does not keep sockets on loopback: %q", l.Missing)
	}
	t.Skipf("this machine does not keep sockets on loopback: %q", l.Missing)
}

// otherAddress is an address of this machine that is not loopback. What is sent
// there never leaves the machine.
func otherAddress(t *testing.T) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() {
			return n.IP.String()
		}
	}
	return ""
}

// freePort is a port that nobody used a moment ago.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func TestListenersAreBoundToLoopback(t *testing.T) {
	needsLoopback(t)
	for _, test := range []struct {
		kind string
		port bool   // a port of the app's choice
		want string // the address
	}{
		{"tcp4", true, "127.0.0.1:"},
		{"tcp4", false, "127.0.0.1:"},
		{"tcp4 unbound", false, "127.0.0.1:"},
		{"tcp4 loopback", true, "127.0.0.9:"},
		{"tcp6", true, "[::ffff:127.0.0.1]:"},
		{"tcp6 only", true, "[::1]:"},
		{"tcp6 unbound", false, "[::ffff:127.0.0.1]:"},
		{"udp4", true, "127.0.0.1:"},
		{"udp4 client", false, "0.0.0.0:"},
		{"udp6", true, "[::ffff:127.0.0.1]:"},
		{"unix", false, "/tmp/socket"},
	} {
		t.Run(fmt.Sprint(test.kind, " ", test.port), func(t *testing.T) {
			if test.kind == "unix" {
				needsNamespaces(t) // for a /tmp of its own
			}
			if strings.Contains(test.kind, "6") && !hasIPv6() {
				test.want = "address family not supported"
			}
			got, port := "", 0
			for range 10 {
				if test.port {
					port = freePort(t)
				}
				s := appSpec("listen", test.kind, strconv.Itoa(port))
				s.Loopback = true
				_, line := talk(t, s)
				if got = line(); got != "bind: address already in use" {
					break // otherwise somebody else has the port now
				}
			}
			want := test.want
			if test.port && strings.HasSuffix(want, ":") {
				want += strconv.Itoa(port)
			}
			if !strings.HasPrefix(got, want) {
				t.Errorf("bound to %s, want %s", got, want)
			}
		})
	}
}

func TestListenerIsReachedThroughLoopbackOnly(t *testing.T) {
	needsLoopback(t)
	other := otherAddress(t)
	kinds := []string{"tcp4"}
	if hasIPv6() {
		kinds = append(kinds, "tcp6")
	}
	if other != "" {
		kinds = append(kinds, "tcp4 at "+other)
	}
	for _, kind := range kinds {
		for _, loopback := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s %v", kind, loopback), func(t *testing.T) {
				s := appSpec("listen", kind, "0")
				s.Loopback = loopback
				_, line := talk(t, s)
				port := netip.MustParseAddrPort(line()).Port()
				near, err := greeting("127.0.0.1", port)
				if loopback && near != "hello" {
					t.Errorf("at 127.0.0.1: %q, %v", near, err)
				}
				if other == "" {
					return
				}
				// Without the rewriting the same app is open to the network, which
				// shows that the test can tell.
				if far, _ := greeting(other, port); (far == "hello") == loopback {
					t.Errorf("at %s: %q", other, far)
				}
			})
		}
	}
}

func TestManyThreadsBindAtOnce(t *testing.T) {
	needsLoopback(t)
	s := appSpec("binds")
	s.Loopback = true
	s.Env = append(s.Env, "GODEBUG=asyncpreemptoff=0")
	if exit, out := run(t, s); exit.Code != 0 {
		t.Errorf("%v: %s", exit, out)
	}
}

func TestPortInUseIsReportedToTheApp(t *testing.T) {
	needsLoopback(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := appSpec("listen", "tcp4", strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	s.Loopback = true
	if exit, out := run(t, s); exit.Code != 1 || out != "bind: address already in use\n" {
		t.Errorf("%v: %s", exit, out)
	}
}

func greeting(host string, port uint16) (string, error) {
	c, err := net.DialTimeout("tcp", net.JoinHostPort(host, strconv.Itoa(int(port))), 5*time.Second)
	if err != nil {
		return "", err
	}
	defer c.Close()
	buffer := make([]byte, 10)
	n, err := c.Read(buffer)
	return string(buffer[:n]), err
}

func hasIPv6() bool {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.Close(fd)
	}
	return err == nil
}
