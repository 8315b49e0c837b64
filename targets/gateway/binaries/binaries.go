// Package binaries holds the gateway's program for each platform, built ahead of time:
// it runs on the machines of engines and clusters, which may have another processor
// than the one that deploys, and another system.
//
// After a change of the program's sources, run `go generate ./targets/gateway/binaries`.
// A test fails as long as that is forgotten.
package binaries

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
)

//go:generate go run ../../../adapter/binaries/generate ../program .

// Program returns the program for linux on that processor, in Go's names: amd64 or
// arm64.
func Program(arch string) ([]byte, error) {
	found, err := find(arch)
	if err != nil {
		return nil, err
	}
	r, err := gzip.NewReader(bytes.NewReader(found.gzip))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// Digest returns the SHA-256 of the program for that processor, in hexadecimal.
func Digest(arch string) (string, error) {
	found, err := find(arch)
	return found.sha256, err
}

// Architectures are the processors that there is a program for.
func Architectures() (list []string) {
	for _, r := range records {
		list = append(list, r.arch)
	}
	return list
}

func find(arch string) (record, error) {
	for _, r := range records {
		if r.arch == arch {
			return r, nil
		}
	}
	return record{}, fmt.Errorf("there is no gateway for linux/%s, only for amd64 and arm64", arch)
}

type record struct {
	arch   string
	gzip   []byte
	size   int64
	sha256 string
}
