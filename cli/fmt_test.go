package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const ugly, pretty = "project=\"shop\"\n\n\n", "project = \"shop\"\n"

// formatting runs twofold fmt in a new folder with files, and returns what it
// prints, its exit code, and the files afterwards.
func formatting(t *testing.T, files map[string]string, in string, args ...string) (out, problems string, code int, after map[string]string) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	for name, content := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var o, e bytes.Buffer
	code = Main(append([]string{"twofold", "fmt"}, args...), Streams{In: strings.NewReader(in), Out: &o, Err: &e})
	after = map[string]string{}
	for name := range files {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		after[name] = string(content)
	}
	return o.String(), e.String(), code, after
}

func TestFmtFormatsTheFilesOfTheManifest(t *testing.T) {
	files := map[string]string{"twofold.hcl": ugly, "api.hcl": "a=1\n", "fine.hcl": "a = 1\n", "requests.hcl": "a=1\n", "x.vars.hcl": "a=1\n", ".hidden.hcl": "a=1\n", "more.hcl.json": "{ }"}
	out, problems, code, after := formatting(t, files, "")
	if out != "twofold.hcl\napi.hcl\n" || code != 0 || !strings.Contains(problems, "more.hcl.json is JSON") {
		t.Errorf("exit code %d, %q, %q", code, out, problems)
	}
	files["twofold.hcl"], files["api.hcl"] = pretty, "a = 1\n"
	if d := cmp.Diff(files, after); d != "" {
		t.Error(d)
	}
}

func TestFmtLeavesFilesAloneWhereItOnlyLooks(t *testing.T) {
	tests := []struct {
		args []string
		want string
		code int
	}{
		{[]string{"--check"}, "twofold.hcl\n", 1},
		{[]string{"--diff", "twofold.hcl"}, "diff twofold.hcl twofold.hcl (formatted)\n--- twofold.hcl\n+++ twofold.hcl (formatted)\n@@ -1,3 +1,1 @@\n-project=\"shop\"\n-\n-\n+project = \"shop\"\n", 0},
		{[]string{"--diff", "--check", "."}, "diff ", 1},
		{[]string{"--check", "sub/fine.hcl"}, "", 0},
		{[]string{"--diff", "sub/fine.hcl"}, "", 0},
	}
	for _, test := range tests {
		files := map[string]string{"twofold.hcl": ugly, "sub/fine.hcl": pretty}
		out, problems, code, after := formatting(t, files, "", test.args...)
		if !strings.HasPrefix(out, test.want) || test.want == "" && out != "" || code != test.code {
			t.Errorf("%v: exit code %d, %q, %q", test.args, code, out, problems)
		}
		if d := cmp.Diff(files, after); d != "" {
			t.Errorf("%v: %s", test.args, d)
		}
	}
}

func TestFmtReadsStandardInput(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
		code int
	}{
		{[]string{"-"}, pretty, 0},
		{[]string{"--check", "-"}, "standard input\n", 1},
		{[]string{"--diff", "-"}, "diff standard input", 0},
	} {
		out, problems, code, _ := formatting(t, nil, ugly, test.args...)
		if !strings.HasPrefix(out, test.want) || code != test.code {
			t.Errorf("%v: exit code %d, %q, %q", test.args, code, out, problems)
		}
	}
}

// Formatting would hide that a file says nothing, or not all that it should.
func TestFmtReportsWhatCannotBeRead(t *testing.T) {
	files := map[string]string{"twofold.hcl": "a = \n", "b.hcl": "b=1\n", "c.hcl": "c {\n"}
	out, problems, code, after := formatting(t, files, "")
	if code != 2 || out != "b.hcl\n" || !strings.Contains(problems, "twofold.hcl:1") || !strings.Contains(problems, "c.hcl") {
		t.Errorf("exit code %d, %q, %q", code, out, problems)
	}
	if after["twofold.hcl"] != files["twofold.hcl"] || after["b.hcl"] != "b = 1\n" {
		t.Errorf("%q", after)
	}
	for _, args := range [][]string{{"none.hcl"}, {"."}, {}} {
		if _, problems, code, _ := formatting(t, nil, "", args...); code == 0 || problems == "" {
			t.Errorf("%v: exit code %d, %q", args, code, problems)
		}
	}
}
