package sandbox

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestUserOfAnImage(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"passwd": "root:x:0:0:root:/root:/bin/sh\nbroken\napi:x:1001:1002::/:\n",
		"group":  "root:x:0:\nstaff:x:50:api,other\nshop:x:60:other,api\n",
	} {
		if err := os.WriteFile(filepath.Join(root, "etc", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		user string
		want identity
	}{
		{"", identity{}},
		{"65532:65532", identity{UID: 65532, GID: 65532}},
		{"7", identity{UID: 7}},
		{"1001", identity{UID: 1001, GID: 1002, Groups: []int{50, 60}}},
		{"api", identity{UID: 1001, GID: 1002, Groups: []int{50, 60}}},
		{"api:staff", identity{UID: 1001, GID: 50}},
		{"api:9", identity{UID: 1001, GID: 9}},
		{"7:shop", identity{UID: 7, GID: 60}},
	} {
		got, err := resolveUser(root, test.user)
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%q is %+v, %v, want %+v", test.user, got, err, test.want)
		}
	}
	for _, user := range []string{"nobody", "-1", "4294967296", ":", "7:", "api:nosuch"} {
		if got, err := resolveUser(root, user); err == nil {
			t.Errorf("%q is %+v", user, got)
		}
	}
	if got, err := resolveUser("", ""); err != nil || got.UID != ordinary {
		t.Errorf("nobody in particular is %+v, %v", got, err)
	}
}

func TestUserFilesOfAnImageAreItsOwn(t *testing.T) {
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "passwd"), []byte("api:x:5:5::/:\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(root, "etc")); err != nil {
		t.Fatal(err)
	}
	if id, err := resolveUser(root, "api"); err == nil {
		t.Errorf("a link out of the image was followed: %+v", id)
	}
}

func FuzzUserOfAnImage(f *testing.F) {
	f.Add("api:staff", "api:x:1:2::/:\n", "staff:x:3:api\n")
	f.Add("7", "::::\n", "a:b:c:d")
	f.Fuzz(func(t *testing.T, user, passwd, group string) {
		root := t.TempDir()
		if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"passwd": passwd, "group": group} {
			if err := os.WriteFile(filepath.Join(root, "etc", name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		id, err := resolveUser(root, user)
		if err == nil && (id.UID < 0 || id.GID < 0) {
			t.Errorf("%+v", id)
		}
	})
}

func FuzzPathStaysInRoot(f *testing.F) {
	f.Add("/etc/hosts", "/etc", "../../../x")
	f.Add("a/../../b", "/b", "/b")
	f.Add("//", ".", "")
	f.Fuzz(func(t *testing.T, name, link, target string) {
		if strings.ContainsRune(name+link+target, 0) {
			return
		}
		root := t.TempDir()
		place := filepath.Join(root, filepath.Clean("/"+link))
		if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
			return
		}
		if err := os.Symlink(target, place); err != nil {
			return
		}
		got, err := inRoot(root, name)
		if err != nil {
			return
		}
		if got != root && !strings.HasPrefix(got, root+"/") {
			t.Fatalf("%q is %q, outside of %q", name, got, root)
		}
		// No link is left on the way, so that the kernel does not leave root either.
		for at := got; at != root; at = filepath.Dir(at) {
			if info, err := os.Lstat(at); err == nil && info.Mode()&os.ModeSymlink != 0 {
				t.Fatalf("%q is %q, and %q is a link", name, got, at)
			}
		}
	})
}

func TestHostname(t *testing.T) {
	for name, want := range map[string]string{
		"": "sandbox", "shop-api": "shop-api", "my shop/ä": "my-shop", "--": "sandbox",
		strings.Repeat("a", 62) + "-b": strings.Repeat("a", 62),
	} {
		if got := hostname(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}
