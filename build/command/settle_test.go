package command

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/twofoldhq/twofold/build/tree"
)

// A run must not begin within the tick of the clock in which an input was written:
// a second write in that tick would look like the first.
func TestRunWaitsForTheClock(t *testing.T) {
	p := newProject(t, map[string]string{"src/server.js": ""})
	p.must(os.MkdirAll(p.WorkDir, 0o755))
	s, err := read(p.Request)
	p.must(err)
	o := s.forPlatform(amd64, p.Request)
	for i := range 20 {
		p.write("src/server.js", "changed")
		inputs, settled, err := o.settledInputs(t.Context())
		p.must(err)
		stamp, err := os.Lstat(filepath.Join(p.WorkDir, "stamp"))
		p.must(err)
		if !settled || !tree.ChangedBefore(inputs, stamp) {
			t.Fatalf("round %d: settled is %v, input %s, stamp %s", i, settled, tree.IdentityOf(inputs[0].Info), tree.IdentityOf(stamp))
		}
	}
}
