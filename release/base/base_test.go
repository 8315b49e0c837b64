package base

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"io"
	"testing"
	"time"
)

func TestLayerIsAsDeclared(t *testing.T) {
	var b bytes.Buffer
	diffID, err := Write(&b)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b.Bytes())
	if got := "sha256:" + hex.EncodeToString(sum[:]); got != Digest || diffID != DiffID || b.Len() != Size {
		t.Errorf("if the inputs changed, put this into base.go:\n\tDigest = %q\n\tDiffID = %q\n\tSize   = %d", got, diffID, b.Len())
	}
}

func TestLayerHoldsWhatAStaticBinaryNeeds(t *testing.T) {
	files := unpack(t)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(files["etc/ssl/certs/ca-certificates.crt"].content) {
		t.Error("no CA certificate can be read")
	}
	if _, err := time.LoadLocationFromTZData("Europe/Berlin", files["usr/share/zoneinfo/Europe/Berlin"].content); err != nil {
		t.Error(err)
	}
	for _, want := range []struct {
		name string
		mode int64
		uid  int
	}{
		{"tmp/", 0o1777, 0}, {"var/tmp/", 0o1777, 0}, {"home/nonroot/", 0o700, 65532}, {"root/", 0o700, 0},
		{"etc/passwd", 0o644, 0}, {"etc/group", 0o644, 0}, {"etc/nsswitch.conf", 0o644, 0},
		{"etc/", 0o755, 0}, {"usr/share/zoneinfo/Europe/", 0o755, 0}, {"dev/", 0o755, 0}, {"proc/", 0o755, 0}, {"sys/", 0o755, 0},
	} {
		got, ok := files[want.name]
		if !ok || got.header.Mode != want.mode || got.header.Uid != want.uid || got.header.Gid != want.uid {
			t.Errorf("%s: %+v", want.name, got.header)
		}
	}
}

func TestFoldersComeFirst(t *testing.T) {
	list, err := entries()
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(list); i++ {
		if list[i-1].name >= list[i].name {
			t.Errorf("%s comes before %s", list[i-1].name, list[i].name)
		}
	}
}

type file struct {
	header  *tar.Header
	content []byte
}

// unpack reads the layer and checks that it has the digest that Write returned.
func unpack(t *testing.T) map[string]file {
	t.Helper()
	var b bytes.Buffer
	diffID, err := Write(&b)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	diff := sha256.New()
	r := tar.NewReader(io.TeeReader(z, diff))
	files := map[string]file{}
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[h.Name] = file{h, content}
	}
	if _, err := io.Copy(diff, z); err != nil {
		t.Fatal(err)
	}
	if got := "sha256:" + hex.EncodeToString(diff.Sum(nil)); got != diffID {
		t.Errorf("diff id %s, the tar has %s", diffID, got)
	}
	return files
}
