package cli_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/twofoldhq/twofold"

// The way through the rooms is manifest -> build -> release -> targets -> traffic.
// A room may use what its entry lists, and its own packages.
var law = []struct {
	room string
	may  []string
}{
	{"manifest/schema", nil},
	{"manifest", []string{"manifest/schema"}},
	{"build", []string{"manifest/schema"}},
	{"adapter", nil},
	{"release", []string{"build", "adapter/binaries"}},
	{"targets/conformance", []string{"targets", "release", "build"}},
	{"targets/all", []string{"targets"}},
	// What fits is decided from what targets say of themselves, as data.
	{"targets/fit", []string{"targets", "release", "build"}},
	// What several targets are made of.
	{"targets/engine", []string{"targets"}},
	{"targets/names", []string{"targets"}},
	{"targets/proxy", nil},
	{"targets/schedule", nil},
	{"targets/queue", nil},
	{"targets/gateway/image", []string{"targets/gateway", "release"}},
	{"targets/gateway", []string{"targets/proxy", "targets/queue", "targets/schedule"}},
	{"targets/secretfile", []string{"targets"}},
	// A target has its own packages, the contract, and no other target.
	{"targets/docker", []string{"targets", "targets/fit", "targets/engine", "targets/gateway", "targets/names", "targets/queue", "targets/secretfile", "release", "build", "manifest/schema"}},
	{"targets/kubernetes", []string{"targets", "targets/fit", "targets/gateway", "targets/names", "release", "build", "manifest/schema"}},
	{"targets/lambda", []string{"targets", "targets/fit", "release", "build", "manifest/schema"}},
	{"targets/local", []string{"targets", "targets/fit", "targets/engine", "targets/proxy", "targets/schedule", "targets/secretfile", "release", "build", "manifest/schema"}},
	{"targets", []string{"targets/schedule", "release", "build", "manifest/schema"}},
	{"traffic", []string{"targets", "release", "build"}},
	{"templates", nil},
	{"cli", []string{"manifest", "build", "release", "targets", "traffic", "templates"}},
	{"e2e", []string{"cli", "manifest", "build", "release", "targets", "traffic"}},
}

// Only the standard library may go into a bundle with the adapter, and a
// description of a block must not drag in a parser.
var standardLibraryOnly = []string{"adapter", "manifest/schema"}

// hcl and cty are the manifest's, and the parity's for its file of requests.
var mayKnowHCL = []string{"manifest", "traffic/parity"}

func TestImportLaw(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		if name == "" {
			for _, imported := range p.Imports {
				if ours(imported) && imported != module+"/cli" {
					t.Errorf("main imports %s: it starts cli and nothing else", imported)
				}
			}
			continue
		}
		room, ok := roomOf(name)
		if !ok {
			t.Errorf("%s belongs to no room: add it to the law, or move it", name)
			continue
		}
		for _, imported := range p.Imports {
			checkImport(t, name, room.room, room.may, imported)
		}
	}
}

func checkImport(t *testing.T, name, room string, may []string, imported string) {
	t.Helper()
	if !ours(imported) {
		if external(imported) && within(name, standardLibraryOnly) {
			t.Errorf("%s imports %s: only the standard library is allowed there", name, imported)
		}
		if strings.HasPrefix(imported, "github.com/hashicorp/hcl") && !within(name, mayKnowHCL) {
			t.Errorf("%s imports %s: only %v know HCL", name, imported, mayKnowHCL)
		}
		return
	}
	other := strings.TrimPrefix(imported, module+"/")
	if within(other, []string{room}) {
		return
	}
	otherRoom, _ := roomOf(other)
	if room == "targets/all" && strings.HasPrefix(otherRoom.room, "targets/") {
		return // the registry names each target
	}
	if room == "cli" && strings.HasPrefix(other, "targets/") {
		return
	}
	for _, allowed := range may {
		if allowed == "targets" && otherRoom.room != "targets" {
			continue // the contract, not some target
		}
		if within(other, []string{allowed}) {
			return
		}
	}
	t.Errorf("%s imports %s: %s may import %v", name, other, room, may)
}

// roomOf returns the law's most specific entry for a package.
func roomOf(name string) (found struct {
	room string
	may  []string
}, ok bool) {
	for _, entry := range law {
		if within(name, []string{entry.room}) && len(entry.room) > len(found.room) {
			found, ok = entry, true
		}
	}
	return found, ok
}

func within(name string, roots []string) bool {
	for _, root := range roots {
		if name == root || strings.HasPrefix(name, root+"/") {
			return true
		}
	}
	return false
}

func ours(path string) bool { return path == module || strings.HasPrefix(path, module+"/") }

func external(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return strings.Contains(first, ".")
}

type listed struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", module+"/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}
