//go:build !linux

// Command adapter is the part of a bundle that speaks to the function platform.
// It runs on Linux only.
package main

import "os"

func main() {
	os.Stderr.WriteString("the adapter runs on Linux only\n")
	os.Exit(1)
}
