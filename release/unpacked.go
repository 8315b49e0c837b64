package release

import (
	"archive/zip"
	"fmt"
	"os"
)

// Unpacked returns how many bytes the files of a bundle have, as its table of
// contents says. Nothing is unpacked.
func (r *Release) Unpacked(f Form) (int64, error) {
	m, err := r.formManifest(f, Bundle)
	if err != nil {
		return 0, err
	}
	blob, err := os.Open(r.store.blobPath(string(m.Layers[0].Digest)))
	if err != nil {
		return 0, fmt.Errorf("release: read the bundle: %w", err)
	}
	defer blob.Close()
	info, err := blob.Stat()
	if err != nil {
		return 0, fmt.Errorf("release: read the bundle: %w", err)
	}
	archive, err := zip.NewReader(blob, info.Size())
	if err != nil {
		return 0, fmt.Errorf("release: read the bundle: %w", err)
	}
	var total uint64
	for _, file := range archive.File {
		if total += file.UncompressedSize64; total > 1<<50 {
			return 0, fmt.Errorf("release: read the bundle: it claims to be bigger than any disk")
		}
	}
	return int64(total), nil
}
