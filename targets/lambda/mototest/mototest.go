// Package mototest starts moto_server, an emulation of AWS by others, for tests.
package mototest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"
)

// server is where e2e/install.sh puts it.
func server() (string, error) {
	if path := os.Getenv("TWOFOLD_MOTO_SERVER"); path != "" {
		return path, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, "twofold-e2e", "moto", "bin", "moto_server")
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%w: run e2e/install.sh aws, or set TWOFOLD_MOTO_SERVER", err)
	}
	return path, nil
}

var listening = regexp.MustCompile(`Running on (http://127\.0\.0\.1:\d+)`)

// Start starts a moto_server on a free port of loopback, and returns its address and
// what ends it. Its certificates are issued at once.
func Start() (string, func(), error) {
	path, err := server()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.Command(path, "-H", "127.0.0.1", "-p", "0")
	cmd.Env = append(os.Environ(), "MOTO_ACM_VALIDATION_WAIT=-1")
	out, err := cmd.StderrPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop := func() {
		cmd.Process.Kill()
		cmd.Wait()
	}
	address := make(chan string, 1)
	go func() {
		// All that it prints is read, so that it never waits for a reader.
		var text bytes.Buffer
		buffer := make([]byte, 4096)
		for {
			n, err := out.Read(buffer)
			if text.Len() < 64<<10 {
				text.Write(buffer[:n])
				if m := listening.FindSubmatch(text.Bytes()); m != nil {
					select {
					case address <- string(m[1]):
					default:
					}
				}
			}
			if err != nil {
				return
			}
		}
	}()
	select {
	case to := <-address:
		return to, stop, nil
	case <-time.After(time.Minute):
		stop()
		return "", nil, fmt.Errorf("moto_server does not start")
	}
}
