package main

import "testing"

// BenchmarkAdapter runs the whole comparison once an iteration and prints its
// table; -benchtime 1x is what it is meant for.
func BenchmarkAdapter(b *testing.B) {
	for b.Loop() {
		if err := run("..", 10, 200, 15); err != nil {
			b.Fatal(err)
		}
	}
}
