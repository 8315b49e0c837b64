package golang

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/manifest/schema"
)

// BenchmarkBesideGoBuild measures the builder beside go build with the same
// flags, by turns, so that whatever else the machine does hits both. It reports
// the medians in milliseconds and their ratio. TWOFOLD_BENCH_DIR and
// TWOFOLD_BENCH_PACKAGE name another service to measure.
func BenchmarkBesideGoBuild(b *testing.B) {
	dir, pkg := os.Getenv("TWOFOLD_BENCH_DIR"), os.Getenv("TWOFOLD_BENCH_PACKAGE")
	if dir == "" {
		dir, pkg = webServer(b), "."
	}
	b.Run("nothing changed", func(b *testing.B) { besideGoBuild(b, dir, pkg, func() {}) })
	main := filepath.Join(dir, pkg, "main.go")
	source, err := os.ReadFile(main)
	if err != nil {
		return // the package has no file of that name to add a line to
	}
	b.Run("one line changed", func(b *testing.B) {
		defer os.WriteFile(main, source, 0o644)
		besideGoBuild(b, dir, pkg, func() {
			// Each build sees a line that no build has seen, or the linker's
			// result would come from the cache of the one before.
			line := "\nvar benchLine = \"" + time.Now().Format(time.RFC3339Nano) + "\"\n\nfunc init() { println(benchLine) }\n"
			if err := os.WriteFile(main, append(slices.Clone(source), line...), 0o644); err != nil {
				b.Fatal(err)
			}
		})
	})
}

func besideGoBuild(b *testing.B, dir, pkg string, change func()) {
	out := filepath.Join(b.TempDir(), "server")
	req := build.Request{
		Dir: dir, WorkDir: b.TempDir(), Settings: schema.Values{"package": pkg},
		Platforms: []build.Platform{{OS: "linux", Arch: "amd64"}},
	}
	plain := func() {
		cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", out, pkg)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOAMD64=v1")
		if text, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, text)
		}
	}
	ours := func() {
		if _, err := (Builder{}).Build(b.Context(), req); err != nil {
			b.Fatal(err)
		}
	}
	plain()
	ours()
	var theirs, own []time.Duration
	for b.Loop() {
		change()
		theirs = append(theirs, took(plain))
		change()
		own = append(own, took(ours))
	}
	b.ReportMetric(milliseconds(median(theirs)), "go-build-ms")
	b.ReportMetric(milliseconds(median(own)), "builder-ms")
	b.ReportMetric(float64(median(own))/float64(median(theirs)), "ratio")
}

func took(do func()) time.Duration {
	began := time.Now()
	do()
	return time.Since(began)
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// webServer is a service of the size that net/http makes.
func webServer(b *testing.B) string {
	dir := b.TempDir()
	for name, content := range map[string]string{
		"go.mod":  goMod,
		"main.go": "package main\n\nimport \"net/http\"\n\nfunc main() { http.ListenAndServe(\":8080\", nil) }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.TrimSpace(content)+"\n"), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	return dir
}
