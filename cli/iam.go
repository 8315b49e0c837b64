package cli

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/twofoldhq/twofold/targets"
)

func (c *commands) iam() *cli.Command {
	return command(&cli.Command{
		Name:      "iam",
		Usage:     "the least rights that deploying needs, as a policy",
		ArgsUsage: "[SERVICE...]",
		Flags:     flags(manifestFlags(), toFlag()),
		Action: func(x *cli.Context) error {
			p, err := c.load(x)
			if err != nil {
				return err
			}
			chosen, err := services(p.Manifest, x.Args().Slice())
			if err != nil {
				return err
			}
			placed, err := placements(p.Manifest, chosen, x.StringSlice("to"))
			if err != nil {
				return err
			}
			policies, err := policiesOf(p, placed)
			if err != nil {
				return err
			}
			switch len(policies) {
			case 0:
				return usageError("no target of these services has policies; twofold targets lists what each one does", "twofold iam --to lambda.NAME")
			case 1:
				_, err := fmt.Fprintf(c.out, "%s\n", policies[0].document)
				return err
			}
			var addresses []string
			for _, one := range policies {
				addresses = append(addresses, "--to "+one.address)
			}
			return usageError("the services go to several targets that have policies; add "+strings.Join(addresses, " or "), "")
		},
	})
}

type policy struct {
	address  string
	document []byte
}

// policiesOf returns one policy a target, for those targets that have them, in the
// order in which the manifest comes to them.
func policiesOf(p *project, placed []placement) ([]policy, error) {
	var order []place
	of := map[string][]targets.Deployment{}
	for _, one := range placed {
		if len(of[one.place.address]) == 0 {
			order = append(order, one.place)
		}
		of[one.place.address] = append(of[one.place.address], one.deployment(p.Manifest, nil))
	}
	var list []policy
	for _, place := range order {
		info, err := place.describe()
		if err != nil {
			return nil, err
		}
		if info.Operations.Policy == nil {
			continue
		}
		document, err := info.Operations.Policy(of[place.address])
		if err != nil {
			return nil, err
		}
		list = append(list, policy{place.address, document})
	}
	return list, nil
}
