// Command httpbin is go-httpbin with a line that the benchmark can change.
package main

import (
	"fmt"
	"os"

	"github.com/mccutchen/go-httpbin/v2/httpbin/cmd"
)

const line = 0

func main() {
	fmt.Fprintln(os.Stderr, "line", line)
	os.Exit(cmd.Main(cmd.BuildInfo{}))
}
