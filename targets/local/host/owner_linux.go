package host

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// whoListens names the process that listens on a TCP port of this machine, as
// far as this user may know it.
func whoListens(port int) string {
	const unknown = "another program"
	inodes := listeningInodes(port)
	if len(inodes) == 0 {
		return unknown
	}
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, link := range links {
		to, err := os.Readlink(link)
		if err != nil || !inodes[to] {
			continue
		}
		pid := strings.Split(link, "/")[2]
		name, _ := os.ReadFile("/proc/" + pid + "/comm")
		return fmt.Sprintf("process %s (%s)", pid, strings.TrimSpace(string(name)))
	}
	return unknown
}

// listeningInodes returns the sockets that listen on a port, in the form that
// links in /proc/PID/fd have.
func listeningInodes(port int) map[string]bool {
	inodes := make(map[string]bool)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		f, err := os.Open(table)
		if err != nil {
			continue
		}
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			// sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
			fields := strings.Fields(lines.Text())
			const listen = "0A"
			if len(fields) > 9 && fields[3] == listen && strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", port)) {
				inodes["socket:["+fields[9]+"]"] = true
			}
		}
		f.Close()
	}
	return inodes
}
