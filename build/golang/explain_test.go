package golang

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/manifest/schema"
)

func TestWrongSettings(t *testing.T) {
	files := map[string]string{
		"go.mod":            goMod,
		"cmd/api/main.go":   mainGo,
		"cmd/tool/main.go":  mainGo,
		"lib/lib.go":        "package lib\n",
		"empty/readme.md":   "",
		"other/go.mod":      "module example.com/other\n",
		"other/main.go":     mainGo,
		"outside/x/main.go": mainGo,
	}
	for _, c := range []struct {
		name     string
		settings schema.Values
		at       string   // the attribute
		want     []string // in summary or detail
	}{
		{"a library", schema.Values{"package": "./lib"}, "package",
			[]string{"a library", `"./cmd/api"`, `"./cmd/tool"`}},
		{"no package setting and no main package", schema.Values{}, "",
			[]string{"no Go package", `"./cmd/api"`}},
		{"a folder without Go files", schema.Values{"package": "./empty"}, "package",
			[]string{"no Go package", "empty", `"./cmd/api"`}},
		{"no such folder", schema.Values{"package": "./cmd/apo"}, "package",
			[]string{"no Go package", "cmd/apo", `"./cmd/api"`}},
		{"a folder without ./", schema.Values{"package": "cmd/api"}, "package",
			[]string{`package = "./cmd/api"`}},
		{"a module that is not required", schema.Values{"package": "github.com/foo/bar/cmd/x"}, "package",
			[]string{"No module in go.mod", "go get github.com/foo/bar/cmd/x"}},
		{"a folder outside of the module", schema.Values{"package": "../elsewhere"}, "package",
			[]string{"not in the service's module"}},
		{"another module's folder", schema.Values{"package": "./other"}, "package",
			[]string{"another module", "dir"}},
		{"several packages", schema.Values{"package": "./..."}, "package", []string{"several packages"}},
		{"a flag", schema.Values{"package": "-toolexec=rm"}, "package", []string{"not a package"}},
		{"an absolute package", schema.Values{"package": "/src/app"}, "package", []string{"absolute"}},
		{"an absolute dir", schema.Values{"dir": "/src/app"}, "dir", []string{"absolute"}},
		{"no such dir", schema.Values{"dir": "svc"}, "dir", []string{"no such folder"}},
		{"a build ID", schema.Values{"ldflags": []string{"-buildid="}}, "ldflags", []string{"-buildid"}},
		{"a variable of the platform", schema.Values{"env": map[string]string{"GOARCH": "386"}}, "env", []string{"GOARCH"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t, files)
			p.Settings = c.settings
			if c.name == "a folder outside of the module" {
				p.Dir = filepath.Join(p.Dir, "below")
				p.write("go.mod", goMod)
				p.write("../elsewhere/main.go", mainGo)
			}
			_, err := p.build()
			var e *schema.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v", err)
			}
			if e.Attribute != c.at {
				t.Errorf("at %q, want %q", e.Attribute, c.at)
			}
			for _, want := range c.want {
				if !strings.Contains(e.Summary+" "+e.Detail, want) {
					t.Errorf("%q is not in: %s: %s", want, e.Summary, e.Detail)
				}
			}
		})
	}
}

func TestMissingGoMod(t *testing.T) {
	p := newProject(t, map[string]string{"main.go": mainGo})
	_, err := p.build()
	var e *schema.Error
	if !errors.As(err, &e) || !strings.Contains(e.Detail, "go mod init") {
		t.Errorf("got %v", err)
	}
}

func TestMissingGoCommand(t *testing.T) {
	p := newProject(t, map[string]string{"go.mod": goMod, "main.go": mainGo})
	t.Setenv("PATH", t.TempDir())
	_, err := p.build()
	var e *build.ToolError
	if !errors.As(err, &e) || !strings.Contains(e.Hint, "https://go.dev/dl/") || !strings.Contains(e.Error(), "go was not found") {
		t.Errorf("got %v", err)
	}
}

func TestHints(t *testing.T) {
	importing := func(path string) string { return "package main\n\nimport _ \"" + path + "\"\n\nfunc main() {}\n" }
	for _, c := range []struct {
		name, goMod, main string
		env               map[string]string
		want              string
	}{
		{name: "an import that go.mod does not require", goMod: goMod, main: importing("example.org/dep/pkg"),
			want: "go get example.org/dep/pkg"},
		{name: "no network", goMod: goMod + "\nrequire example.org/dep v1.0.0\n", main: importing("example.org/dep"),
			env:  map[string]string{"GOPROXY": "http://127.0.0.1:1", "GOFLAGS": "-mod=mod", "GONOSUMDB": "*", "GONOSUMCHECK": "1"},
			want: "check the network"},
		{name: "the proxy switched off", goMod: goMod + "\nrequire example.org/dep v1.0.0\n", main: importing("example.org/dep"),
			env:  map[string]string{"GOPROXY": "off", "GOFLAGS": "-mod=mod"},
			want: "check the network"},
		{name: "a missing sum", goMod: goMod + "\nrequire example.org/dep v1.0.0\n", main: importing("example.org/dep"),
			want: "go mod tidy"},
		{name: "a newer Go", goMod: "module example.com/app\n\ngo 1.99\n", main: mainGo,
			env:  map[string]string{"GOTOOLCHAIN": "local"},
			want: "GOTOOLCHAIN=auto"},
		{name: "a package that needs cgo", goMod: goMod, main: importing("example.com/app/c"),
			want: "without cgo"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t, map[string]string{"go.mod": c.goMod, "main.go": c.main,
				"c/c.go": "package c\n\nimport \"C\"\n"})
			p.Settings["env"] = map[string]string{"GOMODCACHE": filepath.Join(p.Dir, "modcache")}
			for name, value := range c.env {
				p.Settings.StringMap("env")[name] = value
			}
			_, err := p.build()
			var e *build.ToolError
			if !errors.As(err, &e) || !strings.Contains(e.Hint, c.want) {
				t.Fatalf("got %v\n%s\nhint %q", err, p.log.String(), hintOf(e))
			}
		})
	}
}

func hintOf(e *build.ToolError) string {
	if e == nil {
		return ""
	}
	return e.Hint
}
