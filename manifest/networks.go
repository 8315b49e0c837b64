package manifest

import (
	"fmt"
	"math/big"
	"net"

	"github.com/apparentlymart/go-cidr/cidr"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/gocty"
)

// networkFunctions calculate with ranges of IP addresses, such as 10.0.0.0/16.
func networkFunctions() map[string]function.Function {
	return map[string]function.Function{
		"cidrhost":    cidrHost(),
		"cidrnetmask": cidrNetmask(),
		"cidrsubnet":  cidrSubnet(),
	}
}

func parseNetwork(text string) (*net.IPNet, error) {
	_, network, err := net.ParseCIDR(text)
	if err != nil {
		return nil, function.NewArgErrorf(0, "%q is no range of addresses. Write it as 10.0.0.0/16", text)
	}
	return network, nil
}

func cidrHost() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "range", Type: cty.String}, {Name: "number", Type: cty.Number}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			network, err := parseNetwork(args[0].AsString())
			if err != nil {
				return cty.NilVal, err
			}
			var number *big.Int
			if err := gocty.FromCtyValue(args[1], &number); err != nil {
				return cty.NilVal, function.NewArgErrorf(1, "a whole number is wanted")
			}
			address, err := cidr.HostBig(network, number)
			if err != nil {
				return cty.NilVal, function.NewArgErrorf(1, "%s has no address of the number %s", network, number)
			}
			return cty.StringVal(address.String()), nil
		},
	})
}

func cidrNetmask() function.Function {
	return textFunction([]string{"range"}, cty.String, func(s []string) (cty.Value, error) {
		network, err := parseNetwork(s[0])
		if err != nil {
			return cty.NilVal, err
		}
		if network.IP.To4() == nil {
			return cty.NilVal, function.NewArgErrorf(0, "%s is IPv6, which has no netmasks", network)
		}
		return cty.StringVal(net.IP(network.Mask).String()), nil
	})
}

func cidrSubnet() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "range", Type: cty.String}, {Name: "bits", Type: cty.Number}, {Name: "number", Type: cty.Number}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			network, err := parseNetwork(args[0].AsString())
			if err != nil {
				return cty.NilVal, err
			}
			var bits int
			var number *big.Int
			if err := gocty.FromCtyValue(args[1], &bits); err != nil || bits < 0 {
				return cty.NilVal, function.NewArgErrorf(1, "a whole number of at least 0 is wanted")
			}
			if err := gocty.FromCtyValue(args[2], &number); err != nil || number.Sign() < 0 {
				return cty.NilVal, function.NewArgErrorf(2, "a whole number of at least 0 is wanted")
			}
			ones, all := network.Mask.Size()
			if bits > all-ones || number.BitLen() > bits {
				return cty.NilVal, fmt.Errorf("%s has no part number %s that is %d bits longer", network, number, bits)
			}
			part, err := cidr.SubnetBig(network, bits, number)
			if err != nil {
				return cty.NilVal, err
			}
			return cty.StringVal(part.String()), nil
		},
	})
}
