package gateway

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// certificates obtains certificates and keeps them in the gateway's folder, each
// until it has to be renewed.
type certificates struct {
	mu      sync.Mutex
	from    ACME
	manager *autocert.Manager
}

// certificateManager returns the one for the authority that is set now.
func (g *Gateway) certificateManager() *autocert.Manager {
	g.mu.Lock()
	from := g.state.ACME
	g.mu.Unlock()
	c := &g.certificates
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.manager != nil && c.from == from {
		return c.manager
	}
	client := &acme.Client{DirectoryURL: from.Directory, UserAgent: "twofold"}
	if from.Roots != "" {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM([]byte(from.Roots))
		client.HTTPClient = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	}
	if from.Directory == "" {
		client.DirectoryURL = autocert.DefaultACMEDirectory
	}
	c.from = from
	c.manager = &autocert.Manager{
		Prompt: autocert.AcceptTOS, Email: from.Email, Client: client,
		Cache:      autocert.DirCache(filepath.Join(g.dir, "certificates", authority(client.DirectoryURL))),
		HostPolicy: g.certifies,
	}
	return c.manager
}

// authority is a directory's URL as the name of a folder.
func authority(url string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '_'
	}, strings.ToLower(url))
}

// certifies allows certificates for the hosts of the routes, and for no other name
// that somebody asks for.
func (g *Gateway) certifies(_ context.Context, host string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r := g.hosts[strings.ToLower(host)]; r != nil && r.tls {
		return nil
	}
	return fmt.Errorf("nothing is deployed at the host name %q", host)
}

func (g *Gateway) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1", acme.ALPNProto},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return g.certificateManager().GetCertificate(hello)
		},
	}
}

// challenged answers the challenges of the authority, sends what is secure to https,
// and hands over the rest.
func (g *Gateway) challenged(rest http.Handler) http.Handler {
	plain := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if port, ok := g.secure(r.Host); ok {
			http.Redirect(w, r, "https://"+withPort(withoutPort(r.Host), port)+r.URL.RequestURI(), http.StatusPermanentRedirect)
			return
		}
		rest.ServeHTTP(w, r)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.certificateManager().HTTPHandler(plain).ServeHTTP(w, r)
	})
}

// Certify obtains the certificate of a host name, unless it is there.
func (g *Gateway) Certify(ctx context.Context, host string) error {
	_, err := g.certificateManager().GetCertificate(&tls.ClientHelloInfo{
		ServerName: host, SupportedProtos: []string{"h2", "http/1.1"},
		SupportedCurves:   []tls.CurveID{tls.X25519, tls.CurveP256},
		SignatureSchemes:  []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256, tls.PSSWithSHA256},
		CipherSuites:      []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
		SupportedVersions: []uint16{tls.VersionTLS13, tls.VersionTLS12},
	})
	if err != nil {
		return fmt.Errorf("obtain the certificate of %s: %w", host, err)
	}
	return nil
}

// secure reports whether a host name has a certificate, and at which port.
func (g *Gateway) secure(host string) (port int, ok bool) {
	found := g.find(host)
	if found == nil {
		return 0, false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return found.tlsPort, found.tls
}

func withPort(host string, port int) string {
	if port == 0 || port == 443 {
		return host
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}
