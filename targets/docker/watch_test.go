package docker

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets"
)

// TestAnEngineThatAnswersNoMore takes connections, says that it is there, and then
// nothing.
func TestAnEngineThatAnswersNoMore(t *testing.T) {
	dir, err := os.MkdirTemp("", "engine-") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "docker.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	var silent atomic.Bool
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		switch {
		case strings.HasSuffix(r.URL.Path, "/containers/json"):
			silent.Store(true)
		case strings.HasSuffix(r.URL.Path, "/version") && !silent.Load():
			w.Write([]byte(`{"Version": "20.10.24", "ApiVersion": "1.41", "Os": "linux", "Arch": "amd64"}`))
		}
		if silent.Load() {
			<-r.Context().Done()
		}
	})}
	go server.Serve(l)
	defer server.Close()
	made, err := open("server", schema.Values{"host": "unix://" + path})
	if err != nil {
		t.Fatal(err)
	}
	target := made.(*Target)
	target.silence = 200 * time.Millisecond
	_, err = target.Status(t.Context(), targets.Filter{})
	for _, part := range []string{"docker.server: status: the engine at unix://", "has not answered for 200ms", "docker --host unix://" + path + " version"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("the error is %v, without %q", err, part)
		}
	}
}
