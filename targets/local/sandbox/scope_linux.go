package sandbox

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// scopeSockets keeps the calling thread and the processes that it will fork
// from connecting to abstract UNIX sockets that are not the app's own. Such
// sockets have no file: they belong to the network, which the app shares with
// the machine, and daemons trust whoever has the right user on them.
// Linux has this since 6.12, as a part of Landlock.
func scopeSockets() error {
	attributes := unix.LandlockRulesetAttr{Scoped: unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET}
	rules, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attributes)), unsafe.Sizeof(attributes), 0)
	if errno != 0 {
		return fmt.Errorf("create a Landlock rule set: %w", errno)
	}
	defer unix.Close(int(rules))
	if _, _, errno = unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, rules, 0, 0); errno != 0 {
		return fmt.Errorf("apply a Landlock rule set: %w", errno)
	}
	return nil
}
