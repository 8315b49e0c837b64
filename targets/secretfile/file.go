package secretfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// fileMax is the size in bytes that a file of secrets may have.
const fileMax = 1 << 20

// gitLimit is how long git may take to say whether it tracks a file.
const gitLimit = 10 * time.Second

// readFile reads the file of secrets in a folder.
func readFile(ctx context.Context, dir string) (values map[string]string, warnings []string, err error) {
	path := filepath.Join(dir, FileName)
	// A pipe without a writer must not hold up a deploy.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("secrets: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("secrets: %w", err)
	case !info.Mode().IsRegular():
		return nil, nil, fmt.Errorf("secrets: %s is no regular file: put lines NAME=value into a file of that name", path)
	case info.Size() > fileMax:
		return nil, nil, tooLarge(path)
	}
	if tracked(ctx, dir) {
		return nil, nil, fmt.Errorf("secrets: git tracks %s, so its values are, or will be, in the history: run `git rm --cached %s`, add it to .gitignore, and change the values that were committed", path, FileName)
	}
	text, err := io.ReadAll(io.LimitReader(f, fileMax+1))
	if err != nil {
		return nil, nil, fmt.Errorf("secrets: %w", err)
	}
	if len(text) > fileMax {
		return nil, nil, tooLarge(path)
	}
	if values, err = parse(text); err != nil {
		return nil, nil, fmt.Errorf("secrets: %s: %w", path, err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		warnings = append(warnings, fmt.Sprintf("other users of this machine may read %s (its mode is %04o); run `chmod 600 %s`", path, mode, path))
	}
	return values, warnings, nil
}

func tooLarge(path string) error {
	return fmt.Errorf("secrets: %s has more than 1 MiB: keep only lines NAME=value in it", path)
}

// tracked reports whether git tracks the file in a folder. Without git, or outside
// of a repository, it does not.
func tracked(ctx context.Context, dir string) bool {
	git, err := exec.LookPath("git")
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, gitLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, git, "-C", dir, "ls-files", "--error-unmatch", "--", FileName)
	for _, e := range os.Environ() {
		// A hook of another repository sets GIT_DIR and its like.
		if !strings.HasPrefix(e, "GIT_") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	return cmd.Run() == nil
}

var errNotText = errors.New("it holds a zero byte, so it is no text file")
