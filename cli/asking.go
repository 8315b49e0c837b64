package cli

import (
	"context"
	"fmt"

	"github.com/twofoldhq/twofold/manifest"
	"github.com/twofoldhq/twofold/targets"
)

// answer is what one target says of the deployments of a filter.
type answer struct {
	target targets.Target
	list   []targets.Status
}

// ask asks the targets that the command line names, or else all of them. One that
// the command line does not name and that cannot be asked, because there are no
// credentials for it or no network, is left out with a warning, unless all matter:
// the local deployments of a project do not need the cloud to be seen.
func (t *terminal) ask(ctx context.Context, m *manifest.Manifest, to []string, f targets.Filter, all bool) ([]answer, error) {
	asked, err := openTargets(m, to)
	if err != nil {
		return nil, err
	}
	var answers []answer
	for _, target := range asked {
		list, err := target.Status(ctx, f)
		switch {
		case err == nil:
			answers = append(answers, answer{target, list})
		case ctx.Err() != nil:
			return nil, err
		case len(to) > 0 || target.Info().Plugin == localPlugin:
			return nil, err
		case all:
			return nil, withHint(fmt.Errorf("%w; what is deployed there is not known", err), "--to TARGET, to leave the other targets out")
		default:
			t.warn(fmt.Sprintf("%v; what is deployed there is not shown", err))
		}
	}
	return answers, nil
}
