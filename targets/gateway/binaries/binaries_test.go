package binaries

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

func TestEachBinaryIsWhatItsRecordSays(t *testing.T) {
	// It goes over slow connections, and lies in the repository.
	const most, mostPacked = 12_000_000, 5 << 20
	if list := Architectures(); len(list) != 2 {
		t.Errorf("there are programs for %q", list)
	}
	for _, r := range records {
		program, err := Program(r.arch)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(program)
		if digest, err := Digest(r.arch); err != nil || hex.EncodeToString(sum[:]) != digest || int64(len(program)) != r.size {
			t.Errorf("%s: the program is not the one of the record (%v)", r.arch, err)
		}
		if len(program) > most || len(r.gzip) > mostPacked {
			t.Errorf("%s: %d bytes, packed %d: is something in it that it does not need?", r.arch, len(program), len(r.gzip))
		}
	}
}
