//go:build !unix

package tree

// checkReadable leaves the answer to whoever packs the file.
func checkReadable(Entry, int) error { return nil }
