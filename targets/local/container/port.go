package container

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Instances of a sandbox listen on the machine's own loopback, on ports from
// firstPort on. The range lies above the gateways' and below the ports that Linux
// gives to outgoing connections.
const (
	firstPort = 30000
	lastPort  = 32767
)

// port is a number that no other instance gets until release, neither of this
// process nor of another user's.
type port struct {
	number  int
	release func()
}

func (p port) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.number)) }

// Ports hands out ports to the instances of this process, which begin to listen
// some time after they were given theirs. The zero value is ready.
type Ports struct {
	mu   sync.Mutex
	next int // offset from firstPort, 0 before the first search
}

// reserve finds a port on which nobody listens. The search begins anywhere and
// goes round, so that a port is used again as late as possible.
func (p *Ports) reserve() (port, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	const count = lastPort - firstPort + 1
	if p.next == 0 {
		p.next = rand.IntN(count)
	}
	for range count {
		number := firstPort + p.next
		p.next = (p.next + 1) % count
		mark, err := claim(number)
		if err != nil {
			continue
		}
		if !free(number) {
			mark.Close()
			continue
		}
		return port{number, sync.OnceFunc(func() { mark.Close() })}, nil
	}
	return port{}, errors.New("no port from 30000 to 32767 is free")
}

// claim marks a port as some instance's, for all processes of the machine that
// run this code, until it is closed or the process has ended. An app that got the
// port of another one would be taken for it as soon as the other is healthy. The
// mark is a UDP socket of the same number: the app's TCP port stays free, and its
// UDP port too where loopback has more than one address.
func claim(number int) (net.PacketConn, error) {
	mark, err := net.ListenPacket("udp4", net.JoinHostPort("127.7.7.7", strconv.Itoa(number)))
	if err != nil && !isLoopback("127.7.7.7") {
		mark, err = net.ListenPacket("udp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(number)))
	}
	return mark, err
}

// isLoopback reports whether an address can be bound. Linux has all of 127/8,
// other systems only 127.0.0.1.
func isLoopback(address string) bool {
	probe, err := net.ListenPacket("udp4", net.JoinHostPort(address, "0"))
	if err != nil {
		return false
	}
	probe.Close()
	return true
}

// free tries the port on all addresses, since the app may listen on them.
func free(number int) bool {
	l, err := net.Listen("tcp", ":"+strconv.Itoa(number))
	if err != nil {
		return false
	}
	l.Close()
	return true
}
