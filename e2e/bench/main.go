// Command bench times whole commands as their users wait for them: twofold build,
// which makes both forms, beside go build of the same package with the same flags,
// one after the other in one run, so that the ratio holds on a machine whose speed
// drifts. The first word is the twofold binary; the rest are folders of services.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

func main() {
	runs := flag.Int("n", 7, "how often each command is timed")
	flag.Parse()
	if flag.NArg() < 2 {
		fmt.Fprintln(os.Stderr, "usage: bench [-n RUNS] TWOFOLD SERVICE_DIR...")
		os.Exit(2)
	}
	twofold, err := filepath.Abs(flag.Arg(0))
	if err != nil {
		fatal(err)
	}
	fmt.Printf("%-10s %-22s %10s %10s %8s\n", "service", "what", "go build", "twofold", "ratio")
	for _, dir := range flag.Args()[1:] {
		if err := measure(context.Background(), twofold, dir, *runs); err != nil {
			fatal(err)
		}
	}
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(1)
}

// measure works on a copy of the service, whose one line it changes.
func measure(ctx context.Context, twofold, dir string, runs int) error {
	work, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := os.CopyFS(work, os.DirFS(dir)); err != nil {
		return err
	}
	goBuild := func() (time.Duration, error) {
		return timed(ctx, work, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", filepath.Join(work, ".out", "peer"), ".")
	}
	twofoldBuild := func() (time.Duration, error) { return timed(ctx, work, twofold, "build") }

	line := int(time.Now().Unix())
	change := func() error {
		line++
		return changeLine(filepath.Join(work, "main.go"), line)
	}
	nothing := func() error { return nil }
	for _, step := range []struct {
		what   string
		before func() error
	}{{"after one line", change}, {"nothing changed", nothing}} {
		a, b, err := pairs(runs, step.before, goBuild, twofoldBuild)
		if err != nil {
			return err
		}
		fmt.Printf("%-10s %-22s %8.3f s %8.3f s %8.2f\n", filepath.Base(dir), step.what, median(a), median(b), medianRatio(a, b))
	}
	return nil
}

// pairs times the two commands in turn, after one round that does not count.
func pairs(runs int, before func() error, commands ...func() (time.Duration, error)) (a, b []float64, err error) {
	for i := range runs + 1 {
		var took [2]time.Duration
		for k, command := range commands {
			if err := before(); err != nil {
				return nil, nil, err
			}
			if took[k], err = command(); err != nil {
				return nil, nil, err
			}
		}
		if i > 0 {
			a, b = append(a, took[0].Seconds()), append(b, took[1].Seconds())
		}
	}
	return a, b, nil
}

func timed(ctx context.Context, dir string, name string, args ...string) (time.Duration, error) {
	command := exec.CommandContext(ctx, name, args...)
	command.Dir = dir
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	started := time.Now()
	out, err := command.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return time.Since(started), nil
}

var linePattern = regexp.MustCompile(`const line = \d+`)

func changeLine(path string, line int) error {
	source, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	changed := linePattern.ReplaceAll(source, fmt.Appendf(nil, "const line = %d", line))
	return os.WriteFile(path, changed, 0o644)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func medianRatio(a, b []float64) float64 {
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = b[i] / a[i]
	}
	return median(ratios)
}
