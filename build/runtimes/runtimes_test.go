package runtimes

import (
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	for _, name := range Names() {
		if err := Check(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, want := range map[string]string{
		"nodejs24":        `did you mean "nodejs24.x"`,
		"node24":          `did you mean "nodejs24.x"`,
		"Python3.13":      `did you mean "python3.13"`,
		"pyton3.13":       `did you mean "python3.13"`,
		"provided.al2023": "leave runtime out",
		"cobol":           "there are: nodejs20.x",
	} {
		if err := Check(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
}
