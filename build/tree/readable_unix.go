//go:build unix

package tree

import (
	"os"
	"syscall"
)

// checkReadable finds out early whether the file can be packed. The mode bits
// answer for nearly all files; the kernel is asked about the others only. User is
// the effective user of this process.
func checkReadable(e Entry, user int) error {
	st, ok := e.Info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	own := int(st.Uid) == user
	if mode := e.Info.Mode(); own && mode&0o400 != 0 || !own && mode&0o444 == 0o444 || user == 0 {
		return nil
	}
	f, err := os.Open(e.Source)
	if err != nil {
		return unreadable(e.Path, e.Source, err)
	}
	return f.Close()
}
