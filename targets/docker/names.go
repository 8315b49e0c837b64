package docker

import (
	"crypto/sha256"
	"encoding/hex"
	"hash/fnv"
	"strings"

	"github.com/twofoldhq/twofold/targets"
)

// nameMost leaves room for what follows the name of a deployment, for containers
// are host names, and a label of those has 63 characters.
const nameMost = 46

// deploymentName is PROJECT-SERVICE-ENVIRONMENT. A longer one is cut and ends with a
// hash, the same each time.
func deploymentName(k targets.Key) string {
	return shorten(hostLabel(k.Project)+"-"+hostLabel(k.Service)+"-"+hostLabel(k.Environment), k.Project+"\x00"+k.Service+"\x00"+k.Environment)
}

// networkName is that of the network on which the services of a project find each
// other.
func networkName(k targets.Key) string {
	return shorten(hostLabel(k.Project)+"-"+hostLabel(k.Environment), k.Project+"\x00"+k.Environment)
}

func shorten(name, whole string) string {
	if len(name) <= nameMost {
		return name
	}
	sum := sha256.Sum256([]byte(whole))
	return strings.TrimRight(name[:nameMost-9], "-") + "-" + hex.EncodeToString(sum[:4])
}

// hostLabel makes a name fit for a host name.
func hostLabel(name string) string {
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

func volumeName(deployment, volume string) string { return deployment + "-" + volume }

// The ports that deployments get which name none.
const firstPort, ports = 20000, 10000

// portOf is where the search for a free port begins: the same each time, so that a
// deployment that is destroyed and made again has its old port if it can.
func portOf(deployment string) int {
	h := fnv.New32a()
	h.Write([]byte(deployment))
	return firstPort + int(h.Sum32()%ports)
}
