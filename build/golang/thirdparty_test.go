package golang

import (
	"bytes"
	"debug/buildinfo"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twofoldhq/twofold/build"
)

// A server that someone else wrote is built from its import path; the service's
// folder holds a go.mod and nothing else.
func TestThirdPartyServerByImportPath(t *testing.T) {
	const server, module = "github.com/mccutchen/go-httpbin/v2/cmd/go-httpbin", "github.com/mccutchen/go-httpbin/v2"
	p := newProject(t, map[string]string{
		"go.mod": "module example.com/app\n\ngo 1.26.0\n\nrequire " + module + " v2.26.0\n",
		"go.sum": module + " v2.26.0 h1:JbKBrX9F9wjwXedIJkWe+jjYRjysHZrWKgJRPDSIxVw=\n" +
			module + " v2.26.0/go.mod h1:PR9NFmKJa0IaTgK4XD7IWBLvO6lPe/JOcPqzKDgsOVM=\n",
	})
	before, err := os.ReadFile(filepath.Join(p.Dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	p.Settings["package"] = server
	trees := p.mustBuild()
	info, err := buildinfo.ReadFile(trees[0].Files[0].Source)
	if err != nil || info.Path != server {
		t.Errorf("built %v, %v", info, err)
	}
	if after, err := os.ReadFile(filepath.Join(p.Dir, "go.mod")); err != nil || !bytes.Equal(before, after) {
		t.Errorf("go.mod was changed: %v\n%s", err, after)
	}
}

func TestThirdPartyServerWithoutSums(t *testing.T) {
	const server = "github.com/mccutchen/go-httpbin/v2/cmd/go-httpbin"
	p := newProject(t, map[string]string{
		"go.mod": "module example.com/app\n\ngo 1.26.0\n\nrequire github.com/mccutchen/go-httpbin/v2 v2.26.0\n",
	})
	p.Settings["package"] = server
	_, err := p.build()
	var e *build.ToolError
	if !errors.As(err, &e) || !strings.HasSuffix(e.Hint, ": go get "+server) {
		t.Errorf("got %v, hint %q", err, hintOf(e))
	}
}
