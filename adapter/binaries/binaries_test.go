package binaries

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"
	"testing"
)

func TestEachBinaryIsWhatItsRecordSays(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64"} {
		b, err := Adapter(arch)
		if err != nil {
			t.Fatal(err)
		}
		// The adapter is promised to be small, the other program has TLS in it.
		check(t, "adapter "+arch, b, Version, sourceDigest, 2_500_000, 1_200_000)
		if b, err = Secrets(arch); err != nil {
			t.Fatal(err)
		}
		check(t, "secrets "+arch, b, SecretsVersion, secretsSourceDigest, 7_000_000, 3<<20)
	}
}

func check(t *testing.T, name string, b Binary, version, source string, most, mostPacked int) {
	t.Helper()
	in := bytes.NewReader(b.Gzip)
	r, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	if r.Name != "" || r.Comment != "" || !r.ModTime.IsZero() {
		t.Errorf("%s: the gzip header holds more than it needs: %+v", name, r.Header)
	}
	r.Multistream(false)
	program, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if in.Len() != 0 {
		t.Errorf("%s: %d bytes follow the gzip member", name, in.Len())
	}
	sum := sha256.Sum256(program)
	if int64(len(program)) != b.Size || hex.EncodeToString(sum[:]) != b.SHA256 {
		t.Errorf("%s: the program is not the one of the record", name)
	}
	if len(program) >= most {
		t.Errorf("%s: the program has %d bytes; less than %d are promised", name, len(program), most)
	}
	if len(b.Gzip) >= mostPacked {
		t.Errorf("%s: the file has %d bytes; less than %d are wanted in the repository", name, len(b.Gzip), mostPacked)
	}
	if b.Version == "" || b.Version != version || !strings.HasPrefix(source, version) {
		t.Errorf("%s: the version is %q", name, b.Version)
	}
}

func TestOtherArchitecturesAreErrors(t *testing.T) {
	if _, err := Adapter("riscv64"); err == nil || !strings.Contains(err.Error(), "amd64 or arm64") {
		t.Errorf("got %v", err)
	}
}
