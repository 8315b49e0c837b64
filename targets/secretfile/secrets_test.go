package secretfile

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/twofoldhq/twofold/targets"
)

var wanted = []targets.Secret{{Name: "A", From: "shop/a"}, {Name: "B", From: "shop/b"}, {Name: "C"}}

func environment(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, p := range pairs {
			if key, value, _ := strings.Cut(p, "="); key == name {
				return value, true
			}
		}
		return "", false
	}
}

func write(t *testing.T, text string, mode os.FileMode) (dir string) {
	t.Helper()
	dir = t.TempDir()
	path := filepath.Join(dir, FileName)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestEnvironmentComesBeforeTheFile(t *testing.T) {
	dir := write(t, "A=file\nB=file\nC=", 0o600)
	v, warnings, err := Resolve(t.Context(), dir, environment("A=env", "B="), wanted)
	if err != nil || warnings != nil || len(v) != 3 || v["A"] != "env" || v["B"] != "file" || v["C"] != "" {
		t.Errorf("got %q, %q, %v", map[string]string(v), warnings, err)
	}
}

func TestFileThatIsNotNeededIsNotRead(t *testing.T) {
	dir := write(t, "this is no file of secrets", 0o644)
	if v, warnings, err := Resolve(t.Context(), dir, environment("A=1", "B=2", "C=3"), wanted); err != nil || len(warnings) > 0 || len(v) != 3 {
		t.Errorf("got %v, %q, %v", v, warnings, err)
	}
}

func TestAllThatAreMissingAreNamedWithTheTwoWays(t *testing.T) {
	for _, dir := range []string{"", t.TempDir(), write(t, "D=4", 0o600)} {
		_, _, err := Resolve(t.Context(), dir, environment("A=1"), wanted)
		for _, part := range []string{`"B" (from "shop/b")`, `"C"`, "environment", FileName, "not be committed"} {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("error %v, want it to say %s", err, part)
			}
		}
		if err != nil && strings.Contains(err.Error(), `"A"`) {
			t.Errorf("the error names one that has a value: %v", err)
		}
	}
}

func TestFileThatOthersMayReadIsWarnedOf(t *testing.T) {
	dir := write(t, "A=1\nB=2\nC=3", 0o640)
	_, warnings, err := Resolve(t.Context(), dir, environment(), wanted)
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "chmod 600") || !strings.Contains(warnings[0], "0640") {
		t.Errorf("warnings %q, %v", warnings, err)
	}
}

func TestFileThatCannotBeOneIsRefused(t *testing.T) {
	pipe := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(pipe, FileName), 0o600); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, FileName), 0o700); err != nil {
		t.Fatal(err)
	}
	for want, dir := range map[string]string{
		"1 MiB":                 write(t, strings.Repeat("# much\n", fileMax/7+1), 0o600),
		"is no regular file: p": pipe,
		"is no regular file":    folder,
		"line 1: no \"=\"":      write(t, "A", 0o600),
	} {
		if _, _, err := Resolve(t.Context(), dir, environment(), wanted); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestFileThatGitTracksIsRefused(t *testing.T) {
	git := func(dir string, args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
	}
	if _, err := exec.LookPath("git"); err != nil {
		t.Log("there is no git; nothing is tested")
		return
	}
	dir := write(t, "A=1\nB=2\nC=3", 0o600)
	git(dir, "init", "-q")
	if _, _, err := Resolve(t.Context(), dir, environment(), wanted); err != nil {
		t.Errorf("a file that git does not track: %v", err)
	}
	git(dir, "add", FileName)
	// As within a hook of another repository.
	t.Setenv("GIT_DIR", filepath.Join(t.TempDir(), "other"))
	if _, _, err := Resolve(t.Context(), dir, environment(), wanted); err == nil || !strings.Contains(err.Error(), "git rm --cached") {
		t.Errorf("a file that git tracks: %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, _, err := Resolve(t.Context(), dir, environment(), wanted); err != nil {
		t.Errorf("without git: %v", err)
	}
}

func TestValuesPrintTheirNamesOnly(t *testing.T) {
	v := Values{"B": "hunter2", "A": "hunter3"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if got := fmt.Sprintf(verb, struct{ V Values }{v}); strings.Contains(got, "hunter") || strings.Contains(got, "68756e746572") || !strings.Contains(got, "A") {
			t.Errorf("%s prints %s", verb, got)
		}
	}
}
