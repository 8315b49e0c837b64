package manifest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/robfig/cron/v3"
)

// planted is the value of a sensitive variable in the fuzz tests: it must be in no
// output.
const planted = "Xq7planted7qX"

// plantedFile declares it, beside a variable that is given.
const plantedFile = `
variable "planted" {
  sensitive = true
  default   = "` + planted + `"
  validation {
    condition     = can(regex("^X", var.planted))
    error_message = "It begins with X."
  }
}
variable "given" {
  type    = any
  default = null
}
`

// sensitiveNames are what the seeds refer to instead.
var sensitiveNames = regexp.MustCompile(`var\.[a-z_]+`)

// FuzzLoad reads, evaluates and reports on any bytes, in both syntaxes, in one and
// in all environments, with a value for each variable named v: no panic, no hang,
// a manifest or errors, every place inside the text, and no sensitive value in any
// output.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"testdata/invalid/*.hcl*", "testdata/valid/*.hcl*", "testdata/invalid/*/*.hcl*"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range files {
			src, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src, isJSONName(path), "")
			f.Add(sensitiveNames.ReplaceAll(src, []byte("var.planted")), isJSONName(path), "[\"a\", 1]")
		}
	}
	f.Fuzz(func(t *testing.T, src []byte, isJSON bool, value string) {
		main := source{"twofold.hcl", src}
		if isJSON {
			main.name = "twofold.hcl.json"
		}
		text := &text{path: main.name, dir: ".", files: []source{main, {"planted.hcl", []byte(plantedFile)}}}
		start := time.Now()
		// Small limits reach the same code in less time.
		options := func() Options {
			o := limited(&meter{valueLimit: 1 << 20, stepLimit: 20_000})
			o.Env = func(name string) (string, bool) {
				if name == variablePrefix+"v" {
					return value, true
				}
				return testEnv(name)
			}
			o.Variables = []string{"given=" + value}
			return o
		}
		m, d := text.load(options())
		checkProblems(t, m != nil, d, text)
		all, d := text.loadAll(options())
		checkProblems(t, all != nil, d, text)
		for _, m := range append(all, m) {
			if m != nil {
				checkLoaded(t, m)
			}
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Fatalf("it took %v", took)
		}
	})
}

// checkProblems checks what holds for the problems of any text.
func checkProblems(t *testing.T, loaded bool, d *Diagnostics, s *text) {
	t.Helper()
	content := map[string][]byte{}
	for _, file := range s.files {
		content[file.name] = file.content
	}
	if d.HasErrors() == loaded {
		t.Fatalf("HasErrors is %v and loaded is %v", d.HasErrors(), loaded)
	}
	for _, diag := range d.All() {
		if diag.Summary == internalError {
			t.Fatal(diag.Detail)
		}
		if diag.Summary == "" || diag.Severity == "" {
			t.Fatalf("an empty diagnostic: %+v", diag)
		}
		places := []Range{}
		if diag.Range != nil {
			places = append(places, *diag.Range)
		}
		for _, n := range diag.Notes {
			places = append(places, n.Range)
		}
		for _, r := range places {
			src, known := content[r.File]
			if !known || r.Start.Byte < 0 || r.Start.Line < 1 || r.Start.Column < 1 || r.End.Byte > len(src)+1 || r.Start.Line > bytes.Count(src, []byte("\n"))+1 {
				t.Fatalf("a place outside of the text: %+v of %d bytes, %+v", r, len(src), diag)
			}
		}
	}
	var output bytes.Buffer
	for _, o := range []TextOptions{{}, {Color: true, Width: 40}} {
		if err := d.WriteText(&output, o); err != nil {
			t.Fatal(err)
		}
	}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	output.Write(text)
	output.WriteString(d.Error())
	if !bytes.Contains(s.files[0].content, []byte("Xq7")) && strings.Contains(output.String(), "Xq7") {
		t.Fatalf("a sensitive value is shown:\n%s", output.String())
	}
}

// checkLoaded checks what holds for any manifest.
func checkLoaded(t *testing.T, m *Manifest) {
	t.Helper()
	if checkName(m.Project) != "" {
		t.Fatalf("a manifest that is none: %+v", m)
	}
	if len(m.Order()) != len(m.Services) {
		t.Fatalf("the order has %d of %d services", len(m.Order()), len(m.Services))
	}
	for _, s := range m.Services {
		if checkName(s.Name) != "" || s.Port < 1 || s.Port > 65535 || s.Build.Builder == "" || s.Health.Path == "" || s.Health.Start <= 0 || len(s.Targets) == 0 {
			t.Fatalf("a service that is none: %+v", s)
		}
		for _, secret := range s.Secrets {
			if secret.Name == "" {
				t.Fatalf("a secret that is none: %+v", s)
			}
		}
		for _, volume := range s.Volumes {
			if checkName(volume.Name) != "" {
				t.Fatalf("a volume that is none: %+v", s)
			}
		}
		if at := m.At(s.Name, "env.NOTHING", "x", "y").All()[0]; at.Range == nil {
			t.Fatal("a service without a place")
		}
		if len(m.Services) > 20 {
			return
		}
		urls := map[string]string{}
		for _, other := range m.Services {
			urls[other.Name] = "https://" + other.Name + ".example.com"
		}
		resolved, d := m.Resolve(s.Name, urls)
		if resolved == nil || resolved.Name != s.Name {
			t.Fatalf("%q is resolved as %+v, %v", s.Name, resolved, d)
		}
		shown := *s
		shown.Env = map[string]string{}
		for name, value := range s.Env {
			if !contains(s.Sensitive, name) {
				shown.Env[name] = value
			}
		}
		for _, h := range s.Hooks {
			for _, name := range h.Sensitive {
				delete(h.Env, name)
			}
		}
		text, err := json.Marshal(shown)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte(planted)) {
			t.Fatalf("a sensitive value is in %s", text)
		}
	}
}

// FuzzCron checks that Kubernetes, whose library this is, takes each schedule that
// we take.
func FuzzCron(f *testing.F) {
	for _, text := range append([]string{"0 3 * * *", "*/5 1-4,7 1 jan-dec/2 mon", "0 0 * * 7", "5/15 * * * SUN", "60 * * * *", "0 0 30 2 *", "@every 1h", "TZ=UTC 0 0 * * *", "rate(5 minutes)", "? ? ? ? ?", "0 0 * * fri-mon", "0-59/61 * * * *", "00 3 * * *", "0 3 * * * *", "cron(0 3 * * ? *)", "+1 * * * *", "*/0 * * * *"}, cronForms...) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		problem := checkCron(text)
		if problem == "" {
			if _, err := cron.ParseStandard(text); err != nil {
				t.Fatalf("%q is taken, and Kubernetes says: %v", text, err)
			}
		} else if !strings.HasSuffix(problem, ".") && !strings.HasSuffix(problem, "?") {
			t.Fatalf("%q: not a sentence: %s", text, problem)
		}
	})
}

// FuzzFormat checks that formatting twice changes nothing more, and that it
// does not change what the manifest says.
func FuzzFormat(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.hcl")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		src, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		once := Format(src)
		if twice := Format(once); !bytes.Equal(once, twice) {
			t.Fatalf("formatted once:\n%q\nand twice:\n%q", once, twice)
		}
		within := func() *meter { return &meter{valueLimit: 1 << 20, stepLimit: 20_000} }
		before, _ := load(src, "twofold.hcl", "twofold.hcl", limited(within()))
		after, _ := load(once, "twofold.hcl", "twofold.hcl", limited(within()))
		if (before == nil) != (after == nil) {
			t.Fatalf("formatting changed whether it loads: %q", once)
		}
	})
}

// limited are options with small limits.
func limited(m *meter) Options {
	o := testOptions()
	o.limits = m
	return o
}
