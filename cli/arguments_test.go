package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFlagsMayFollowArguments(t *testing.T) {
	app := newApp(newTerminal(Streams{In: strings.NewReader(""), Out: &bytes.Buffer{}, Err: &bytes.Buffer{}}))
	for _, test := range []struct {
		name, args, want string
	}{
		{"flag after the service", "twofold build api --json", "twofold build --json api"},
		{"flag with a value", "twofold deploy api --to local.function web", "twofold deploy --to local.function api web"},
		{"value after an equals sign", "twofold deploy api --to=local.function", "twofold deploy --to=local.function api"},
		{"short flag with a value", "twofold logs api -n 5 -f", "twofold logs -n 5 -f api"},
		{"what follows -- stays", "twofold build --json -- --odd", "twofold build --json -- --odd"},
		{"a lone dash is an argument", "twofold verify - --json", "twofold verify --json -"},
		{"unknown command", "twofold nope api --json", "twofold nope api --json"},
		{"no command", "twofold --version", "twofold --version"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := flagsFirst(app, strings.Fields(test.args))
			if diff := cmp.Diff(strings.Fields(test.want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWrongCommandLinesExitWithTwoAndAHint(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("TWOFOLD_STATE_DIR", t.TempDir())
	for _, test := range []struct {
		name, args, want string
	}{
		{"misspelt command", "twofold biuld", `did you mean "build"?`},
		{"unknown command", "twofold xyzzy", "twofold --help"},
		{"unknown flag", "twofold build --nope", "twofold build --help"},
		{"argument where there is none", "twofold validate api", "takes no arguments"},
		{"misspelt target", "twofold status --all --to local.contianer", `did you mean "local.container"?`},
		{"no manifest", "twofold build", "twofold.hcl"},
		{"verify without a release", "twofold verify", "takes one REF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			code := Main(strings.Fields(test.args), Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
			if code != exitUsage {
				t.Errorf("exit code %d, want %d", code, exitUsage)
			}
			if !strings.Contains(errs.String(), test.want) {
				t.Errorf("the error does not say %q:\n%s", test.want, errs.String())
			}
			if out.Len() > 0 {
				t.Errorf("standard output is for data, and has:\n%s", out.String())
			}
		})
	}
}
