package release

import (
	"context"
	"testing"
)

func TestAssembledReleaseIsVerified(t *testing.T) {
	s := openStore(t, t.TempDir())
	r := assembled(t, s, spec(t, t.TempDir()))
	report, err := Verify(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		t.Logf("%s: %s: %s %s", f.Result, f.Subject, f.Check, f.Detail)
	}
	if !report.OK() {
		t.Error("it is not as it should be")
	}
	for _, f := range r.Forms {
		dir := t.TempDir()
		u, err := r.Unpack(context.Background(), f, dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%+v", u)
	}
}
