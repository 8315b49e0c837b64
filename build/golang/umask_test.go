//go:build unix

package golang

import "syscall"

// umask sets the mask for new files and returns what sets it back.
func umask(mask int) (restore func()) {
	old := syscall.Umask(mask)
	return func() { syscall.Umask(old) }
}
