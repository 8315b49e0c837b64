package pack

import (
	"archive/tar"
	"bytes"
	"fmt"
	"strings"
	"time"
)

const tarBlock = 512

// tarHeader appends the header of an entry to b: USTAR where the name and the
// size fit, PAX where they do not. Owner is 0:0 and the time is the Unix epoch.
func tarHeader(b []byte, name string, kind byte, mode, size int64, link string) ([]byte, error) {
	var out bytes.Buffer
	err := tar.NewWriter(&out).WriteHeader(&tar.Header{
		Typeflag: kind,
		Name:     name,
		Linkname: link,
		Size:     size,
		Mode:     mode,
		ModTime:  time.Unix(0, 0),
	})
	if err != nil {
		return b, fmt.Errorf("the name does not fit into a tar: %w", err)
	}
	return append(b, out.Bytes()...), nil
}

// padding is how many zero bytes follow size bytes of content.
func padding(size int64) int64 { return -size & (tarBlock - 1) }

// zeros is as much as the end of a tar takes: two empty blocks.
var zeros [2 * tarBlock]byte

// folders lists the folders of path that have not been seen, the outermost
// first, each with a slash at its end.
func folders(seen map[string]bool, path string) []string {
	var list []string
	for i := 0; ; {
		j := strings.IndexByte(path[i:], '/')
		if j < 0 {
			return list
		}
		i += j + 1
		if dir := path[:i]; !seen[dir] {
			seen[dir] = true
			list = append(list, dir)
		}
	}
}
