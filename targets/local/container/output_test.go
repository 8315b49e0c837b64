package container

import (
	"fmt"
	"strings"
	"testing"
)

func TestTailKeepsTheLastWholeLines(t *testing.T) {
	var out Tail
	for n := range 5000 {
		fmt.Fprintf(&out, "line %d\n", n)
	}
	lines := strings.Split(out.String(), "\n")
	if len(lines) != tailLines || lines[0] != "line 4960" || lines[len(lines)-1] != "line 4999" {
		t.Errorf("%d lines from %q to %q", len(lines), lines[0], lines[len(lines)-1])
	}
}
