package host

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/secretfile"
)

// reads runs a command that waits for its input in what is deployed, and returns when it
// does.
func reads(t *testing.T, ctx context.Context, c Client, r DeployRequest) (out *output, keys io.WriteCloser, ended chan error) {
	t.Helper()
	in, keys := io.Pipe()
	out, ended = new(output), make(chan error, 1)
	req := targets.ExecRequest{Key: r.Key, Command: []string{"./server", "copy"}}
	req.In, req.Out, req.Err = in, out, out
	go func() { ended <- c.Exec(ctx, r.Target, req) }()
	eventually(t, func() error { return out.has("app copies") })
	return out, keys, ended
}

func TestExecHasTheSecretsAndTheStatusOfWhatIsDeployed(t *testing.T) {
	for _, r := range bothForms(releases.One) {
		t.Run(r.Target, func(t *testing.T) {
			c := newClient(t)
			r.Secrets = secretfile.Values{"PASSWORD": "a value"}
			if _, err := c.Deploy(t.Context(), r, releases.One.CopyTo, nil); err != nil {
				t.Fatal(err)
			}
			out := new(output)
			req := targets.ExecRequest{Key: r.Key, Command: []string{"./server", "show", "PASSWORD"}, Streams: targets.Streams{Out: out}}
			if err := c.Exec(t.Context(), r.Target, req); err != nil {
				t.Fatal(err)
			}
			if err := out.has("app one shows a value"); err != nil {
				t.Error(err)
			}
			req.Command = []string{"./server", "fail"}
			var exit *targets.ExitError
			if err := c.Exec(t.Context(), r.Target, req); !errors.As(err, &exit) || exit.Code != 3 || exit.Command[1] != "fail" {
				t.Errorf("a command that fails: %v", err)
			}
			req.Command = nil
			if err := c.Exec(t.Context(), r.Target, req); err == nil || !strings.Contains(err.Error(), "empty") {
				t.Errorf("no command: %v", err)
			}
		})
	}
}

func TestADeployDoesNotWaitForAnExecWhoseFilesStay(t *testing.T) {
	c, r := newClient(t), request(releases.One)
	if _, err := c.Deploy(t.Context(), r, releases.One.CopyTo, nil); err != nil {
		t.Fatal(err)
	}
	out, keys, ended := reads(t, t.Context(), c, r)
	if _, err := c.Deploy(t.Context(), request(releases.Two), releases.Two.CopyTo, nil); err != nil {
		t.Fatal(err)
	}
	io.WriteString(keys, "still here\n")
	keys.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := out.has("still here"); err != nil {
		t.Error(err)
	}
	checkFiles(t, c, releases.Two)
}

func TestADestroyEndsAnExec(t *testing.T) {
	c, r, mark := newClient(t), request(releases.One), rand.Text()
	r.Spec.Env = map[string]string{"MARK": mark}
	if _, err := c.Deploy(t.Context(), r, releases.One.CopyTo, nil); err != nil {
		t.Fatal(err)
	}
	_, keys, ended := reads(t, t.Context(), c, r)
	defer keys.Close()
	if _, err := c.Destroy(t.Context(), r.Key, r.Target); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "ended while the command ran") {
		t.Errorf("the command: %v", err)
	}
	if left := processes(t, mark); len(left) > 0 {
		t.Errorf("processes %q are left", left)
	}
	checkFiles(t, c)
}
