package release

import (
	"io/fs"
	"syscall"
	"time"
)

// identity returns when a file's metadata last changed, and its inode, as far as
// its Info knows them.
func identity(info fs.FileInfo) (changed time.Time, inode uint64) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(st.Ctimespec.Unix()), st.Ino
	}
	return info.ModTime(), 0
}
