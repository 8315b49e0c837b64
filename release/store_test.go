package release

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/twofoldhq/twofold/build"
)

// small is a service with one small file, its content apart from others'.
func small(t testing.TB, project, service, content string) Spec {
	t.Helper()
	tree := treeOf(t, t.TempDir(), amd64, map[string][]byte{"server": append(program(t, amd64, ""), content...)}, nil)
	return Spec{Project: project, Service: service, Port: 8080, Health: "/", Trees: []*build.Tree{tree}}
}

func TestFind(t *testing.T) {
	s := openStore(t, t.TempDir())
	if _, err := s.Find("api"); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "nothing has been built here yet") {
		t.Errorf("in an empty store: %v", err)
	}
	old := assembled(t, s, small(t, "shop", "api", "1"))
	api := assembled(t, s, small(t, "shop", "api", "2"))
	web := assembled(t, s, small(t, "shop", "web", "3"))
	office := assembled(t, s, small(t, "office", "web", "4"))
	found := map[string]string{
		"api": api.Digest, "shop/api": api.Digest, "shop/web": web.Digest, "office/web": office.Digest,
		old.Digest: old.Digest, old.Digest[:20]: old.Digest, old.Digest[7:19]: old.Digest,
	}
	for ref, want := range found {
		if r, err := s.Find(ref); err != nil || r.Digest != want {
			t.Errorf("%q: %v, %v", ref, r, err)
		}
	}
	wrong := map[string]string{
		"web":                            "write PROJECT/web",
		"app":                            "there are releases of api, web",
		"sha256:" + rest64(old.Digest):   "no such release",
		"":                               "no such release",
		"sha256:":                        "no such release",
		"../../etc/passwd":               "no such release",
		"ghcr.io/acme/api@" + old.Digest: "no such release",
	}
	for ref, want := range wrong {
		if _, err := s.Find(ref); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", ref, err)
		}
	}
}

// rest64 is a digest that differs in its last digit.
func rest64(digest string) string {
	last := "0"
	if strings.HasSuffix(digest, last) {
		last = "1"
	}
	return digest[7:len(digest)-1] + last
}

func TestGoingBackMakesTheOldReleaseTheNewest(t *testing.T) {
	s := openStore(t, t.TempDir())
	in := small(t, "shop", "api", "1")
	one := assembled(t, s, in)
	assembled(t, s, small(t, "shop", "api", "2"))
	assembled(t, s, in)
	if r, err := s.Find("api"); err != nil || r.Digest != one.Digest {
		t.Errorf("%v, %v", r, err)
	}
	index, err := s.readIndex()
	if err != nil {
		t.Fatal(err)
	}
	if len(index.Manifests) != 2 || index.Manifests[1].Annotations[ocispec.AnnotationRefName] != "api" || index.Manifests[0].Annotations[ocispec.AnnotationRefName] != "" {
		t.Errorf("%+v", index.Manifests)
	}
}

func TestPruneKeepsTheNewest(t *testing.T) {
	s := openStore(t, t.TempDir())
	web := assembled(t, s, small(t, "shop", "web", "web"))
	other := assembled(t, s, small(t, "office", "api", "0"))
	var api []*Release
	for i := range 4 {
		api = append(api, assembled(t, s, small(t, "shop", "api", fmt.Sprint("number ", i))))
	}
	if err := s.Prune("api", 2); err != nil {
		t.Fatal(err)
	}
	for _, r := range []*Release{web, other, api[2], api[3]} {
		if _, err := s.Find(r.Digest); err != nil {
			t.Error(err)
		}
		wantVerified(t, r)
	}
	for _, r := range api[:2] {
		if _, err := s.Find(r.Digest); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", r.Digest, err)
		}
	}
	needed := map[string]bool{}
	for _, r := range []*Release{web, other, api[2], api[3]} {
		if err := r.blobs(context.Background(), func(d descriptor) error { needed[d.Digest.Encoded()] = true; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	blobs, err := os.ReadDir(filepath.Join(s.Dir(), "blobs", "sha256"))
	if err != nil || len(blobs) != len(needed) {
		t.Errorf("%d blobs, %d are needed, %v", len(blobs), len(needed), err)
	}
	records, err := os.ReadDir(filepath.Join(s.Dir(), "cache", "releases"))
	if err != nil || len(records) != 3 {
		t.Errorf("%d records, %v", len(records), err)
	}
}

func TestPruneLeavesAStoreAloneThatIsInUse(t *testing.T) {
	s := openStore(t, t.TempDir())
	old := assembled(t, s, small(t, "shop", "api", "1"))
	assembled(t, s, small(t, "shop", "api", "2"))
	unlock, err := s.lock(context.Background(), blobLock, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Prune("api", 1); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Find(old.Digest); err != nil {
		t.Error(err)
	}
	unlock()
	if err := s.Prune("api", 1); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Find(old.Digest); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

func TestLeftoversAreSwept(t *testing.T) {
	s := openStore(t, t.TempDir())
	left := filepath.Join(s.Dir(), "tmp", "blob-123")
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	unlock, err := s.lock(context.Background(), blobLock, false)
	if err != nil {
		t.Fatal(err)
	}
	openStore(t, s.Dir())
	if _, err := os.Stat(left); err != nil {
		t.Error("the file of a process that works was removed")
	}
	unlock()
	openStore(t, s.Dir())
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Error("it is still there")
	}
}

func TestManyAtOnce(t *testing.T) {
	dir := t.TempDir()
	specs := make([]Spec, 8)
	for i := range specs {
		specs[i] = small(t, "shop", fmt.Sprint("service-", i%4), fmt.Sprint(i/2))
	}
	var wg sync.WaitGroup
	for _, in := range specs {
		wg.Go(func() {
			s, err := OpenStore(dir)
			if err == nil {
				s.adapter = fakeAdapter
				_, err = Assemble(context.Background(), s, in, Options{})
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s := openStore(t, dir)
	for i := range 4 {
		r, err := s.Find(fmt.Sprint("service-", i))
		if err != nil {
			t.Fatal(err)
		}
		wantVerified(t, r)
	}
	noDebris(t, s)
}

func TestUnreadableIndexSaysWhatToDo(t *testing.T) {
	s := openStore(t, t.TempDir())
	if err := os.WriteFile(filepath.Join(s.Dir(), "index.json"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Find("api"); err == nil || !strings.Contains(err.Error(), "remove the folder "+s.Dir()) {
		t.Errorf("error is %v", err)
	}
}

func TestLockEndsWithItsContext(t *testing.T) {
	s := openStore(t, t.TempDir())
	unlock, err := s.lock(context.Background(), blobLock, true)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	_, err = Assemble(ctx, s, small(t, "shop", "api", ""), Options{})
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "another twofold") {
		t.Errorf("error is %v", err)
	}
}

func TestCopyTo(t *testing.T) {
	for name, dir := range map[string]string{"by links": t.TempDir(), "to another file system": otherFileSystem(t)} {
		t.Run(name, func(t *testing.T) {
			s, dst := openStore(t, t.TempDir()), openStore(t, dir)
			r := assembled(t, s, spec(t, t.TempDir()))
			for range 2 {
				if err := r.CopyTo(context.Background(), dst); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.RemoveAll(s.Dir()); err != nil {
				t.Fatal(err)
			}
			copied, err := openStore(t, dst.Dir()).Find("api")
			if err != nil {
				t.Fatal(err)
			}
			copied.store.adapter = fakeAdapter
			if copied.Digest != r.Digest {
				t.Errorf("%s became %s", r.Digest, copied.Digest)
			}
			wantVerified(t, copied)
		})
	}
}

// otherFileSystem is a folder on another file system where the machine has one.
func otherFileSystem(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "twofold-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestCopyReplacesWhatIsDamaged(t *testing.T) {
	s, dst := openStore(t, t.TempDir()), openStore(t, t.TempDir())
	r := assembled(t, s, small(t, "shop", "api", "1"))
	if err := os.WriteFile(dst.blobPath(r.Digest), []byte("cut"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := r.CopyTo(context.Background(), dst); err != nil {
		t.Fatal(err)
	}
	copied, err := dst.Find("api")
	if err != nil {
		t.Fatal(err)
	}
	wantVerified(t, copied)
}

// TestKilledAtAnyMoment kills processes that make releases and checks that the
// store is whole each time.
func TestKilledAtAnyMoment(t *testing.T) {
	if dir := os.Getenv("TWOFOLD_TEST_STORE"); dir != "" {
		makeReleases(t, dir)
		return
	}
	dir := t.TempDir()
	for i := range 8 {
		child := exec.Command(os.Args[0], "-test.run=^TestKilledAtAnyMoment$")
		child.Env = append(os.Environ(), "TWOFOLD_TEST_STORE="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		// The child says when it begins; then some part of the work is done.
		if _, err := out.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(i*i) * time.Millisecond)
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait() // it was killed
		s := openStore(t, dir)
		noDebris(t, s)
		index, err := s.readIndex()
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range index.Manifests {
			r, err := s.load(d)
			if err != nil {
				t.Fatal(err)
			}
			wantVerified(t, r)
		}
	}
	wantVerified(t, assembled(t, openStore(t, dir), small(t, "shop", "api", "after")))
}

func makeReleases(t *testing.T, dir string) {
	fmt.Println("begin")
	for i := 0; ; i++ {
		s := openStore(t, dir)
		assembled(t, s, small(t, "shop", "api", strings.Repeat(fmt.Sprint(i), 200_000)))
		if err := s.Prune("api", 2); err != nil {
			t.Fatal(err)
		}
	}
}
