package manifest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAFileOfASettingBeginsInTheManifestsFolder(t *testing.T) {
	home, elsewhere := t.TempDir(), t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	t.Chdir(elsewhere)
	dir := t.TempDir()
	for _, c := range []struct{ given, want string }{
		{"certificates", filepath.Join(dir, "certificates")},
		{"./deploy/../certificates/", filepath.Join(dir, "certificates")},
		{"../shared", filepath.Join(filepath.Dir(dir), "shared")},
		{"/etc/docker", filepath.FromSlash("/etc/docker")},
		{"~/.docker", filepath.Join(home, ".docker")},
		{"~other", filepath.Join(dir, "~other")},
	} {
		file := filepath.Join(dir, DefaultFile)
		text := "project = \"shop\"\nservice \"web\" {\n  build \"go\" {}\n}\ntarget \"docker\" \"server\" {\n  certificates = \"" + c.given + "\"\n}\n"
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		o := testOptions()
		o.Path = file
		m, d := Load(o)
		if d.HasErrors() {
			t.Fatal(d)
		}
		if got := m.Targets[0].Settings.String("certificates"); got != c.want {
			t.Errorf("%s is %s, and not %s", c.given, got, c.want)
		}
	}
}

func TestAFileOfASettingHasAName(t *testing.T) {
	text := "project = \"shop\"\nservice \"web\" {\n  build \"go\" {}\n}\ntarget \"docker\" \"server\" {\n  certificates = \"\"\n}\n"
	_, d := load([]byte(text), "/shop/twofold.hcl", "twofold.hcl", testOptions())
	if !d.HasErrors() || !strings.Contains(d.Error(), `Invalid value for "certificates"`) {
		t.Errorf("got %s", d)
	}
}
