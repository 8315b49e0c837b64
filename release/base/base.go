// Package base makes twofold's own base layer in process: what a static binary
// expects of the machine it runs on, and nothing else. It holds CA certificates,
// time zones, the users root, nobody and nonroot, and the folders that programs
// and engines take for granted. There is no shell and no libc.
//
// The layer is the same bytes on every machine.
package base

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/sha256"
	_ "embed" // for the time zones
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"path"
	"sort"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// What images on this base are configured with.
const (
	// User is the user nonroot.
	User = "65532:65532"
	// Path is where programs are looked up, though the base has none.
	Path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	// Certificates is the file that holds the CA certificates.
	Certificates = "/etc/ssl/certs/ca-certificates.crt"
)

// The layer, as Write makes it. A test compares them, so that it does not change
// unnoticed: every image on this base gets another digest when it does.
const (
	Digest = "sha256:98ca91d2de744c4c5af9579bdf5dc0fc693a57f5a3bf24cfb3b32d3e5c9afa1a"
	DiffID = "sha256:0c87add34ee69f8a4e2a2d757b127ae545bfbb0f4119b60eadeba1a48782d5d6"
	Size   = 210788
)

// level is klauspost's: a percent larger than its best one, in a tenth of the time.
const level = 6

const passwd = `root:x:0:0:root:/root:/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin
nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin
`

const group = `root:x:0:
nobody:x:65534:
nonroot:x:65532:
`

const nsswitch = "hosts: files dns\n"

//go:embed zoneinfo.zip
var zoneinfo []byte

// entry is a folder, if its name ends with a slash, or a file.
type entry struct {
	name    string
	mode    int64
	uid     int
	content []byte
}

// Write writes the layer as a gzipped tar and returns the digest of the tar.
func Write(w io.Writer) (diffID string, err error) {
	entries, err := entries()
	if err != nil {
		return "", err
	}
	z, err := gzip.NewWriterLevel(w, level)
	if err != nil {
		return "", fmt.Errorf("base: %w", err)
	}
	z.OS = 255
	diff := sha256.New()
	t := tar.NewWriter(io.MultiWriter(z, diff))
	for _, e := range entries {
		if err := e.write(t); err != nil {
			return "", fmt.Errorf("base: write %q: %w", e.name, err)
		}
	}
	if err := t.Close(); err != nil {
		return "", fmt.Errorf("base: %w", err)
	}
	if err := z.Close(); err != nil {
		return "", fmt.Errorf("base: %w", err)
	}
	return "sha256:" + hex.EncodeToString(diff.Sum(nil)), nil
}

func (e entry) write(t *tar.Writer) error {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: e.name, Mode: e.mode, Uid: e.uid, Gid: e.uid, Size: int64(len(e.content)), ModTime: time.Unix(0, 0)}
	if strings.HasSuffix(e.name, "/") {
		h.Typeflag = tar.TypeDir
	}
	if err := t.WriteHeader(h); err != nil {
		return err
	}
	_, err := t.Write(e.content)
	return err
}

// entries lists the layer's content, sorted, each folder before what is in it.
func entries() ([]entry, error) {
	list := []entry{
		{name: "dev/", mode: 0o755},
		{name: "etc/group", mode: 0o644, content: []byte(group)},
		{name: "etc/nsswitch.conf", mode: 0o644, content: []byte(nsswitch)},
		{name: "etc/passwd", mode: 0o644, content: []byte(passwd)},
		{name: Certificates[1:], mode: 0o644, content: certificates()},
		{name: "home/nonroot/", mode: 0o700, uid: 65532},
		{name: "proc/", mode: 0o755},
		{name: "root/", mode: 0o700},
		{name: "run/", mode: 0o755},
		{name: "sys/", mode: 0o755},
		{name: "tmp/", mode: 0o1777},
		{name: "var/tmp/", mode: 0o1777},
	}
	zones, err := timeZones()
	if err != nil {
		return nil, err
	}
	list = append(list, zones...)
	have := map[string]bool{}
	for _, e := range list {
		have[e.name] = true
	}
	for _, e := range list {
		for dir := path.Dir(strings.TrimSuffix(e.name, "/")); dir != "."; dir = path.Dir(dir) {
			if !have[dir+"/"] {
				have[dir+"/"] = true
				list = append(list, entry{name: dir + "/", mode: 0o755})
			}
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].name < list[j].name })
	return list, nil
}

func timeZones() ([]entry, error) {
	z, err := zip.NewReader(bytes.NewReader(zoneinfo), int64(len(zoneinfo)))
	if err != nil {
		return nil, fmt.Errorf("base: read the time zones: %w", err)
	}
	var list []entry
	for _, f := range z.File {
		if f.FileInfo().IsDir() {
			continue
		}
		content, err := read(f)
		if err != nil {
			return nil, fmt.Errorf("base: read the time zone %q: %w", f.Name, err)
		}
		list = append(list, entry{name: "usr/share/zoneinfo/" + f.Name, mode: 0o644, content: content})
	}
	return list, nil
}

func read(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// CertificateFile returns the content of the file Certificates.
func CertificateFile() []byte { return certificates() }

// certificates returns the roots of Mozilla's list as PEM. A root that is trusted
// only for certificates issued before a certain day is left out: the file format
// cannot say so, and to trust it for all would be too much.
func certificates() []byte {
	var b bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue
		}
		// A bytes.Buffer does not fail.
		_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate})
	}
	return b.Bytes()
}
