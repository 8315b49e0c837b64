package docker

import (
	"hash/fnv"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/names"
)

// deploymentName is PROJECT-SERVICE-ENVIRONMENT. A longer one is cut and ends with a
// hash, the same each time.
func deploymentName(k targets.Key) string { return names.Deployment(k) }

// networkName is that of the network on which the services of a project find each
// other.
func networkName(k targets.Key) string {
	return names.Shorten(hostLabel(k.Project)+"-"+hostLabel(k.Environment), k.Project+"\x00"+k.Environment, names.DeploymentMost)
}

func hostLabel(name string) string { return names.HostLabel(name) }

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
