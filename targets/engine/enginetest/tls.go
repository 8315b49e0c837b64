package enginetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority signs certificates of a test's own.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// NewAuthority makes one.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := new(Authority)
	a.certificate, a.key = a.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	return a
}

// Folder makes a folder with ca.pem, cert.pem and key.pem, for an engine at 127.0.0.1
// or one who talks to it, valid until then.
func (a *Authority) Folder(t testing.TB, until time.Time) string {
	t.Helper()
	dir := t.TempDir()
	c, key := a.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "test"}, NotAfter: until, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	a.Trust(t, dir)
	writePEM(t, filepath.Join(dir, "cert.pem"), "CERTIFICATE", c.Raw)
	writePEM(t, filepath.Join(dir, "key.pem"), "EC PRIVATE KEY", der)
	return dir
}

// Trust makes this authority the one of a folder's ca.pem.
func (a *Authority) Trust(t testing.TB, dir string) {
	t.Helper()
	writePEM(t, filepath.Join(dir, "ca.pem"), "CERTIFICATE", a.certificate.Raw)
}

// sign signs a certificate, or one of its own for an authority that has none yet.
func (a *Authority) sign(t testing.TB, c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.SerialNumber, c.NotBefore = big.NewInt(time.Now().UnixNano()), time.Now().Add(-24*time.Hour)
	parent, signer := a.certificate, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return made, key
}

func writePEM(t testing.TB, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// NewTLS starts an engine that also answers over TLS, to those whom the authority has
// signed a certificate for, and returns it with that address.
func NewTLS(t testing.TB, a *Authority) (*Engine, string) {
	t.Helper()
	dir := a.Folder(t, time.Now().Add(time.Hour))
	address := fmt.Sprintf("tcp://127.0.0.1:%d", FreePort(t))
	file := func(name string) string { return filepath.Join(dir, name) }
	return New(t, "", "--host", address, "--tlsverify", "--tlscacert", file("ca.pem"), "--tlscert", file("cert.pem"), "--tlskey", file("key.pem")), address
}
