package golang

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/build/tool"
)

// explain turns a failure of the go command into an error in the settings if that
// is what it is, or else says what mends it where the output shows that.
func (c compile) explain(ctx context.Context, e *build.ToolError) error {
	var missing *tool.NotFoundError
	if errors.As(e.Err, &missing) {
		e.Hint = "install Go from https://go.dev/dl/, or add its folder to PATH"
		return e
	}
	if err := c.wrongSetting(ctx, e.Output); err != nil {
		return err
	}
	if e.Hint == "" {
		e.Hint = c.hint(e.Output)
	}
	return e
}

// wrongSetting recognizes what the go command says about its arguments. It says
// so on a line of its own, without a position in a source file.
func (c compile) wrongSetting(ctx context.Context, output string) error {
	s := c.settings
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(strings.TrimPrefix(line, "go: "))
		line = strings.TrimPrefix(line, s.pkg+": ")
		switch {
		case strings.HasPrefix(line, "go.mod file not found"):
			return s.wrong("dir", "There is no go.mod",
				fmt.Sprintf("Neither %s nor a folder above it has one. Run go mod init there, or set dir to the folder of the module.", s.dir))
		case strings.HasPrefix(line, "-buildmode=exe requires exactly one main package"):
			return s.wrong("package", "This is a library, not a main package",
				fmt.Sprintf("%s has no function main to start. %s", s.pkg, c.mainPackages(ctx)))
		case strings.HasPrefix(line, "no required module provides package "+s.pkg+";"):
			return s.wrong("package", "No module in go.mod provides this package",
				fmt.Sprintf("If the import path is right, run this in %s: go get %s", s.dir, s.pkg))
		case strings.HasPrefix(line, "package "+s.pkg+" is not in std"):
			return s.wrong("package", "There is no such package", c.mainPackages(ctx))
		case strings.HasPrefix(line, "main module (") && strings.Contains(line, "does not contain package"):
			return s.wrong("package", "The package is in another module",
				fmt.Sprintf("%s has a go.mod of its own: set dir to that folder, and package to a folder below it.", filepath.Join(s.dir, s.pkg)))
		case strings.HasPrefix(line, "no Go files in "),
			strings.HasPrefix(line, "stat ") && strings.HasSuffix(line, ": directory not found"):
			return s.wrong("package", "There is no Go package",
				fmt.Sprintf("%s holds no Go files. %s", filepath.Join(s.dir, s.pkg), c.mainPackages(ctx)))
		case strings.HasPrefix(line, "directory ") && strings.Contains(line, "outside main module"):
			return s.wrong("package", "The package is not in the service's module",
				fmt.Sprintf("%s lies outside of the module that %s belongs to. Set dir to the folder of the package's own module.", filepath.Join(s.dir, s.pkg), s.dir))
		}
	}
	return nil
}

// suggested is what the go command prints before the command that mends things.
var suggested = regexp.MustCompile(`(?m); to [a-z ]+:\n\s*(go (?:get|mod) [^\n]+)$`)

var network = regexp.MustCompile(`dial (?:tcp|udp)|no such host|i/o timeout|connection refused|TLS handshake|network is unreachable|Could not resolve host|GOPROXY=off`)

func (c compile) hint(output string) string {
	switch {
	case network.MatchString(output):
		return "a module could not be downloaded: check the network and GOPROXY; once `go mod download` has worked in " + c.settings.dir + ", builds need no network"
	case !strings.HasPrefix(c.settings.pkg, ".") && (strings.Contains(output, "missing go.sum entry") || strings.Contains(output, "go mod tidy")):
		// go mod tidy would drop a module that no source file imports.
		return "run this in " + c.settings.dir + ": go get " + c.settings.pkg
	case strings.Contains(output, "missing go.sum entry"):
		return "run this in " + c.settings.dir + ": go mod tidy"
	case suggested.MatchString(output):
		return "run this in " + c.settings.dir + ": " + suggested.FindStringSubmatch(output)[1]
	case strings.Contains(output, "GOTOOLCHAIN=local"):
		return "install the Go version that go.mod asks for, or set GOTOOLCHAIN=auto to have go fetch it"
	case strings.Contains(output, "build constraints exclude all Go files"):
		return "a package has no code for " + c.platform.String() + " without cgo: use another package, or set env = { CGO_ENABLED = \"1\" } and a base that has its libraries"
	}
	return ""
}

// mainPackages is a sentence that lists the main packages a person may have meant,
// or "".
func (c compile) mainPackages(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	pattern, field := "./...", ".Dir"
	if !strings.HasPrefix(c.settings.pkg, ".") {
		pattern, field = c.settings.pkg+"/...", ".ImportPath"
	}
	cmd := tool.Command{
		Args: []string{"go", "list", "-e", "-f", "{{if eq .Name \"main\"}}{{" + field + "}}{{end}}", pattern},
		Dir:  c.settings.dir,
		Env:  c.environment(os.Environ()),
	}
	output, err := cmd.Run(ctx)
	if err != nil {
		return ""
	}
	var found []string
	for line := range strings.Lines(output) {
		name := strings.TrimSpace(line)
		if rel, err := filepath.Rel(c.settings.dir, name); field == ".Dir" && err == nil {
			name = "./" + filepath.ToSlash(rel)
		}
		if name != "" && !strings.Contains(name, ": ") && !strings.HasPrefix(name, "go: ") {
			found = append(found, fmt.Sprintf("%q", name))
		}
	}
	const most = 8
	switch {
	case len(found) == 0:
		return "There is no main package below " + c.settings.dir + "."
	case len(found) > most:
		return fmt.Sprintf("Main packages are: %s and %d more.", strings.Join(found[:most], ", "), len(found)-most)
	}
	return "Main packages are: " + strings.Join(found, ", ") + "."
}
