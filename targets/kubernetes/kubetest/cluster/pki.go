package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// authority signs the cluster's certificates and writes them into a folder.
type authority struct {
	dir    string
	key    *ecdsa.PrivateKey
	cert   *x509.Certificate
	serial int64
}

// writeCredentials writes everything that proves who is who in the cluster.
func writeCredentials(dir string) error {
	a := &authority{dir: dir}
	if err := a.start(); err != nil {
		return err
	}
	server := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	client := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	for _, c := range []struct {
		file, name, group string
		usage             []x509.ExtKeyUsage
		names             []string
		addresses         []string
	}{
		{"apiserver", "kube-apiserver", "", server,
			[]string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
			[]string{"127.0.0.1", apiServiceAddress, nodeAddress}},
		{"kubelet-serving", "system:node:" + nodeName, "system:nodes", server, []string{nodeName}, []string{"127.0.0.1", nodeAddress}},
		{"admin", "admin", "system:masters", client, nil, nil},
		{"apiserver-kubelet", "apiserver-kubelet-client", "system:masters", client, nil, nil},
		{"front-proxy", "front-proxy-client", "", client, nil, nil},
		{"controller-manager", "system:kube-controller-manager", "", client, nil, nil},
		{"scheduler", "system:kube-scheduler", "", client, nil, nil},
		{"kubelet", "system:node:" + nodeName, "system:nodes", client, nil, nil},
		{"proxy", "system:kube-proxy", "", client, nil, nil},
	} {
		template := &x509.Certificate{
			Subject: pkix.Name{CommonName: c.name}, ExtKeyUsage: c.usage, DNSNames: c.names,
			KeyUsage: x509.KeyUsageDigitalSignature,
		}
		if c.group != "" {
			template.Subject.Organization = []string{c.group}
		}
		for _, ip := range c.addresses {
			template.IPAddresses = append(template.IPAddresses, net.ParseIP(ip))
		}
		if err := a.issue(c.file, template); err != nil {
			return err
		}
	}
	for _, user := range []string{"admin", "controller-manager", "scheduler", "kubelet", "proxy"} {
		if err := a.kubeconfig(user); err != nil {
			return err
		}
	}
	return a.serviceAccountKey()
}

func (a *authority) start() (err error) {
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	a.cert = &x509.Certificate{
		Subject: pkix.Name{CommonName: "twofold test cluster"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	return a.sign("ca", a.cert, a.key)
}

func (a *authority) issue(file string, template *x509.Certificate) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	return a.sign(file, template, key)
}

// sign writes FILE.crt and FILE.key.
func (a *authority) sign(file string, template *x509.Certificate, key *ecdsa.PrivateKey) error {
	a.serial++
	template.SerialNumber = big.NewInt(a.serial)
	template.NotBefore = time.Now().Add(-time.Hour)
	template.NotAfter = time.Now().AddDate(0, 0, 7)
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return fmt.Errorf("certificate of %s: %w", file, err)
	}
	if err := a.write(file+".crt", "CERTIFICATE", der); err != nil {
		return err
	}
	der, err = x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return a.write(file+".key", "PRIVATE KEY", der)
}

// serviceAccountKey writes the pair that signs the tokens of service accounts.
func (a *authority) serviceAccountKey() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return err
	}
	if err := a.write("sa.key", "PRIVATE KEY", private); err != nil {
		return err
	}
	return a.write("sa.pub", "PUBLIC KEY", public)
}

func (a *authority) write(file, kind string, der []byte) error {
	return os.WriteFile(filepath.Join(a.dir, file), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

// kubeconfig writes USER.kubeconfig, which holds all that it needs.
func (a *authority) kubeconfig(user string) error {
	var data [3]string
	for i, file := range []string{"ca.crt", user + ".crt", user + ".key"} {
		content, err := os.ReadFile(filepath.Join(a.dir, file))
		if err != nil {
			return err
		}
		data[i] = base64.StdEncoding.EncodeToString(content)
	}
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: "https://%s:6443", certificate-authority-data: %s}}]
users: [{name: test, user: {client-certificate-data: %s, client-key-data: %s}}]
contexts: [{name: test, context: {cluster: test, user: test}}]
current-context: test
`, nodeAddress, data[0], data[1], data[2])
	return os.WriteFile(filepath.Join(a.dir, user+".kubeconfig"), []byte(text), 0o600)
}
