package conformance

import (
	"context"
	"errors"
	"slices"

	"github.com/twofoldhq/twofold/targets"
)

func checkRollback(ctx context.Context, s *suite) {
	req := targets.RollbackRequest{Key: s.key()}
	if s.Target.Info().Operations.Rollback == nil {
		if _, err := targets.Rollback(ctx, s.Target, req); !errors.Is(err, targets.ErrUnsupported) {
			s.fail("rollback is not declared (%s) and returns %v", s.operations(), err)
		}
		return
	}
	if _, err := targets.Rollback(ctx, s.Target, req); err == nil {
		s.fail("rollback of what is not deployed returns no error")
	}
	if _, ok := s.deploy(ctx, s.Releases.One); !ok {
		return
	}
	if _, err := targets.Rollback(ctx, s.Target, req); err == nil {
		s.fail("rollback with no release before returns no error")
	}
	s.serves(ctx, s.Releases.One, "one")
	if _, ok := s.deploy(ctx, s.Releases.Two); !ok {
		return
	}
	if st, ok := s.status(ctx); ok && !slices.ContainsFunc(st.Earlier, func(e targets.Earlier) bool { return e.Release == s.Releases.One.Digest }) {
		s.fail("status does not list the release before among the earlier ones: %v", st.Earlier)
	}
	s.rollsBack(ctx, req, true)
	s.serves(ctx, s.Releases.One, "one")

	req.Release = s.Releases.One.Digest
	s.rollsBack(ctx, req, false)
	req.Release = "sha256:0000"
	if _, err := targets.Rollback(ctx, s.Target, req); err == nil {
		s.fail("rollback to a release that never ran returns no error")
	}
	s.serves(ctx, s.Releases.One, "one")
	if _, ok := s.deploy(ctx, s.Releases.Two); ok {
		s.serves(ctx, s.Releases.Two, "two")
	}
}

// rollsBack goes back to the first release.
func (s *suite) rollsBack(ctx context.Context, req targets.RollbackRequest, changes bool) {
	st, err := targets.Rollback(ctx, s.Target, req)
	switch {
	case err != nil:
		s.fail("rollback to %q: %w", req.Release, err)
	case st.Release != s.Releases.One.Digest:
		s.fail("after rollback to %q, release %s serves", req.Release, st.Release)
	case st.Changed != changes:
		s.fail("rollback to %q says Changed: %v", req.Release, st.Changed)
	}
}
