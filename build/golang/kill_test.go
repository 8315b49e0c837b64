//go:build linux

package golang

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/build/tree"
)

// A build that is cancelled in the middle of the compiler's work takes the
// compiler along, and leaves the binary of the build before and nothing else.
func TestCancelWhileTheCompilerRuns(t *testing.T) {
	p := newProject(t, map[string]string{"go.mod": goMod, "main.go": mainGo})
	before := server(t, p.mustBuild()[0])

	// The stand-in for a compiler tells its pid and never ends.
	pipe := filepath.Join(t.TempDir(), "pid")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	hang := filepath.Join(t.TempDir(), "hang")
	script := "#!/bin/sh\ncase \"$*\" in *-V=full*) exec \"$@\";; esac\necho $$ > " + pipe + "\nexec sleep 600\n"
	if err := os.WriteFile(hang, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	p.Settings["env"] = map[string]string{"GOFLAGS": "-toolexec=" + hang, "GOCACHE": filepath.Join(t.TempDir(), "cache")}
	ctx, cancel := context.WithCancel(t.Context())
	pid := make(chan int, 1)
	go func() {
		text, err := os.ReadFile(pipe) // returns when a compiler has started
		if err != nil {
			t.Error(err)
		}
		n, err := strconv.Atoi(strings.Fields(string(text))[0])
		if err != nil {
			t.Error(err)
		}
		pid <- n
		cancel()
	}()
	if _, err := (Builder{}).Build(ctx, p.Request); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	waitGone(t, <-pid)
	if now, err := os.Lstat(before.Source); err != nil || tree.IdentityOf(now) != tree.IdentityOf(before.Info) {
		t.Errorf("the binary of the build before was touched: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(p.WorkDir, "tmp*")); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

// waitGone waits until the process is dead or a zombie.
func waitGone(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("process %d still runs: %s", pid, stat)
		}
	}
}

// On a full disk the build fails with that as the reason, the binary of the build
// before is still there and whole, and once there is room the next build works.
func TestFullDisk(t *testing.T) {
	p := newProject(t, map[string]string{"go.mod": goMod, "main.go": mainGo})
	fill, free := smallDisk(t, p)
	before := server(t, p.mustBuild()[0])
	was := digest(t, before.Source)
	fill()
	p.write("main.go", strings.Replace(mainGo, "one", "two", 1))
	_, err := p.build()
	var e *build.ToolError
	if !errors.As(err, &e) || !strings.Contains(e.Hint, "disk is full") {
		t.Errorf("got %v\n%s", err, p.log.String())
	}
	if digest(t, before.Source) != was {
		t.Error("the binary of the build before has changed")
	}
	free()
	if got := output(t, server(t, p.mustBuild()[0])); got != "two\n" {
		t.Errorf("with room again the app prints %q", got)
	}
}

// smallDisk makes the work folder a disk that can be filled and freed. Where the
// user may not mount one, a go command that fails as on a full disk stands in.
func smallDisk(t *testing.T, p *project) (fill, free func()) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(p.WorkDir, 0o755))
	if err := syscall.Mount("tmpfs", p.WorkDir, "tmpfs", 0, "size=32m"); err == nil {
		t.Cleanup(func() { must(syscall.Unmount(p.WorkDir, syscall.MNT_DETACH)) })
		filler := filepath.Join(p.WorkDir, "filler")
		return func() {
				f, err := os.Create(filler)
				must(err)
				defer f.Close()
				for err == nil {
					_, err = f.Write(make([]byte, 64<<10))
				}
				if !errors.Is(err, syscall.ENOSPC) {
					t.Fatal(err)
				}
			}, func() {
				must(os.Remove(filler))
			}
	}
	bin := t.TempDir()
	path := os.Getenv("PATH")
	return func() {
		must(os.WriteFile(filepath.Join(bin, "go"), []byte("#!/bin/sh\necho write x: no space left on device\nexit 1\n"), 0o755))
		t.Setenv("PATH", bin+":"+path)
	}, func() { t.Setenv("PATH", path) }
}
