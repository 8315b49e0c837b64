package sandbox

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Tool is a program of the machine, such as an interpreter, as a sandbox
// without a Root finds it.
type Tool struct {
	// Path is the program itself, not a shim.
	Path string
	// Folder belongs in front of PATH, so that the programs installed beside
	// this one are found; "" if PATH leads to them.
	Folder string
	// Mounts show the installation inside the sandbox, at its own place. There
	// are none for a program of the system folders, which are shown anyway.
	Mounts []Mount
}

// Locate finds a program by its name in the PATH of env, then of this process.
// An interpreter often lives in the user's home (nvm, pyenv, asdf, a virtual
// environment), which no sandbox shows; the mounts show just its installation.
// A program that the machine does not have is returned as it is, without
// mounts: it may be one of the app's own files.
func Locate(name string, env []string) (Tool, error) {
	file := ""
	switch {
	case filepath.IsAbs(name):
		file = name
	case !strings.Contains(name, "/"):
		path, _ := lookupEnv(env, "PATH")
		file = search(name, path+":"+os.Getenv("PATH"))
	}
	if file == "" || strings.HasPrefix(file, "/proc/") || !isFile(file) {
		return Tool{Path: name}, nil
	}
	real, err := filepath.EvalSymlinks(file)
	if err != nil {
		return Tool{}, fmt.Errorf("%q: %w", file, err)
	}
	if shown(file) && shown(real) {
		return Tool{Path: name}, nil
	}
	if isShim(file, real) {
		if file, err = behindShim(file); err != nil {
			return Tool{}, err
		}
	}
	t := Tool{Path: file, Folder: filepath.Dir(file)}
	return t, t.show(file, env)
}

// env puts the tool's folder in front of PATH.
func (t Tool) env(env []string) []string {
	if t.Folder == "" {
		return env
	}
	path, ok := lookupEnv(env, "PATH")
	if !ok {
		path = "/usr/local/bin:/usr/bin:/bin"
	}
	return append(env[:len(env):len(env)], "PATH="+t.Folder+":"+path)
}

// show adds the installation of each file that a chain of links leads through
// (a virtual environment, then the Python behind it), and of a script's interpreter.
func (t *Tool) show(file string, env []string) error {
	for range 40 {
		if !shown(file) {
			t.add(installation(file))
		}
		target, err := os.Readlink(file)
		if err != nil {
			break
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(file), target)
		}
		file = target
	}
	real, err := filepath.EvalSymlinks(file) // a folder above may be a link too
	if err != nil {
		return fmt.Errorf("%q: %w", file, err)
	}
	if !shown(real) {
		t.add(installation(real))
	}
	words := shebang(real)
	if len(words) > 1 && filepath.Base(words[0]) == "env" {
		words = words[1:]
	}
	if len(words) > 0 && words[0] != real {
		interpreter, err := Locate(words[0], env)
		if err != nil {
			return err
		}
		for _, m := range interpreter.Mounts {
			t.add(m.Source)
		}
	}
	return nil
}

func (t *Tool) add(source string) {
	for _, m := range t.Mounts {
		if source == m.Source || strings.HasPrefix(source, m.Source+"/") {
			return
		}
	}
	t.Mounts = append(t.Mounts, Mount{Source: source, Target: source, ReadOnly: true})
}

// installation is the folder that a program was installed into: the one above
// bin. A folder that holds more than programs (a home, ~/.local) is never shown
// whole; then it is the file alone.
func installation(file string) string {
	if before, after, ok := strings.Cut(file, "/Cellar/"); ok && after != "" {
		return before // Homebrew, whose packages use each other
	}
	bin := filepath.Dir(file)
	prefix := filepath.Dir(bin)
	home, _ := os.UserHomeDir()
	switch {
	case filepath.Base(bin) != "bin", prefix == home, filepath.Base(prefix) == ".local",
		prefix == "/", filepath.Dir(prefix) == "/", filepath.Dir(prefix) == "/home":
		return file
	}
	return prefix
}

// shown tells whether a sandbox without a Root shows the file anyway.
func shown(file string) bool {
	for _, folder := range []string{"/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/", "/etc/", "/opt/", "/nix/", "/gnu/"} {
		if strings.HasPrefix(file, folder) {
			return true
		}
	}
	return false
}

// isShim tells whether a program only chooses another one.
func isShim(file, real string) bool {
	chooser := filepath.Base(real)
	return filepath.Base(filepath.Dir(file)) == "shims" || strings.Contains(chooser, "shim") || chooser == "mise" || chooser == "asdf"
}

// behindShim returns the program that a shim chooses.
func behindShim(shim string) (string, error) {
	name, root := filepath.Base(shim), filepath.Dir(filepath.Dir(shim))
	// pyenv, rbenv and nodenv write their choice to a file.
	if choice, err := os.ReadFile(filepath.Join(root, "version")); err == nil && os.Getenv("PYENV_VERSION") == "" {
		version, _, _ := strings.Cut(strings.TrimSpace(string(choice)), "\n")
		if file := filepath.Join(root, "versions", version, "bin", name); version != "" && isFile(file) {
			return file, nil
		}
	}
	var question []string
	switch {
	case strings.HasPrefix(name, "python"):
		question = []string{"-c", "import sys; print(sys.executable)"}
	case name == "node":
		question = []string{"-p", "process.execPath"}
	case name == "ruby":
		question = []string{"-e", "puts RbConfig.ruby"}
	default:
		return "", fmt.Errorf("%q only chooses the program to run: name that program with its whole path", shim)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	answer, err := exec.CommandContext(ctx, shim, question...).Output()
	file := strings.TrimSpace(string(answer))
	if err != nil || !filepath.IsAbs(file) || !isFile(file) {
		return "", fmt.Errorf("%q does not tell which program it runs (%v): name that program with its whole path", shim, err)
	}
	return file, nil
}

// search returns the first executable file of the name in the folders of a PATH.
func search(name, path string) string {
	for folder := range strings.SplitSeq(path, ":") {
		if file := filepath.Join(folder, name); filepath.IsAbs(folder) && isFile(file) {
			return file
		}
	}
	return ""
}

func isFile(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// shebang returns the words of a script's first line.
func shebang(file string) []string {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	line, err := bufio.NewReaderSize(f, 256).ReadSlice('\n')
	if err != nil || !strings.HasPrefix(string(line), "#!") {
		return nil
	}
	return strings.Fields(string(line[2:]))
}
