package manifest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// FuzzLoad reads, evaluates and reports on any bytes, in both syntaxes: no
// panic, no hang, a manifest or errors, and every place inside the text.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"testdata/invalid/*.hcl*", "testdata/valid/*.hcl*"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range files {
			src, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src, isJSONName(path))
		}
	}
	f.Fuzz(func(t *testing.T, src []byte, isJSON bool) {
		file := "twofold.hcl"
		if isJSON {
			file = "twofold.hcl.json"
		}
		start := time.Now()
		// Small limits reach the same code in less time.
		limits := &meter{valueLimit: 1 << 20, stepLimit: 20_000}
		m, d := load(src, file, file, limited(limits))
		if d.HasErrors() != (m == nil) {
			t.Fatalf("HasErrors is %v and the manifest is %v", d.HasErrors(), m)
		}
		for _, diag := range d.All() {
			if diag.Summary == internalError {
				t.Fatal(diag.Detail)
			}
			if diag.Summary == "" || diag.Severity == "" {
				t.Fatalf("an empty diagnostic: %+v", diag)
			}
			if r := diag.Range; r != nil && (r.Start.Byte < 0 || r.Start.Line < 1 || r.Start.Column < 1 || (!isJSON && r.End.Byte > len(src)+1)) {
				t.Fatalf("a place outside of the text: %+v of %d bytes", *r, len(src))
			}
		}
		for _, o := range []TextOptions{{}, {Color: true, Width: 40}} {
			if err := d.WriteText(&bytes.Buffer{}, o); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := json.Marshal(d); err != nil {
			t.Fatal(err)
		}
		if m != nil {
			if checkName(m.Project) != "" || len(m.Services) == 0 {
				t.Fatalf("a manifest that is none: %+v", m)
			}
			for _, s := range m.Services {
				if checkName(s.Name) != "" || s.Port < 1 || s.Port > 65535 || s.Build.Builder == "" || s.Health.Path == "" || s.Health.Start <= 0 {
					t.Fatalf("a service that is none: %+v", s)
				}
				if at := m.At(s.Name, "env.NOTHING", "x", "y").All()[0]; at.Range == nil {
					t.Fatal("a service without a place")
				}
			}
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Fatalf("it took %v", took)
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
