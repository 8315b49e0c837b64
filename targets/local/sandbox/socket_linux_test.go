package sandbox

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
)

// dialApp connects to an abstract UNIX socket; with "own" it listens first.
func dialApp(args []string) int {
	if len(args) > 1 {
		l, err := net.Listen("unix", args[0]+args[1])
		if err != nil {
			fmt.Println(err)
			return 1
		}
		defer l.Close()
		args[0] += args[1]
	}
	c, err := net.Dial("unix", args[0])
	if err != nil {
		fmt.Println(err)
		return 1
	}
	c.Close()
	return 0
}

func TestAbstractSocketsOfTheMachineAreOutOfReach(t *testing.T) {
	name := fmt.Sprintf("@twofold-test-%d", os.Getpid())
	l, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	exit, out := run(t, appSpec("dial", name))
	if strings.Contains(strings.Join(Describe().Missing, "\n"), "abstract UNIX sockets") {
		if exit.Code != 0 {
			t.Errorf("Describe says that they are within reach, but %v: %s", exit, out)
		}
	} else if exit.Code != 1 || !strings.Contains(out, "operation not permitted") {
		t.Errorf("%v: %s", exit, out)
	}
	if exit, out = run(t, appSpec("dial", name, "own")); exit.Code != 0 {
		t.Errorf("the app's own: %v: %s", exit, out)
	}
}
