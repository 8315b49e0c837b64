package e2e

import (
	"net"
	"os"
)

// testDir is this package's folder; scripts change theirs.
var testDir, _ = os.Getwd()

func listenOn(address string) (net.Listener, error) { return net.Listen("tcp", address) }
