package cli

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/twofoldhq/twofold/targets"
)

// sample returns the event of that name, as the target would get it from its
// platform.
func (t *terminal) sample(x *cli.Context, info targets.Info) ([]byte, error) {
	if info.Operations.Samples == nil {
		return nil, usageError(fmt.Sprintf("%s has no samples; write the event's JSON and name it with --event", info.Address()), "")
	}
	p, err := t.loadNames(x)
	if err != nil {
		return nil, err
	}
	s, err := oneService(p.Manifest, x.Args().Slice())
	if err != nil {
		return nil, err
	}
	// All triggers count, wherever they are received: the event is the same.
	all := placement{service: s, schedules: s.Schedules, triggers: s.Triggers}
	var names []string
	for _, one := range info.Operations.Samples(all.deployment(p.Manifest, nil)) {
		if one.Name == x.String("sample") {
			return one.Event, nil
		}
		names = append(names, one.Name)
	}
	return nil, usageError(fmt.Sprintf("there is no sample %q of %q; there are %s", x.String("sample"), s.Name, strings.Join(names, ", ")), "")
}

// printSample prints a sample of the target that --to names, or of the first one of
// the service. Nothing has to be deployed.
func (t *terminal) printSample(x *cli.Context) error {
	if !x.IsSet("sample") {
		return usageError("--print prints a sample; name it with --sample", "twofold invoke --sample http --print")
	}
	p, err := t.loadNames(x)
	if err != nil {
		return err
	}
	s, err := oneService(p.Manifest, x.Args().Slice())
	if err != nil {
		return err
	}
	known, err := places(p.Manifest)
	if err != nil {
		return err
	}
	to := x.StringSlice("to")
	if len(to) == 0 {
		to = s.Targets[:1]
	}
	chosen, err := choose(known, to)
	if err != nil {
		return err
	}
	info, err := chosen[0].describe()
	if err != nil {
		return err
	}
	event, err := t.sample(x, info)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%s\n", event)
	return err
}
