package host

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twofoldhq/twofold/targets"
)

func TestPathsOfVolumesThatAreRefused(t *testing.T) {
	for _, test := range []struct {
		path string
		ok   bool
	}{
		{"/mnt/data", true}, {"/data", true}, {"/app/data", true}, {"/var/lib/shop", true}, {"/srv", true}, {"/processed", true},
		{"", false}, {"data", false}, {"/mnt/../etc", false}, {"/mnt/data/", false}, {"/", false}, {"/app", false}, {"/etc", false},
		{"/proc", false}, {"/proc/self", false}, {"/sys/fs", false}, {"/dev/shm", false}, {"/tmp", false}, {"/var/task/x", false}, {"/usr", false},
	} {
		err := checkVolumes([]targets.Volume{{Name: "data", Path: test.path}})
		if (err == nil) != test.ok || err != nil && !strings.Contains(err.Error(), `volume "data"`) {
			t.Errorf("%q: %v", test.path, err)
		}
	}
	err := checkVolumes([]targets.Volume{{Name: "a", Path: "/mnt/a"}, {Name: "b", Path: "/mnt/a/b"}, {Name: "c", Path: "/mnt/ab"}})
	if err == nil || !strings.Contains(err.Error(), `"b"`) || strings.Contains(err.Error(), `"c"`) {
		t.Errorf("volumes that overlap: %v", err)
	}
}

func TestFoldersOfVolumesDifferAndStayBelowTheirPlace(t *testing.T) {
	l := Layout{Dir: "/state"}
	seen := map[string]bool{}
	for _, k := range []targets.Key{
		{Project: "a", Service: "b", Environment: "c"}, {Project: "..", Service: "b", Environment: "c"}, {Project: "", Service: "b", Environment: "c"},
		{Project: "a/b", Service: "b", Environment: "c"}, {Project: ".a", Service: "b", Environment: "c"}, {Project: strings.Repeat("x", 300), Service: "b", Environment: "c"},
	} {
		dir := l.Volume(k, "data")
		if seen[dir] || !strings.HasPrefix(dir, "/state/volumes/") || strings.Count(dir, "/") != 6 || filepath.Clean(dir) != dir {
			t.Errorf("the folder of %v is %s", k, dir)
		}
		seen[dir] = true
	}
	if got := l.Volume(testKey(), "data"); got != "/state/volumes/conformance/default/app/data" {
		t.Errorf("folder %s", got)
	}
}

func putFile(t *testing.T, url, text string) {
	t.Helper()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPut, url+"&text="+text, nil)
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("PUT %s: %v %v", url, resp, err)
	}
	resp.Body.Close()
}

func TestDataOfAVolumeIsSharedByBothTargetsAndOutlivesTheDestroy(t *testing.T) {
	c := newClient(t)
	const file = "/file?name=/mnt/data/note"
	folder := c.Layout.Volume(testKey(), "data")
	requests := bothForms(releases.One)
	start := func(n int) string {
		t.Helper()
		r := requests[n]
		r.Spec.Volumes = []targets.Volume{{Name: "data", Path: "/mnt/data"}}
		told := false
		st, err := c.Deploy(t.Context(), r, releases.One.CopyTo, func(e targets.Event) {
			told = told || strings.Contains(e.Message, folder) && strings.Contains(e.Message, "after a destroy")
		})
		if err != nil {
			t.Fatal(err)
		}
		want := targets.VolumeStatus{Name: "data", Place: folder, Kept: true}
		if !told || len(st.Volumes) != 1 || st.Volumes[0] != want {
			t.Errorf("the deploy told of the folder: %t; volumes of the status: %+v", told, st.Volumes)
		}
		return st.URL
	}
	destroy := func(n int) {
		t.Helper()
		if _, err := c.Destroy(t.Context(), testKey(), requests[n].Target); err != nil {
			t.Fatal(err)
		}
	}
	container := start(0)
	putFile(t, container+file, "kept")
	if function := start(1); get(t, function+file) != "kept" {
		t.Error("the function does not see what the container wrote")
	} else {
		putFile(t, function+"/file?name=/mnt/data/more", "x")
	}
	destroy(0)
	destroy(1)
	if text, err := os.ReadFile(filepath.Join(folder, "note")); err != nil || string(text) != "kept" {
		t.Errorf("after the destroy there is %q, %v", text, err)
	}
	if again := start(0); get(t, again+file) != "kept" {
		t.Error("the next deployment does not see it")
	}
	destroy(0)
	if info, err := os.Stat(c.Layout.volumes()); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("others may look into the volumes: %v, %v", info.Mode(), err)
	}
}

func TestVolumeThatHoldsNothingIsRemovedWithTheLastDeployment(t *testing.T) {
	c := newClient(t)
	folder := c.Layout.Volume(testKey(), "data")
	for _, r := range bothForms(releases.One) {
		r.Spec.Volumes = []targets.Volume{{Name: "data", Path: "/mnt/data"}}
		if _, err := c.Deploy(t.Context(), r, releases.One.CopyTo, nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Destroy(t.Context(), testKey(), containerTarget); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(folder); err != nil {
		t.Errorf("the folder was taken from the other target: %v", err)
	}
	if _, err := c.Destroy(t.Context(), testKey(), functionTarget); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if entries, _ := os.ReadDir(c.Layout.volumes()); len(entries) > 0 {
			return fmt.Errorf("left are %v", entries)
		}
		return nil
	})
	bad := request(releases.Crashing)
	bad.Spec.Volumes = []targets.Volume{{Name: "data", Path: "/mnt/data"}}
	if _, err := c.Deploy(t.Context(), bad, releases.Crashing.CopyTo, nil); err == nil {
		t.Error("a release that crashes was deployed")
	}
	eventually(t, func() error {
		if entries, _ := os.ReadDir(c.Layout.volumes()); len(entries) > 0 {
			return fmt.Errorf("a first deploy that failed left %v", entries)
		}
		return nil
	})
}
