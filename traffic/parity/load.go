package parity

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Load reads a requests file: HCL as docs/parity.md describes it, or a HAR
// recording. The name's end decides which, ".hcl" or ".har"; with any other end
// a file that begins with "{" is a recording.
//
// Problems in an HCL file are a *FileError that holds all of them.
func Load(path string) (*Suite, error) {
	recording := strings.EqualFold(filepath.Ext(path), ".har")
	limit := int64(maxSource)
	if recording {
		limit = maxRecording
	}
	src, err := readFile(path, limit)
	if err != nil {
		return nil, fmt.Errorf("parity: read the requests: %w", err)
	}
	if !strings.EqualFold(filepath.Ext(path), ".hcl") && bytes.HasPrefix(bytes.TrimLeft(src, " \t\r\n\ufeff"), []byte("{")) {
		recording = true
	}
	if recording {
		return parseHAR(path, src)
	}
	return parseHCL(path, src)
}

// readFile reads a regular file of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("%s is larger than %d MB", path, limit>>20)
	}
	return content, nil
}

// FileError is all that is wrong with a requests file in HCL.
type FileError struct {
	Diagnostics hcl.Diagnostics
	files       map[string]*hcl.File
}

// Error says how many problems there are, and then each of them as WriteText does.
func (e *FileError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the requests file has %s\n\n", count(len(e.Diagnostics), "problem"))
	if err := e.WriteText(&b, 0, false); err != nil {
		return err.Error()
	}
	return strings.TrimRight(b.String(), "\n")
}

// WriteText writes each problem with the line it is about. width is the
// terminal's; 0 means no wrapping.
func (e *FileError) WriteText(w io.Writer, width uint, color bool) error {
	return hcl.NewDiagnosticTextWriter(w, e.files, width, color).WriteDiagnostics(e.Diagnostics)
}
