// Command program is what runs beside apps in containers: the gateway of a deployment
// on a Docker Engine, the start of apps with secrets there, and the requests of
// schedules in a cluster. Package binaries holds it, built ahead of time.
package main

import (
	"os"

	"github.com/twofoldhq/twofold/targets/gateway"
)

func main() { os.Exit(gateway.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
