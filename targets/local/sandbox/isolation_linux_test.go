package sandbox

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// needsNamespaces ends a test on a machine without namespaces, unless it is one
// that is known to have them.
func needsNamespaces(t *testing.T) {
	t.Helper()
	l := Describe()
	if l.Namespaces {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("this machine allows no namespaces: %q", l.Missing)
	}
	t.Skipf("this machine allows no namespaces: %q", l.Missing)
}

func TestAppSeesNothingOfTheMachine(t *testing.T) {
	needsNamespaces(t)
	image := appSpec("look", "/etc/hosts", "/etc/resolv.conf", "/proc/self/mountinfo")
	root, mounts := imageRoot(t)
	image.Root, image.Mounts, image.User = root, mounts, "1234:4321"
	image.Name, image.Dir = "my shop/api", "/app"
	view1 := appSpec("look", "/etc/hosts", "/etc/resolv.conf", "/proc/self/mountinfo")
	for _, test := range []struct {
		name     string
		spec     Spec
		uid, gid int
		host     string
		folders  string
	}{
		{"the machine's view", view1, ordinary, ordinary, "sandbox", "bin dev etc home lib lib64 opt proc run sbin tmp usr var"},
		{"an image", image, 1234, 4321, "my-shop-api", "app bin dev etc lib lib64 proc tmp usr"},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := look(t, test.spec)
			if v.UID != test.uid || v.GID != test.gid {
				t.Errorf("runs as %d:%d, want %d:%d", v.UID, v.GID, test.uid, test.gid)
			}
			for _, name := range []string{"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"} {
				if strings.Trim(v.Status[name], "0") != "" {
					t.Errorf("%s is %s", name, v.Status[name])
				}
			}
			if v.Status["NoNewPrivs"] != "1" || v.Status["Seccomp"] != "2" {
				t.Errorf("no_new_privs is %s, seccomp %s", v.Status["NoNewPrivs"], v.Status["Seccomp"])
			}
			if v.PID == 1 || v.Parent != 1 {
				t.Errorf("is process %d below %d, want one below 1", v.PID, v.Parent)
			}
			if want := []string{"1", strconv.Itoa(v.PID)}; !slices.Equal(v.Processes, want) {
				t.Errorf("sees processes %q, want %q", v.Processes, want)
			}
			for _, folder := range v.Root {
				if !slices.Contains(strings.Fields(test.folders), folder) {
					t.Errorf("sees /%s", folder)
				}
			}
			for i, file := range v.Files {
				kind, _, _ := strings.Cut(file, ":")
				// The Go runtime of the app has files of its own, anonymous ones.
				if i > 2 && kind != "anon_inode" && file != "" {
					t.Errorf("has the files %q open", v.Files)
				}
			}
			if v.Host != test.host {
				t.Errorf("host name is %q, want %q", v.Host, test.host)
			}
			if want := max(test.spec.Dir, "/"); v.Dir != want {
				t.Errorf("working directory is %q, want %q", v.Dir, want)
			}
			if !slices.Equal(v.Env, test.spec.Env) {
				t.Errorf("environment is %q, want %q", v.Env, test.spec.Env)
			}
			if !strings.Contains(v.Read["/etc/hosts"], test.host) {
				t.Errorf("/etc/hosts is %q", v.Read["/etc/hosts"])
			}
			if machine, err := os.ReadFile("/etc/resolv.conf"); err == nil && v.Read["/etc/resolv.conf"] != string(machine) {
				t.Errorf("/etc/resolv.conf is %q", v.Read["/etc/resolv.conf"])
			}
			if roots := strings.Count(v.Read["/proc/self/mountinfo"], " / / "); roots != 1 {
				t.Errorf("%d file systems are mounted on the root: %s", roots, v.Read["/proc/self/mountinfo"])
			}
			for what, err := range v.Errors {
				if strings.Contains(err, "it works") && what != "write root" {
					t.Errorf("%s: %s", what, err)
				}
			}
		})
	}
}

func TestRootUserOfAnImageIsHarmless(t *testing.T) {
	needsNamespaces(t)
	s := appSpec("look")
	root, mounts := imageRoot(t)
	s.Root, s.Mounts = root, mounts
	v := look(t, s)
	if v.UID != 0 || v.GID != 0 {
		t.Errorf("runs as %d:%d, want root, as an image without a USER", v.UID, v.GID)
	}
	if strings.Trim(v.Status["CapEff"]+v.Status["CapBnd"], "0") != "" {
		t.Errorf("has capabilities %s of %s", v.Status["CapEff"], v.Status["CapBnd"])
	}
	for _, what := range []string{"write usr", "write sysctl", "mount", "trace init", "read init", "io_uring", "keyring"} {
		if strings.Contains(v.Errors[what], "it works") {
			t.Errorf("%s: %s", what, v.Errors[what])
		}
	}
}

func TestRootIsNeverChanged(t *testing.T) {
	needsNamespaces(t)
	s := appSpec("write", "/app/new", "text")
	root, mounts := imageRoot(t)
	s.Root = root
	s.Mounts = append(mounts, Mount{Source: "/usr", Target: "/deep/below/mount"})
	before := tree(t, root)
	exit, out := run(t, s)
	if exit.Code != 0 || out != "text" {
		t.Errorf("writing to the root: %v: %s", exit, out)
	}
	if after := tree(t, root); !slices.Equal(before, after) {
		t.Errorf("the root is changed:\n%q\n%q", before, after)
	}
	s.ReadOnly = true
	exit, out = run(t, s)
	if exit.Code == 0 || !strings.Contains(out, "read-only file system") {
		t.Errorf("writing to a read-only root: %v: %s", exit, out)
	}
	s.Command = []string{self, "/tmp/new", "text"}
	if exit, out = run(t, s); exit.Code != 0 {
		t.Errorf("writing to /tmp of a read-only root: %v: %s", exit, out)
	}
}

func TestRootWithoutAWritableLayerIsComposed(t *testing.T) {
	needsNamespaces(t)
	root, _ := imageRoot(t)
	data := filepath.Join(root, "data")
	for _, dir := range []string{data, filepath.Join(data, "kept"), filepath.Join(root, "tmp")} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(data, "file"), []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	before := tree(t, root)
	s := appSpec("look", "/etc/hosts", "/data/file", "/data/kept/missing/x/test")
	_, mounts := imageRoot(t)
	// A file with a colon in its name, and so on, is none of overlay's business.
	s.Root = root
	s.Mounts = append(mounts, Mount{Source: root + "/data", Target: "/data/kept/missing/x"})
	c, err := newConfig(s, thisMachine())
	if err != nil {
		t.Fatal(err)
	}
	c.NoLayer = true
	p, out := startConfig(t, s, c)
	if exit := wait(t, p); exit.Code != 0 {
		t.Fatalf("%v: %s", exit, out)
	}
	if !strings.Contains(out.String(), `"/data/file":"text"`) || !strings.Contains(out.String(), `"write root":"open /written: read-only`) {
		t.Errorf("the app saw %s", out)
	}
	if after := tree(t, root); !slices.Equal(before, after) {
		t.Errorf("the root is changed:\n%q\n%q", before, after)
	}
}

func TestMounts(t *testing.T) {
	needsNamespaces(t)
	source := t.TempDir()
	if err := os.Chmod(source, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name     string
		readOnly bool
		target   string
	}{
		{"writable", false, "/mnt/data"},
		{"read-only", true, "/mnt/data"},
		{"below /tmp", false, "/tmp/data"},
		{"below a read-only system folder", false, "/opt/new/data"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := appSpec("write", test.target+"/sub", test.name)
			s.User = strconv.Itoa(os.Geteuid())
			s.Mounts = append(s.Mounts, Mount{Source: source, Target: test.target, ReadOnly: test.readOnly})
			exit, out := run(t, s)
			if test.readOnly {
				if exit.Code == 0 || !strings.Contains(out, "read-only file system") {
					t.Errorf("%v: %s", exit, out)
				}
				return
			}
			data, err := os.ReadFile(filepath.Join(source, "sub/file"))
			if exit.Code != 0 || err != nil || string(data) != test.name {
				t.Errorf("%v: %s: %q, %v", exit, out, data, err)
			}
		})
	}
}

func TestLinksOfAnImageLeadNowhereElse(t *testing.T) {
	needsNamespaces(t)
	outside := t.TempDir()
	root, mounts := imageRoot(t)
	for name, target := range map[string]string{
		"tmp": "/run/elsewhere", "mnt": "../../../../../.." + outside, "data": "/app/../app",
		"etc/resolv.conf": outside + "/resolv.conf", "etc/hosts": "../run/missing/hosts",
	} {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	s := appSpec("look", "/etc/hosts", "/mnt/usr/test", "/app/usr/test")
	s.Root, s.Mounts = root, mounts
	s.Mounts = append(s.Mounts, Mount{Source: outside, Target: "/mnt/usr"}, Mount{Source: outside, Target: "/data/usr"})
	v := look(t, s)
	if !strings.Contains(v.Read["/etc/hosts"], "localhost") {
		t.Errorf("/etc/hosts is %q", v.Read["/etc/hosts"])
	}
	if left := names(outside); len(left) > 0 {
		t.Errorf("the sandbox made %q on the machine", left)
	}
}

func TestTmpIsFreshAndHasItsSize(t *testing.T) {
	needsNamespaces(t)
	s := appSpec("fill", "/tmp/file", strconv.Itoa(64<<20))
	s.TmpSize = 8 << 20
	for range 2 {
		exit, out := run(t, s)
		var written int
		if _, rest, ok := strings.Cut(out, " "); ok {
			written, _ = strconv.Atoi(strings.Fields(out)[0])
			out = rest
		}
		if exit.Code != 0 || !strings.Contains(out, "no space left on device") || written < 7<<20 || written > 8<<20 {
			t.Errorf("%v: %d bytes: %s", exit, written, out)
		}
	}
}

// tree lists a folder with modes and sizes.
func tree(t *testing.T, folder string) (all []string) {
	t.Helper()
	err := filepath.Walk(folder, func(name string, info os.FileInfo, err error) error {
		if err == nil {
			all = append(all, name+" "+info.Mode().String()+" "+info.ModTime().String())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
