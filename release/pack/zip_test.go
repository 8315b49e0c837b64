package pack

import (
	"archive/zip"
	"bytes"
	"hash/crc32"
	"testing"

	"github.com/klauspost/compress/flate"
)

// TestZip64 lets sizes from 1,000 bytes on count as too large for the old format.
func TestZip64(t *testing.T) {
	for name, big := range map[string]int64{"all": 0, "some": 1000, "directory": 30_000, "none": max32} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			z := newZipWriter(&b)
			z.big = big
			small, large := []byte("small"), bytes.Repeat([]byte("large "), 3000)
			if err := z.add("small", modeFile, methodStore, crc32.ChecksumIEEE(small), int64(len(small)), small); err != nil {
				t.Fatal(err)
			}
			if err := z.add("whole", modeFile, methodStore, crc32.ChecksumIEEE(large), int64(len(large)), large); err != nil {
				t.Fatal(err)
			}
			if err := z.begin("streamed", modeExec, int64(len(large))); err != nil {
				t.Fatal(err)
			}
			var packed bytes.Buffer
			w, err := flate.NewWriter(&packed, 1)
			if err == nil {
				_, err = w.Write(large)
			}
			if err == nil {
				err = w.Close()
			}
			if err == nil {
				err = z.data(packed.Bytes())
			}
			if err == nil {
				err = z.end(crc32.ChecksumIEEE(large))
			}
			if err == nil {
				err = z.close()
			}
			if err != nil {
				t.Fatal(err)
			}
			r, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range []string{"small", string(large), string(large)} {
				if got := content(t, r.File[i]); got != want {
					t.Errorf("%s: %d bytes, not %d", r.File[i].Name, len(got), len(want))
				}
			}
		})
	}
}

func TestMoreEntriesThanTheOldFormatCounts(t *testing.T) {
	var b bytes.Buffer
	z := newZipWriter(&b)
	for range 70_000 {
		if err := z.add("x", modeFile, methodStore, 0, 0, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.close(); err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil || len(r.File) != 70_000 {
		t.Errorf("%d entries, %v", len(r.File), err)
	}
}

func FuzzSplitGzip(f *testing.F) {
	f.Add(gzipped(f, "content"))
	f.Add([]byte{0x1f, 0x8b, 8, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		stream, _, _, err := splitGzip(b)
		if err == nil && len(stream)+18 > len(b) {
			t.Errorf("a stream of %d bytes in %d", len(stream), len(b))
		}
	})
}
