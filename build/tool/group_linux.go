package tool

import "syscall"

// dieWithParent has the kernel end the tool when this process dies, however it
// dies.
func dieWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }
