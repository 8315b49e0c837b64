// Package names makes names that fit platforms out of those of deployments: the same
// each time, so that another machine finds what this one made.
package names

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/twofoldhq/twofold/targets"
)

// DeploymentMost leaves room for what follows the name of a deployment, for such
// names are labels of host names, and those have 63 characters.
const DeploymentMost = 46

// Deployment is PROJECT-SERVICE-ENVIRONMENT, with DeploymentMost characters at most.
func Deployment(k targets.Key) string {
	return Shorten(HostLabel(k.Project)+"-"+HostLabel(k.Service)+"-"+HostLabel(k.Environment), k.Project+"\x00"+k.Service+"\x00"+k.Environment, DeploymentMost)
}

// Shorten cuts a name that is longer than most, and ends it with a hash of whole,
// which tells it from others that begin alike.
func Shorten(name, whole string, most int) string {
	if len(name) <= most {
		return name
	}
	sum := sha256.Sum256([]byte(whole))
	return strings.TrimRight(name[:most-9], "-") + "-" + hex.EncodeToString(sum[:4])
}

// HostLabel makes a name fit for a label of a host name, but for its length.
func HostLabel(name string) string {
	label := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, name)
	if label = strings.Trim(label, "-"); label == "" {
		return "x"
	}
	return label
}
