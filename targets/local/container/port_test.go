package container

import "testing"

func TestPortsOfTwoProcessesDiffer(t *testing.T) {
	// Two values are what two local hosts have: nothing in common but the machine.
	var one, two Ports
	one.next, two.next = 100, 100
	a, err := one.reserve()
	if err != nil {
		t.Fatal(err)
	}
	defer a.release()
	b, err := two.reserve()
	if err != nil {
		t.Fatal(err)
	}
	defer b.release()
	if a.number == b.number {
		t.Fatalf("both got port %d, on which neither listens yet", a.number)
	}
	a.release()
	two.next = a.number - firstPort
	c, err := two.reserve()
	if err != nil {
		t.Fatal(err)
	}
	defer c.release()
	if c.number != a.number {
		t.Errorf("port %d was released, and %d was reserved", a.number, c.number)
	}
}
