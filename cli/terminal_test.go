package cli

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/targets"
)

func TestErrorsBecomeExitCodesAndHints(t *testing.T) {
	for _, test := range []struct {
		name  string
		err   error
		code  int
		wants []string
	}{
		{"nothing wrong", nil, 0, nil},
		{"failed", errors.New("it broke"), 1, []string{"error: it broke"}},
		{"wrong usage", usageError("what?", "twofold --help"), 2, []string{"error: what?", "hint: twofold --help"}},
		{"said already", exitCode(7), 7, nil},
		{"a tool failed", fmt.Errorf("build: %w", &build.ToolError{Tool: "go build", Output: "x.go:1: no", Hint: "mend x.go", Err: errors.New("exit status 1")}), 1,
			[]string{"  x.go:1: no\n", "error: build: go build: exit status 1", "hint: mend x.go"}},
		{"not healthy", &targets.NotHealthyError{Reason: "it exited", Output: "last words"}, 1,
			[]string{"  last words\n", "error: the app did not get ready: it exited", "$PORT"}},
		{"unsupported", fmt.Errorf("x: %w", targets.ErrUnsupported), 1, []string{"hint: twofold targets"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var errs bytes.Buffer
			got := newTerminal(Streams{Err: &errs}).report(test.err)
			if got != test.code {
				t.Errorf("exit code %d, want %d", got, test.code)
			}
			for _, want := range test.wants {
				if !strings.Contains(errs.String(), want) {
					t.Errorf("missing %q in:\n%s", want, errs.String())
				}
			}
			if test.wants == nil && errs.Len() > 0 {
				t.Errorf("said %q", errs.String())
			}
		})
	}
}

func TestNothingIsWrittenOverWithoutATerminal(t *testing.T) {
	var errs bytes.Buffer
	terminal := newTerminal(Streams{Err: &errs})
	terminal.progress.begin("build")
	terminal.done("api", "build", 1500*time.Millisecond)
	terminal.progress.stop()
	if strings.ContainsAny(errs.String(), "\r\x1b") {
		t.Errorf("escape sequences without a terminal: %q", errs.String())
	}
	if want := "✓ api build 1.5 s\n"; errs.String() != want {
		t.Errorf("got %q, want %q", errs.String(), want)
	}
}

func TestSizesAreInDecimalUnits(t *testing.T) {
	for bytes, want := range map[int64]string{0: "0 B", 999: "999 B", 1500: "1.5 kB", 20_700_000: "20.7 MB", 3_000_000_000: "3.0 GB"} {
		if got := size(bytes); got != want {
			t.Errorf("%d bytes: got %q, want %q", bytes, got, want)
		}
	}
}
