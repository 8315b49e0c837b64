// Package binaries holds the runtime adapter, and the program that reads secrets for
// it, for each platform, built ahead of time, so that whoever makes a bundle needs no Go toolchain, and every
// installation of twofold makes the same bundle.
//
// After a change of the adapter's sources, run `go generate ./adapter/binaries`.
// A test fails as long as that is forgotten.
package binaries

import "fmt"

//go:generate go run ./generate .. . secrets

// Binary is the adapter for one platform.
type Binary struct {
	// Gzip is the program as one gzip member, without a name or a time. Callers must
	// not change it.
	Gzip []byte
	// Size is the program's number of bytes, SHA256 its digest in hexadecimal.
	Size   int64
	SHA256 string
	// Version changes with the adapter's sources.
	Version string
}

// Adapter returns the adapter for linux on that architecture, in Go's names: amd64
// or arm64.
func Adapter(arch string) (Binary, error) { return find(records, arch, Version) }

// Secrets returns the program that reads the values of secrets for the adapter, for
// linux on that architecture.
func Secrets(arch string) (Binary, error) { return find(secretsRecords, arch, SecretsVersion) }

func find(records []record, arch, version string) (Binary, error) {
	for _, r := range records {
		if r.arch == arch {
			return Binary{Gzip: r.gzip, Size: r.size, SHA256: r.sha256, Version: version}, nil
		}
	}
	return Binary{}, fmt.Errorf("adapter: there is none for linux/%s: use amd64 or arm64", arch)
}

type record struct {
	arch   string
	gzip   []byte
	size   int64
	sha256 string
}
