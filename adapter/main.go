//go:build linux

// Command adapter stands in a bundle between a function platform and an ordinary
// HTTP server, the app. It starts the app, waits until it is ready, takes events
// from the platform's runtime API, and makes of each an HTTP request to the app.
//
// It is the file "bootstrap" at the bundle's root, or the wrapper that
// AWS_LAMBDA_EXEC_WRAPPER names; it ignores its arguments. docs/adapter.md says
// how events become requests, and what is reported when something fails.
package main

import (
	"os"
	"strconv"
	"time"
)

func main() { os.Exit(run()) }

// run returns the exit code.
func run() int {
	executable, err := os.Executable()
	if err != nil {
		executable = os.Args[0]
	}
	s, err := readSettings(os.Environ(), executable, os.ReadFile)
	if s.runtimeAPI == "" {
		complain("AWS_LAMBDA_RUNTIME_API is not set: this program runs inside a function platform; run the app itself to try it elsewhere")
		return 1
	}
	if err != nil {
		return failStart(s.runtimeAPI, &failure{kind: badBundle, message: err.Error()})
	}
	signals := catchSignals()
	var values secretValues
	deadline := noDeadline
	if s.secrets {
		deadline = time.Now().Add(s.startTimeout)
	}
	if f := values.readSecrets(&s, deadline); f != nil {
		return failStart(s.runtimeAPI, f)
	}
	a := newApp(&s)
	if f := a.start(); f != nil {
		return failStart(s.runtimeAPI, f)
	}
	l := &loop{app: a, secrets: &values, gate: &gate{}}
	go forwardSignals(signals, a, l.gate)
	if l.api, err = dialRuntimeAPI(s.runtimeAPI); err != nil {
		complain("the runtime API at " + s.runtimeAPI + " cannot be reached: " + err.Error())
		return stop(a)
	}
	askForSIGTERM(l.api)
	if f := a.ensureReady(deadline); f != nil {
		a.current().killGroup()
		return failStart(s.runtimeAPI, f)
	}
	if s.snapshots {
		if f := l.tell(s.checkpointPath); f != nil {
			a.current().killGroup()
			return failStart(s.runtimeAPI, f)
		}
		if f := l.restore(); f != nil {
			a.current().killGroup()
			return failRestore(l.api, f)
		}
	}
	err = l.runAll(s.concurrency)
	complain("the runtime API has ended: " + err.Error())
	return stop(a)
}

// failStart reports that the function cannot be started, and returns the exit code.
func failStart(host string, f *failure) int {
	complain(f.Error())
	api, err := dialRuntimeAPI(host)
	if err == nil {
		err = api.failInit(f)
	}
	if err != nil {
		complain("the failure could not be reported to the runtime API: " + err.Error())
	}
	return 1
}

// complain writes one line to the function's log.
func complain(message string) { writeAll(2, []byte("twofold: "+message+"\n")) }

func itoa(n int) string { return strconv.Itoa(n) }
