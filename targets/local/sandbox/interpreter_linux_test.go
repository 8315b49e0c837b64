package sandbox

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// install writes an executable script and the folders above it.
func install(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, target, file string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, file); err != nil {
		t.Fatal(err)
	}
}

func TestInterpreterOfAHomeIsFound(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("PYENV_VERSION", "")
	const script = "#!/bin/sh\necho run \"$@\"\n"
	install(t, home+"/.nvm/versions/node/v24/bin/node", script)
	install(t, home+"/.pyenv/versions/3.13.1/bin/python3.13", script)
	link(t, "python3.13", home+"/.pyenv/versions/3.13.1/bin/python3")
	install(t, home+"/.pyenv/shims/python3", "#!/bin/sh\nexit 1\n")
	install(t, home+"/.pyenv/version", "3.13.1\n")
	link(t, home+"/.pyenv/versions/3.13.1/bin/python3", home+"/project/.venv/bin/python")
	install(t, home+"/.asdf/installs/ruby/3.4/bin/ruby", script)
	install(t, home+"/.asdf/shims/ruby", "#!/bin/sh\necho "+home+"/.asdf/installs/ruby/3.4/bin/ruby\n")
	install(t, home+"/.local/bin/tool", script)
	install(t, home+"/.nvm/versions/node/v24/bin/npm", "#!/usr/bin/env node\n")
	install(t, home+"/brew/Cellar/deno/2/bin/deno", script)
	link(t, "../Cellar/deno/2/bin/deno", home+"/brew/bin/deno")
	node := home + "/.nvm/versions/node/v24"
	for _, test := range []struct {
		name, command, path string
		want                Tool
	}{
		{"of the system", "sh", "/usr/bin:/bin", Tool{Path: "sh"}},
		{"not there", "nosuch", "/usr/bin", Tool{Path: "nosuch"}},
		{"a file of the app", "./server", "/usr/bin", Tool{Path: "./server"}},
		{"nvm", "node", node + "/bin", Tool{Path: node + "/bin/node", Folder: node + "/bin", Mounts: shows(node)}},
		{"with its whole path", node + "/bin/node", "", Tool{Path: node + "/bin/node", Folder: node + "/bin", Mounts: shows(node)}},
		{"a script of one", "npm", node + "/bin", Tool{Path: node + "/bin/npm", Folder: node + "/bin", Mounts: shows(node)}},
		{"pyenv", "python3", home + "/.pyenv/shims", Tool{
			Path: home + "/.pyenv/versions/3.13.1/bin/python3", Folder: home + "/.pyenv/versions/3.13.1/bin",
			Mounts: shows(home + "/.pyenv/versions/3.13.1"),
		}},
		{"virtual environment", "python", home + "/project/.venv/bin", Tool{
			Path: home + "/project/.venv/bin/python", Folder: home + "/project/.venv/bin",
			Mounts: shows(home+"/project/.venv", home+"/.pyenv/versions/3.13.1"),
		}},
		{"asdf", "ruby", home + "/.asdf/shims", Tool{
			Path: home + "/.asdf/installs/ruby/3.4/bin/ruby", Folder: home + "/.asdf/installs/ruby/3.4/bin",
			Mounts: shows(home + "/.asdf/installs/ruby/3.4"),
		}},
		{"a folder with more than programs", "tool", home + "/.local/bin", Tool{
			Path: home + "/.local/bin/tool", Folder: home + "/.local/bin", Mounts: shows(home + "/.local/bin/tool"),
		}},
		{"Homebrew", "deno", home + "/brew/bin", Tool{
			Path: home + "/brew/bin/deno", Folder: home + "/brew/bin", Mounts: shows(home + "/brew"),
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Locate(test.command, []string{"PATH=" + test.path})
			if err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("%+v, %v\nwant %+v", got, err, test.want)
			}
		})
	}
	_, err := Locate(home+"/.pyenv/shims/python3", nil)
	if err != nil {
		t.Errorf("a shim with its whole path: %v", err)
	}
	install(t, home+"/.asdf/shims/other", "#!/bin/sh\nexit 3\n")
	if _, err := Locate("other", []string{"PATH=" + home + "/.asdf/shims"}); err == nil || !strings.Contains(err.Error(), "whole path") {
		t.Errorf("a shim for anything: %v", err)
	}

	needsNamespaces(t)
	// It runs in the sandbox, as another user, whom the home does not let in.
	if err := os.Chmod(home, 0o700); err != nil {
		t.Fatal(err)
	}
	exit, out := run(t, Spec{Command: []string{"node", "app.js"}, Env: []string{"PATH=/usr/bin:" + node + "/bin"}})
	if exit.Code != 0 && !strings.Contains(out, "app.js") || strings.Contains(out, "denied") {
		t.Errorf("%v: %s", exit, out)
	}
	exit, out = run(t, Spec{Command: []string{"python", "x"}, Env: []string{"PATH=" + home + "/project/.venv/bin"}})
	if exit.Code != 0 || out != "run x\n" {
		t.Errorf("%v: %s", exit, out)
	}
	exit, out = run(t, Spec{Command: []string{"sh", "-c", "ls -A " + home + " " + home + "/.pyenv"}, Env: []string{"PATH=/bin:/usr/bin"}})
	if exit.Code == 0 {
		t.Errorf("the home is shown: %s", out)
	}
}

func shows(folders ...string) (mounts []Mount) {
	for _, f := range folders {
		mounts = append(mounts, Mount{Source: f, Target: f, ReadOnly: true})
	}
	return mounts
}
