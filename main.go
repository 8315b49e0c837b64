// Command twofold deploys one service as a container and as a function, from one
// compile of its code.
package main

import (
	"os"

	"github.com/twofoldhq/twofold/cli"
)

func main() {
	os.Exit(cli.Main(os.Args, cli.System()))
}
