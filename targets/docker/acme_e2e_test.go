//go:build e2e

package docker

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets"
)

// Where the host names answer, and where the authority looks for them.
const acmePlain, acmeTLS = 28180, 28543

// acmeAuthority is a Pebble of the test's own, which is strict as it is for others: some
// of its nonces are refused, and challenges are really looked at.
type acmeAuthority struct {
	directory, management, dns string
	// roots is a file with the certificate that the directory is trusted by.
	roots  string
	client *http.Client
}

// engineAddress is where containers of an engine of package enginetest reach this machine.
const engineAddress = "172.31.251.1"

func startAuthority(t *testing.T) *acmeAuthority {
	t.Helper()
	folder, err := exec.CommandContext(t.Context(), "../../e2e/pebble.sh").Output()
	if err != nil {
		t.Fatalf("build Pebble: %v", err)
	}
	dir, programs := t.TempDir(), strings.TrimSpace(string(folder))
	a := &acmeAuthority{roots: filepath.Join(dir, "roots.pem")}
	certificate, key := selfSigned(t, dir)
	if err := os.Rename(certificate, a.roots); err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	text, err := os.ReadFile(a.roots)
	if err != nil || !pool.AppendCertsFromPEM(text) {
		t.Fatalf("read the certificate: %v", err)
	}
	a.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}, Timeout: 10 * time.Second}
	listen, manage, names, namesManage := freeAddress(t, engineAddress), freeAddress(t, "127.0.0.1"), freeAddress(t, "127.0.0.1"), freeAddress(t, "127.0.0.1")
	a.directory, a.management, a.dns = "https://"+listen+"/dir", "https://"+manage, "http://"+namesManage
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": listen, "managementListenAddress": manage, "certificate": a.roots, "privateKey": key,
		"httpPort": acmePlain, "tlsPort": acmeTLS, "keyAlgorithm": "ecdsa",
		"profiles": map[string]any{"default": map[string]any{"description": "ninety days", "validityPeriod": 90 * 24 * 3600}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "pebble.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	startProgram(t, nil, filepath.Join(programs, "pebble-challtestsrv"),
		"-defaultIPv6", "", "-dnsserver", names, "-management", namesManage, "-doh", "", "-http01", "", "-https01", "", "-tlsalpn01", "")
	startProgram(t, []string{"PEBBLE_VA_NOSLEEP=1"}, filepath.Join(programs, "pebble"), "-config", file, "-dnsserver", names)
	limited, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		if _, err := a.get(limited, a.directory); err == nil {
			return a
		}
		if limited.Err() != nil {
			t.Fatal("Pebble does not answer")
		}
	}
}

func (a *acmeAuthority) get(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

// pool are the certificates by which those of the authority are trusted.
func (a *acmeAuthority) pool(t *testing.T) *x509.CertPool {
	t.Helper()
	text, err := a.get(t.Context(), a.management+"/roots/0")
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		t.Fatalf("no certificate in %q", text)
	}
	return pool
}

// lose makes the authority find no address of a host name.
func (a *acmeAuthority) lose(t *testing.T, host string) {
	t.Helper()
	resp, err := http.Post(a.dns+"/set-servfail", "application/json", strings.NewReader(fmt.Sprintf(`{"host": "%s."}`, host)))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

func startProgram(t *testing.T, env []string, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	output := new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s printed:\n%s", filepath.Base(name), output)
		}
	})
}

func freeAddress(t *testing.T, host string) string {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// selfSigned writes a certificate for the machine's addresses, and its key.
func selfSigned(t *testing.T, dir string) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "an authority of the test's"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.ParseIP("127.0.0.1"), net.ParseIP(engineAddress)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "EC PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
}

// overTLS asks a host name as a browser would that trusts the authority, and returns the
// answer and the number of the certificate.
func overTLS(t *testing.T, roots *x509.CertPool, host, path string) (body, serial string) {
	t.Helper()
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: host},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, fmt.Sprintf("127.0.0.1:%d", acmeTLS))
		},
	}}
	resp, err := client.Get("https://" + host + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET https://%s%s: %s %v %s", host, path, resp.Status, err, text)
	}
	return string(text), resp.TLS.PeerCertificates[0].SerialNumber.String()
}

func TestCertificatesOfHostNamesComeFromTheAuthority(t *testing.T) {
	target := newTestTarget(t, nil) // starts the engine, whose bridge has the address
	authority := startAuthority(t)
	target = targetOf(t, schema.Values{
		"http_port": int64(acmePlain), "https_port": int64(acmeTLS), "acme_directory": authority.directory, "acme_roots": authority.roots,
	})
	var warnings []string
	domain := func(service, host string) targets.Deployment {
		d := deploymentOf(releases.One)
		d.Service, d.Domain = service, host
		d.Events = func(e targets.Event) {
			if e.Warning {
				warnings = append(warnings, e.Message)
			}
		}
		return d
	}
	deploy := func(d targets.Deployment) {
		t.Helper()
		if _, err := target.Deploy(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	shop := domain("shop", "shop.example.com")
	deploy(shop)
	if len(warnings) > 0 {
		t.Errorf("warnings: %q", warnings)
	}
	roots := authority.pool(t)
	body, first := overTLS(t, roots, shop.Domain, "/version")
	if body != "one" {
		t.Errorf("%s answers %q", shop.Domain, body)
	}

	admin := domain("admin", "admin.example.com")
	deploy(admin)
	if _, other := overTLS(t, roots, admin.Domain, "/version"); other == first {
		t.Error("two host names have one certificate")
	}

	shop.Release = releases.Two
	deploy(shop)
	docker(t, "restart", "--time", "5", edgeName)
	deploy(shop)
	if body, again := overTLS(t, roots, shop.Domain, "/version"); body != "two" || again != first {
		t.Errorf("after a deploy and a restart of the gateway %q answers, with certificate %s and not %s", body, again, first)
	}
	if len(warnings) > 0 {
		t.Errorf("warnings: %q", warnings)
	}

	lost := domain("lost", "lost.example.com")
	authority.lose(t, lost.Domain)
	deploy(lost)
	if text := strings.Join(warnings, "\n"); !strings.Contains(text, "obtain the certificate of lost.example.com") {
		t.Errorf("the authority does not find a host name, and the warnings are %q", text)
	}
	t.Logf("a host name that the authority does not find: %q", warnings)
	if body, _ := overTLS(t, roots, shop.Domain, "/version"); body != "two" {
		t.Errorf("besides a host name without a certificate, %q answers", body)
	}
}
