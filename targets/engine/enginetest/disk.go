package enginetest

import (
	"fmt"
	"syscall"
	"testing"
)

// Disk is a file system of its own for an engine's data.
type Disk struct{ Path string }

// NewDisk makes one in memory, of at most 2 GB. It ends with the test, after an engine
// that is started later.
func NewDisk(t testing.TB) *Disk {
	t.Helper()
	d := &Disk{Path: t.TempDir()}
	if err := syscall.Mount("tmpfs", d.Path, "tmpfs", 0, "mode=0711,size=2g"); err != nil {
		t.Fatalf("mount a file system in memory: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(d.Path, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", d.Path, err)
		}
	})
	return d
}

// Leave makes the disk have so many bytes free, whatever lies on it.
func (d *Disk) Leave(t testing.TB, bytes int64) {
	t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(d.Path, &s); err != nil {
		t.Fatal(err)
	}
	used := int64(s.Blocks-s.Bfree) * s.Bsize
	// A size of nothing is no bound.
	size := fmt.Sprintf("size=%d", max(used+bytes, s.Bsize))
	if err := syscall.Mount("", d.Path, "", syscall.MS_REMOUNT, size); err != nil {
		t.Fatalf("resize %s to %s: %v", d.Path, size, err)
	}
}
