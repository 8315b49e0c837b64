//go:build e2e

package docker

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets/engine"
	"github.com/twofoldhq/twofold/targets/engine/enginetest"
)

func TestOverTLS(t *testing.T) {
	ours, other := enginetest.NewAuthority(t), enginetest.NewAuthority(t)
	_, address := enginetest.NewTLS(t, ours)
	plain := fmt.Sprintf("tcp://127.0.0.1:%d", enginetest.FreePort(t))
	enginetest.New(t, "", "--host", plain, "--tls=false")
	later := time.Now().Add(time.Hour)
	good := ours.Folder(t, later)
	t.Setenv("DOCKER_HOST", "")

	t.Run("deploy", func(t *testing.T) {
		target := targetOf(t, schema.Values{"host": address, "certificates": good})
		st, err := target.Deploy(t.Context(), deploymentOf(releases.One))
		if err != nil {
			t.Fatal(err)
		}
		if got := answer(t, st.URL+"/version"); got != "one" {
			t.Errorf("GET /version answers %q", got)
		}
		if st, err := target.Deploy(t.Context(), deploymentOf(releases.One)); err != nil || st.Changed {
			t.Errorf("the second deploy: %+v, %v", st, err)
		}
		if _, err := target.Destroy(t.Context(), deploymentOf(nil).Key); err != nil {
			t.Error(err)
		}
	})

	strange := ours.Folder(t, later)
	other.Trust(t, strange)
	refused := other.Folder(t, later)
	ours.Trust(t, refused)
	partial := ours.Folder(t, later)
	if err := os.Remove(filepath.Join(partial, "key.pem")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, address, certificates string
		want                        []string
	}{
		{"engine of another authority", address, strange, []string{"unknown authority", "into ca.pem"}},
		{"certificate of another authority", address, refused, []string{"does not take the certificate in cert.pem", "--tlscacert"}},
		{"expired certificate", address, ours.Folder(t, time.Now().Add(-time.Hour)), []string{"the certificate in cert.pem expired on", "make a new one"}},
		{"no key", address, partial, []string{"read the certificates", filepath.Join(partial, "key.pem")}},
		{"no folder", address, partial + "x", []string{"read the certificates", filepath.Join(partial+"x", "ca.pem")}},
		{"other name", strings.Replace(address, "127.0.0.1", "localhost", 1), good, []string{"localhost", "a certificate for this name"}},
		{"plain to TLS", address, "", []string{"the engine speaks TLS at this port", "set certificates"}},
		{"TLS to plain", plain, good, []string{"the engine speaks no TLS at this port", "--tlsverify"}},
		{"nothing there", "tcp://127.0.0.1:1", good, []string{"tcp://127.0.0.1:1: ", "start the engine there"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := engine.Connect(t.Context(), c.address, c.certificates)
			if err == nil {
				e.Close()
				t.Fatal("it connects")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got  %v\nwant %s", err, want)
				}
			}
		})
	}

	t.Run("as the docker command", func(t *testing.T) {
		find := func() error {
			e, err := engine.Find(t.Context())
			if err == nil {
				e.Close()
			}
			return err
		}
		t.Setenv("DOCKER_CONFIG", t.TempDir())
		t.Setenv("DOCKER_CONTEXT", "")
		docker(t, "context", "create", "tls", "--docker", fmt.Sprintf("host=%s,ca=%s/ca.pem,cert=%s/cert.pem,key=%s/key.pem", address, good, good, good))
		docker(t, "context", "create", "plain", "--docker", "host="+plain)
		docker(t, "context", "use", "tls")
		if err := find(); err != nil {
			t.Errorf("with a context: %v", err)
		}
		if _, err := engine.FindLocal(t.Context()); err == nil || !strings.Contains(err.Error(), "not on this machine") {
			t.Errorf("an engine over TLS is taken for one of this machine: %v", err)
		}
		t.Setenv("DOCKER_CONTEXT", "plain")
		if err := find(); err != nil {
			t.Errorf("with DOCKER_CONTEXT: %v", err)
		}
		t.Setenv("DOCKER_CONTEXT", "other")
		if err := find(); err == nil || !strings.Contains(err.Error(), `"other"`) || !strings.Contains(err.Error(), "docker context ls") {
			t.Errorf("with a context that there is not: %v", err)
		}
		t.Setenv("DOCKER_HOST", address)
		if err := find(); err == nil || !strings.Contains(err.Error(), "speaks TLS") {
			t.Errorf("with DOCKER_HOST alone: %v", err)
		}
		t.Setenv("DOCKER_TLS_VERIFY", "1")
		t.Setenv("DOCKER_CERT_PATH", good)
		if err := find(); err != nil {
			t.Errorf("with DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH: %v", err)
		}
		t.Setenv("DOCKER_CERT_PATH", strange)
		if err := find(); err == nil || !strings.Contains(err.Error(), "unknown authority") {
			t.Errorf("with the certificate of another authority: %v", err)
		}
	})
}
