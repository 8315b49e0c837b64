package sandbox

import (
	"bytes"
	"testing"
)

// startConfig starts with a config that Start would not make on this machine.
func startConfig(t *testing.T, s Spec, c *config) (*Process, *bytes.Buffer) {
	t.Helper()
	out := &bytes.Buffer{}
	s.Stdout, s.Stderr = out, out
	p := &Process{done: make(chan struct{}), namespaces: c.Namespaces}
	if err := p.launch(s, thisMachine(), c); err != nil {
		t.Fatal(err)
	}
	if err := p.handshake(t.Context(), c); err != nil {
		p.abandon()
		t.Fatal(err)
	}
	go p.watch()
	return p, out
}
