package container

import (
	"errors"
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

// port is a number that no other instance of this process gets until release.
type port struct {
	number  int
	release func()
}

func (p port) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.number)) }

// Ports hands out ports to the instances of this process, which begin to listen
// some time after they were given theirs. The zero value is ready.
type Ports struct {
	mu    sync.Mutex
	next  int // offset from firstPort
	taken map[int]bool
}

// reserve finds a port on which nobody listens. The search goes round, so that a
// port is used again as late as possible.
func (p *Ports) reserve() (port, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken == nil {
		p.taken = make(map[int]bool)
	}
	const count = lastPort - firstPort + 1
	for range count {
		number := firstPort + p.next
		p.next = (p.next + 1) % count
		if p.taken[number] || !free(number) {
			continue
		}
		p.taken[number] = true
		return port{number, sync.OnceFunc(func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			delete(p.taken, number)
		})}, nil
	}
	return port{}, errors.New("no port from 30000 to 32767 is free")
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
