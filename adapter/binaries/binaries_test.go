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
		in := bytes.NewReader(b.Gzip)
		r, err := gzip.NewReader(in)
		if err != nil {
			t.Fatal(err)
		}
		if r.Name != "" || r.Comment != "" || !r.ModTime.IsZero() {
			t.Errorf("%s: the gzip header holds more than it needs: %+v", arch, r.Header)
		}
		r.Multistream(false)
		program, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if in.Len() != 0 {
			t.Errorf("%s: %d bytes follow the gzip member", arch, in.Len())
		}
		sum := sha256.Sum256(program)
		if int64(len(program)) != b.Size || hex.EncodeToString(sum[:]) != b.SHA256 {
			t.Errorf("%s: the program is not the one of the record", arch)
		}
		if len(program) >= 3_000_000 {
			t.Errorf("%s: the program has %d bytes; less than 3 MB are promised", arch, len(program))
		}
		if len(b.Gzip) >= 1<<20 {
			t.Errorf("%s: the file has %d bytes; less than 1 MiB are wanted in the repository", arch, len(b.Gzip))
		}
		if b.Version == "" || b.Version != Version || !strings.HasPrefix(sourceDigest, Version) {
			t.Errorf("%s: the version is %q", arch, b.Version)
		}
	}
}

func TestOtherArchitecturesAreErrors(t *testing.T) {
	if _, err := Adapter("riscv64"); err == nil || !strings.Contains(err.Error(), "amd64 or arm64") {
		t.Errorf("got %v", err)
	}
}
