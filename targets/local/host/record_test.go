package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
)

func testRecord() *Record {
	return &Record{
		Format: recordFormat, Key: testKey(), Target: containerTarget, Release: "sha256:" + strings.Repeat("a", 64),
		Form: release.Image, Port: 20123, Deployed: time.Now().UTC().Truncate(time.Millisecond),
		Spec: Spec{Port: 8080, Health: "/healthz", Env: map[string]string{"A": "1"}, Scale: targets.Scale{Min: 1}},
	}
}

func TestRecordIsReadAsItWasWritten(t *testing.T) {
	dir := t.TempDir()
	want := testRecord()
	if err := want.write(dir); err != nil {
		t.Fatal(err)
	}
	got, err := readRecord(dir)
	if err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("read %+v, %v", got, err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("files %v, want one", entries)
	}
}

func TestRecordThatCannotBeUsedSaysWhatToDo(t *testing.T) {
	newer := testRecord()
	newer.Format = recordFormat + 1
	text, _ := json.Marshal(newer)
	for want, content := range map[string]string{"deploy again": `{"format": 1, "pro`, "newer twofold": string(text)} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, recordName), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readRecord(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestDamagedRecordHidesNoOtherAndTheNextDeployMendsIt(t *testing.T) {
	c := newClient(t)
	deploy(t, c, releases.One)
	if err := c.End(t.Context()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(c.Layout.Deployment(testKey(), containerTarget), recordName)
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	other := testRecord()
	other.Environment = "other"
	dir := c.Layout.Deployment(other.Key, other.Target)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := other.write(dir); err != nil {
		t.Fatal(err)
	}
	list, err := c.Status(t.Context(), targets.Filter{}, containerTarget)
	if len(list) != 1 || list[0].Environment != "other" || err == nil || !strings.Contains(err.Error(), "is damaged") {
		t.Errorf("status %v, %v", list, err)
	}
	st := deploy(t, c, releases.One)
	if got := get(t, st.URL+"/version"); got != "one" {
		t.Errorf("release %q answers", got)
	}
	for _, st := range func() []targets.Status {
		list, _ := c.Status(t.Context(), targets.Filter{}, containerTarget)
		return list
	}() {
		if st.Environment == "other" && (st.State != targets.Failing || !strings.Contains(st.Detail, "twofold deploy")) {
			t.Errorf("a deployment without its release is %s, %q", st.State, st.Detail)
		}
	}
}

func FuzzRecord(f *testing.F) {
	text, _ := json.Marshal(testRecord())
	f.Add(text)
	f.Add([]byte(`{"format":1,"spec":{"env":null,"start":-1}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, recordName), text, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := readRecord(dir)
		if err != nil {
			return
		}
		if err := r.write(dir); err != nil {
			t.Fatal(err)
		}
		if again, err := readRecord(dir); err != nil || !again.Spec.equal(r.Spec) {
			t.Errorf("read again: %+v, %v; first %+v", again, err, r)
		}
	})
}

func TestIDsOfDifferentDeploymentsDiffer(t *testing.T) {
	seen := make(map[string]targets.Key)
	for _, k := range []targets.Key{
		{Project: "a", Service: "b", Environment: "c"}, {Project: "ab", Service: "", Environment: "c"},
		{Project: "a", Service: "b-c", Environment: ""}, {Project: "a", Service: "b", Environment: "C"},
		{Project: "a", Service: "../b", Environment: "c"}, {Project: "a", Service: strings.Repeat("x", 200), Environment: "c"},
	} {
		id := deploymentID(k, containerTarget)
		if other, there := seen[id]; there {
			t.Errorf("%v and %v have the id %s", k, other, id)
		}
		seen[id] = k
		if id != filepath.Base(id) || strings.HasPrefix(id, ".") || len(id) > 50 {
			t.Errorf("id %q of %v is no good name of a folder", id, k)
		}
	}
	if deploymentID(testKey(), "local.container") == deploymentID(testKey(), "local.function") {
		t.Error("both targets have one id")
	}
}

func TestSearchForAPortPassesTakenOnesAndGoesRound(t *testing.T) {
	last := firstPort + portCount - 1
	l, port, err := listenAnywhere(last, map[int]bool{last: true, firstPort: true})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if port <= firstPort || port >= last {
		t.Errorf("port %d", port)
	}
	second, next, err := listenAnywhere(port, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if next == port || next < firstPort || next > last {
		t.Errorf("port %d was given twice, or %d is out of range", port, next)
	}
	if p := preferredPort(testKey(), containerTarget); p != preferredPort(testKey(), containerTarget) || p < firstPort || p > last {
		t.Errorf("preferred port %d", p)
	}
	if l.Addr().(*net.TCPAddr).IP.String() != "127.0.0.1" {
		t.Errorf("listens on %s", l.Addr())
	}
}

func TestErrorsKeepTheirTypeOnTheWire(t *testing.T) {
	send := func(err error) error {
		text, _ := json.Marshal(toWire(err))
		var w wireError
		if err := json.Unmarshal(text, &w); err != nil {
			t.Fatal(err)
		}
		return w.error()
	}
	var unhealthy *targets.NotHealthyError
	got := send(fmt.Errorf("more: %w", &targets.NotHealthyError{Reason: "it died", Output: "the end\n"}))
	if !errors.As(got, &unhealthy) || unhealthy.Reason != "it died" || unhealthy.Output != "the end\n" || !strings.HasPrefix(got.Error(), "more: ") {
		t.Errorf("got %v", got)
	}
	if got := send(fmt.Errorf("x: %w", targets.ErrUnsupported)); !errors.Is(got, targets.ErrUnsupported) {
		t.Errorf("got %v", got)
	}
	if got := send(errNeedRelease); !errors.Is(got, errNeedRelease) {
		t.Errorf("got %v", got)
	}
}

func TestReleaseOfAClientThatDiedIsRemovedAndThatOfALivingOneStays(t *testing.T) {
	layout, _ := NewLayout(t.TempDir())
	if err := layout.Make(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"release-dead", "release-alive"} {
		if err := os.Mkdir(filepath.Join(layout.incoming(), name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	unlock, err := tryLock(filepath.Join(layout.incoming(), "release-alive"))
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	newSupervisor(layout, Build{}, nil).sweepIncoming()
	entries, _ := os.ReadDir(layout.incoming())
	if len(entries) != 1 || entries[0].Name() != "release-alive" {
		t.Errorf("left are %v", entries)
	}
}

func TestRequestsThatNameFilesAreRefused(t *testing.T) {
	c := newClient(t)
	conn, err := c.start(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	bad := request(releases.One)
	bad.Release = "sha256:../../../etc"
	if _, err := conn.deploy(t.Context(), bad, nil); err == nil || !strings.Contains(err.Error(), "no release") {
		t.Errorf("error %v", err)
	}
	bad = request(releases.One)
	bad.Incoming = "../../deployments"
	if _, err := conn.deploy(t.Context(), bad, nil); err == nil {
		t.Error("a folder outside of incoming was taken in")
	}
}

func TestOnlyThisUserCanUseTheFolders(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "shared")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := ownFolder(dir); err == nil {
		t.Error("a folder that others can enter was taken")
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	if err := ownFolder(link); err == nil {
		t.Error("a link was taken")
	}
}

func TestInterpreterOfAManagedRuntime(t *testing.T) {
	if i, err := findInterpreter(""); err != nil || i.path != lambdaPath || i.mounts != nil {
		t.Errorf("no runtime: %+v, %v", i, err)
	}
	bin := filepath.Join(t.TempDir(), "home", "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	if _, err := findInterpreter("dotnet10"); err == nil || !strings.Contains(err.Error(), "install it") {
		t.Errorf("error %v", err)
	}
	if err := os.WriteFile(filepath.Join(bin, "dotnet"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	i, err := findInterpreter("dotnet10")
	if err != nil || !strings.HasPrefix(i.path, bin+":") || len(i.mounts) != 1 || i.mounts[0].Source != filepath.Dir(bin) {
		t.Errorf("found %+v, %v", i, err)
	}
}
