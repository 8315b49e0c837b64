package tree

import (
	"io/fs"
	"syscall"
)

// system returns the inode and the time in nanoseconds of its last change.
func system(info fs.FileInfo) (inode uint64, changed int64) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, info.ModTime().UnixNano()
	}
	return st.Ino, st.Ctimespec.Nano()
}
