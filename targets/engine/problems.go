package engine

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/docker/cli/cli/context/docker"
	"github.com/moby/moby/client"
)

// explain adds to the error of a connection over a socket or tcp what mends it.
func explain(p docker.Endpoint, err error) error {
	fix := tcpFix(p, err)
	if isSocket(p.Host) {
		fix = socketFix(strings.TrimPrefix(p.Host, "unix://"), err)
	}
	if fix == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, fix)
}

func socketFix(path string, err error) string {
	switch {
	case strings.Contains(err.Error(), "permission denied"):
		return "let this user talk to the engine: sudo usermod -aG docker $USER, and log in again"
	case !client.IsErrConnectionFailed(err):
		return ""
	case strings.Contains(path, "podman") && strings.HasPrefix(path, "/run/user/"):
		return "start Podman's service: systemctl --user start podman.socket"
	case strings.Contains(path, "podman"):
		return "start Podman's service: sudo systemctl start podman.socket"
	}
	return "start the engine"
}

func tcpFix(p docker.Endpoint, err error) string {
	said := err.Error()
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var lookup *net.DNSError
	switch {
	case strings.Contains(said, "HTTP response to HTTPS client"):
		return "the engine speaks no TLS at this port: start it with --tlsverify and certificates of its own, or correct the port"
	case strings.Contains(said, "HTTP request to an HTTPS server"):
		return "the engine speaks TLS at this port: set certificates to the folder with ca.pem, cert.pem and key.pem"
	case errors.As(err, &authority):
		return "put the certificate of the authority that signed the engine's into ca.pem"
	case errors.As(err, &name):
		return "correct the host, or give the engine a certificate for this name"
	case errors.As(err, &invalid):
		return "give the engine a certificate that is valid"
	case strings.Contains(said, "remote error: tls"):
		return refused(p)
	case errors.As(err, &lookup), errors.Is(err, context.DeadlineExceeded):
		return "correct the host, or see that a network and a firewall let this machine reach it"
	case client.IsErrConnectionFailed(err):
		return "start the engine there with --host " + p.Host + ", or correct the host"
	}
	return ""
}

// refused says why an engine does not take the certificate of this machine, which it
// does not say itself.
func refused(p docker.Endpoint) string {
	if p.TLSData == nil || p.TLSData.Cert == nil {
		return "the engine wants a certificate of this machine: put cert.pem and key.pem beside ca.pem"
	}
	if block, _ := pem.Decode(p.TLSData.Cert); block != nil {
		c, err := x509.ParseCertificate(block.Bytes)
		if err == nil && time.Now().After(c.NotAfter) {
			return "the certificate in cert.pem expired on " + c.NotAfter.Format(time.DateOnly) + ": make a new one"
		}
	}
	return "the engine does not take the certificate in cert.pem: it has to be for clients, signed by the authority that the engine was given with --tlscacert"
}
