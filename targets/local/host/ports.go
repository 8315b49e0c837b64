package host

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"github.com/twofoldhq/twofold/targets"
)

// Gateways listen on firstPort to firstPort+portCount-1. The range lies below
// the ports that Linux gives to outgoing connections (32768 and up).
const (
	firstPort = 20000
	portCount = 10000
)

// preferredPort is where the search for a deployment's port begins. It follows
// from the key, so that a service that is destroyed and deployed again comes
// back to its URL.
func preferredPort(k targets.Key, target string) int {
	hash := keyHash(k, target)
	return firstPort + int(binary.BigEndian.Uint32(hash[:4])%portCount)
}

// listenAnywhere listens on the first free port at or after the preferred one
// that taken does not name.
func listenAnywhere(preferred int, taken map[int]bool) (net.Listener, int, error) {
	for n := range portCount {
		port := firstPort + (preferred-firstPort+n)%portCount
		if taken[port] {
			continue
		}
		l, err := listenOn(port)
		if err == nil {
			return l, port, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) && !errors.Is(err, syscall.EACCES) {
			return nil, 0, err
		}
	}
	return nil, 0, fmt.Errorf("no port from %d to %d is free", firstPort, firstPort+portCount-1)
}

func listenOn(port int) (net.Listener, error) {
	return net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}

// portError explains why a deployment's own port cannot be listened on.
func portError(port int, err error) error {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("listen on port %d: %w", port, err)
	}
	return fmt.Errorf("port %d, where the deployment answers, is taken by %s: free the port, or destroy and deploy again for a new one", port, whoListens(port))
}
