//go:build linux

package main

import (
	"os"
	"testing"
)

// The test binary is the adapter and the apps as well, in processes of their own.
const (
	asAdapter = "act-as-adapter"
	asApp     = "act-as-app"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case asAdapter:
			os.Exit(run())
		case asApp:
			os.Exit(runFakeApp(os.Args[2]))
		}
	}
	os.Exit(m.Run())
}
