package gateway

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// secretEnv returns an environment with the files of a folder as variables.
func secretEnv(dir string, env []string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read the secrets: %w", err)
	}
	for _, e := range entries {
		value, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read the secrets: %w", err)
		}
		env = append(env, e.Name()+"="+string(value))
	}
	return env, nil
}

// start replaces this process by a program, which is looked for as the engine does.
func start(program string, args, env []string) error {
	path, err := exec.LookPath(program)
	if err != nil {
		return fmt.Errorf("start the app: %w", err)
	}
	if err := syscall.Exec(path, args, env); err != nil {
		return fmt.Errorf("start the app %s: %w", path, err)
	}
	return nil
}
