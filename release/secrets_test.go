package release

import (
	"archive/zip"
	"bytes"
	"slices"
	"strings"
	"testing"
)

// bundleNames lists the entries at the root of a release's bundle, with x for those
// that are executable.
func bundleNames(t *testing.T, r *Release) []string {
	t.Helper()
	f, err := r.Form(Bundle, arm64)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.WriteBundle(t.Context(), f, &b); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range z.File {
		if !strings.Contains(e.Name, "/") {
			names = append(names, e.Name+map[bool]string{true: " x"}[e.Mode()&0o111 != 0])
		}
	}
	return names
}

func TestBundleOfServiceWithSecretsHoldsTheirReader(t *testing.T) {
	s, own := openStore(t, t.TempDir()), spec(t, t.TempDir())
	without := assembled(t, s, own)
	own.Secrets = true
	with := assembled(t, s, own)
	if got, want := bundleNames(t, without), []string{"bootstrap x", "twofold.json"}; !slices.Equal(got, want) {
		t.Errorf("without secrets: %q", got)
	}
	if got, want := bundleNames(t, with), []string{"bootstrap x", "twofold.json", "twofold-secrets x"}; !slices.Equal(got, want) {
		t.Errorf("with secrets: %q", got)
	}
	for i, f := range with.Forms {
		if f.Tree != without.Forms[i].Tree {
			t.Errorf("%s %s: the digest of the tree is another one", f.Kind, f.Platform)
		}
		if same := f.Digest == without.Forms[i].Digest; same != (f.Kind == Image) {
			t.Errorf("%s %s: the same form is %v", f.Kind, f.Platform, same)
		}
	}
	if again := assembled(t, s, own); again.Digest != with.Digest {
		t.Errorf("%s, and then %s", with.Digest, again.Digest)
	}
	own.Secrets = false
	if again := assembled(t, s, own); again.Digest != without.Digest {
		t.Errorf("%s, and then %s", without.Digest, again.Digest)
	}
}

func TestVerifyKnowsTheReaderOfSecrets(t *testing.T) {
	s, own := openStore(t, t.TempDir()), spec(t, t.TempDir())
	own.Secrets = true
	r := assembled(t, s, own)
	result := func() (ok bool, reader []Result) {
		report, err := Verify(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range report.Findings {
			if strings.Contains(f.Check, "reads secrets") {
				reader = append(reader, f.Result)
			}
		}
		return report.OK(), reader
	}
	if ok, reader := result(); !ok || !slices.Equal(reader, []Result{Pass, Pass}) {
		t.Errorf("%v, %v", ok, reader)
	}
	s.resolver = func(arch string) (adapter, error) {
		a, err := fakeResolver(arch)
		a.SHA256 = strings.Repeat("0", 64)
		return a, err
	}
	if ok, reader := result(); ok || !slices.Equal(reader, []Result{Fail, Fail}) {
		t.Errorf("another program of the same version: %v, %v", ok, reader)
	}
	s.resolver = func(arch string) (adapter, error) {
		a, err := fakeResolver(arch)
		a.Version = "v2"
		return a, err
	}
	if ok, reader := result(); !ok || !slices.Equal(reader, []Result{Note, Note}) {
		t.Errorf("another version: %v, %v", ok, reader)
	}
}
