package cli

import "runtime/debug"

// version is set by the linker in a released binary.
var version = ""

// Version returns the version of the binary: that of the release, else that of
// the module as go install fetched it, else "dev".
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}
