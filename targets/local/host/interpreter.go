package host

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/twofoldhq/twofold/targets/local/sandbox"
)

// lambdaPath is the PATH of a function on Lambda, the folders of its own runtime
// left out.
const lambdaPath = "/usr/local/bin:/usr/bin/:/bin:/opt/bin"

// interpreter is this machine's stand-in for a managed runtime of Lambda.
type interpreter struct {
	// path is the function's PATH.
	path string
	// mounts show the interpreter's folder, where a sandbox does not have it.
	mounts []sandbox.Mount
}

// findInterpreter finds the language runtime that a bundle needs, by Lambda's
// name for it, or "" for none. Its exact version is the machine's.
func findInterpreter(runtime string) (interpreter, error) {
	program := ""
	switch {
	case strings.HasPrefix(runtime, "nodejs"):
		program = "node"
	case strings.HasPrefix(runtime, "python"):
		program = "python3"
	case strings.HasPrefix(runtime, "java"):
		program = "java"
	case strings.HasPrefix(runtime, "ruby"):
		program = "ruby"
	case strings.HasPrefix(runtime, "dotnet"):
		program = "dotnet"
	}
	if program == "" {
		return interpreter{path: lambdaPath}, nil
	}
	found, err := exec.LookPath(program)
	if err != nil {
		return interpreter{}, fmt.Errorf("the bundle needs the runtime %s, and this machine has no %s in the PATH of the local host: install it, and deploy again", runtime, program)
	}
	for _, dir := range filepath.SplitList(lambdaPath) {
		if _, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return interpreter{path: lambdaPath}, nil
		}
	}
	real, err := filepath.EvalSymlinks(found)
	if err != nil {
		return interpreter{}, fmt.Errorf("the runtime %s: %w", runtime, err)
	}
	bin := filepath.Dir(real)
	home := filepath.Dir(bin) // "bin" lies beside "lib"
	return interpreter{
		path:   bin + ":" + lambdaPath,
		mounts: []sandbox.Mount{{Source: home, Target: home, ReadOnly: true}},
	}, nil
}
