package host

import (
	"errors"
	"os"
	"syscall"
)

// errLocked is returned by tryLock when another process has the lock.
var errLocked = errors.New("another process has the lock")

// tryLock locks a file or folder that exists until unlock is called or this
// process ends, however it ends.
func tryLock(path string) (unlock func(), err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errLocked
		}
		return nil, err
	}
	return func() { f.Close() }, nil
}
