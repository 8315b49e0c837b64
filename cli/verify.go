package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/twofoldhq/twofold/release"
)

func (c *commands) verify() *cli.Command {
	return command(&cli.Command{
		Name:      "verify",
		Usage:     "recompute what a release claims",
		ArgsUsage: "REF",
		Description: "REF is a digest or a part of one, or a service, of the project's own store; the folder of\n" +
			"an OCI layout; or a reference in a registry, such as ghcr.io/acme/shop/api:v1.",
		Flags: []cli.Flag{manifestFlag(), jsonFlag()},
		Action: func(x *cli.Context) error {
			if x.Args().Len() != 1 {
				return usageError("verify takes one REF", "twofold verify --help")
			}
			r, closeRelease, err := c.findRelease(x, x.Args().First())
			if err != nil {
				return err
			}
			defer closeRelease()
			report, err := release.Verify(x.Context, r)
			if err != nil {
				return err
			}
			if x.Bool("json") {
				err = c.json(report)
			} else {
				err = c.writeReport(r, report)
			}
			if err == nil && !report.OK() {
				return exitCode(exitFailed)
			}
			return err
		},
	})
}

// findRelease opens the release that ref names: in a layout, in the project's own
// store, or in a registry, in that order.
func (c *commands) findRelease(x *cli.Context, ref string) (*release.Release, func(), error) {
	nothing := func() {}
	if _, err := os.Stat(filepath.Join(ref, "oci-layout")); err == nil {
		r, err := release.OpenLayout(ref, "")
		return r, nothing, err
	}
	p, err := c.load(x)
	if err == nil {
		store, err := p.store()
		if err != nil {
			return nil, nothing, err
		}
		r, err := store.Find(ref)
		if err == nil || !errors.Is(err, release.ErrNotFound) {
			return r, nothing, err
		}
	}
	if !strings.Contains(ref, "/") {
		if err != nil {
			return nil, nothing, err
		}
		return nil, nothing, withHint(fmt.Errorf("verify %q: there is no such release in this project, no such layout, and it is not a reference in a registry", ref), "twofold build")
	}
	return pull(x.Context, ref)
}

// pull fetches a release into a store of its own, removed when it is closed.
func pull(ctx context.Context, ref string) (*release.Release, func(), error) {
	dir, err := os.MkdirTemp("", "twofold-verify-")
	if err != nil {
		return nil, func() {}, err
	}
	remove := func() { os.RemoveAll(dir) }
	store, err := release.OpenStore(dir)
	if err == nil {
		var r *release.Release
		if r, err = release.Pull(ctx, ref, store); err == nil {
			return r, remove, nil
		}
	}
	remove()
	return nil, func() {}, err
}

func (t *terminal) writeReport(r *release.Release, report *release.Report) error {
	for _, f := range report.Findings {
		if _, err := fmt.Fprintf(t.out, "%s %s: %s%s\n", t.mark(f.Result), f.Subject, f.Check, detail(f)); err != nil {
			return err
		}
	}
	verdict := "verified " + r.Digest
	if !report.OK() {
		verdict = "NOT what it claims to be: " + r.Digest
	}
	_, err := fmt.Fprintln(t.out, verdict)
	return err
}

func (t *terminal) mark(r release.Result) string {
	switch r {
	case release.Pass:
		return t.style(green, "✓")
	case release.Fail:
		return t.style(red, "✗")
	}
	return t.style(dim, "·")
}

func detail(f release.Finding) string {
	if f.Detail == "" {
		return ""
	}
	return " (" + f.Detail + ")"
}
