package pack

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/build"
)

// bigBinary makes a file of 61 MB whose content is that of Go binaries: the
// toolchain's own programs, one after the other.
func bigBinary(b *testing.B) []build.File {
	b.Helper()
	out, err := exec.Command("go", "env", "GOROOT", "GOTOOLDIR").Output()
	if err != nil {
		b.Fatal(err)
	}
	dirs := strings.Fields(string(out))
	programs, err := filepath.Glob(dirs[1] + "/*")
	if err != nil {
		b.Fatal(err)
	}
	programs = append(programs, dirs[0]+"/bin/go", dirs[0]+"/bin/gofmt")
	var data []byte
	for len(data) < 61_000_000 {
		for _, p := range programs {
			content, err := os.ReadFile(p)
			if err != nil {
				b.Fatal(err)
			}
			data = append(data, content...)
		}
	}
	return write(b, map[string][]byte{"server": data[:61_000_000]})
}

// manyFiles makes 3,743 files of 17 MB in all, as many as a small Express service
// has, of source code.
func manyFiles(b *testing.B) []build.File {
	b.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		b.Fatal(err)
	}
	sources, err := filepath.Glob(strings.TrimSpace(string(out)) + "/src/net/*/*.go")
	if err != nil {
		b.Fatal(err)
	}
	var text []byte
	for _, s := range sources {
		content, err := os.ReadFile(s)
		if err != nil {
			b.Fatal(err)
		}
		text = append(text, content...)
	}
	content := map[string][]byte{}
	for i := range 3743 {
		start, size := (i*5003)%(len(text)-40_000), 200+(i*7919)%8700
		content[fmt.Sprintf("node_modules/%03d/lib/%04d.js", i%120, i)] = text[start : start+size]
	}
	return write(b, content)
}

// BenchmarkPack reports, beside its own time, how many times as long the peer takes
// in the same run: a tar through gzip and a zip, one after the other, with the
// standard library at its default level, which is what most tools do.
func BenchmarkPack(b *testing.B) {
	for name, files := range map[string][]build.File{"binary61MB": bigBinary(b), "modules3743": manyFiles(b)} {
		b.Run(name, func(b *testing.B) {
			peer := newCounter()
			started := time.Now()
			if err := peerLayer(files, newCounter()); err != nil {
				b.Fatal(err)
			}
			if err := peerBundle(files, peer); err != nil {
				b.Fatal(err)
			}
			peerTime := time.Since(started)
			var layer, bundle counter
			for b.Loop() {
				layer, bundle = newCounter(), newCounter()
				if _, err := Pack(context.Background(), files, Options{Dir: "app"}, layer, bundle); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(peerTime)/(float64(b.Elapsed())/float64(b.N)), "peer/own")
			b.ReportMetric(float64(*layer.n)/1e6, "layerMB")
			b.ReportMetric(float64(*bundle.n)/1e6, "bundleMB")
			b.ReportMetric(float64(*peer.n)/1e6, "peerMB")
		})
	}
}

func peerLayer(files []build.File, out io.Writer) error {
	z := gzip.NewWriter(out)
	diff := sha256.New()
	t := tar.NewWriter(io.MultiWriter(z, diff))
	for _, f := range files {
		if err := t.WriteHeader(&tar.Header{Name: f.Path, Mode: 0o644, Size: f.Info.Size()}); err != nil {
			return err
		}
		if err := copyFile(t, f); err != nil {
			return err
		}
	}
	if err := t.Close(); err != nil {
		return err
	}
	return z.Close()
}

func peerBundle(files []build.File, out io.Writer) error {
	z := zip.NewWriter(out)
	for _, f := range files {
		w, err := z.Create(f.Path)
		if err != nil {
			return err
		}
		if err := copyFile(w, f); err != nil {
			return err
		}
	}
	return z.Close()
}

func copyFile(w io.Writer, f build.File) error {
	data, err := os.ReadFile(f.Source)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, bytes.NewReader(data))
	return err
}

// counter counts and hashes what is written, as a store does.
type counter struct {
	n *int64
	h io.Writer
}

func newCounter() counter { return counter{new(int64), sha256.New()} }

func (c counter) Write(b []byte) (int, error) {
	*c.n += int64(len(b))
	return c.h.Write(b)
}
