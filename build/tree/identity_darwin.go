package tree

import (
	"io/fs"
	"syscall"
)

// system returns the device and inode of a file and the time in nanoseconds of
// the inode's last change.
func system(info fs.FileInfo) (device, inode uint64, changed int64) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, info.ModTime().UnixNano()
	}
	return uint64(st.Dev), st.Ino, st.Ctimespec.Nano()
}
