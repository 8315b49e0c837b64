package docker

import (
	"encoding/json"
	"maps"
	"time"

	"github.com/moby/moby/client"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/gateway"
)

// The labels of what a deployment makes: all of the target's state, beside what the
// gateways keep.
const (
	labelProject     = "dev.twofold.project"
	labelService     = "dev.twofold.service"
	labelEnvironment = "dev.twofold.environment"
	labelTarget      = "dev.twofold.target"
	// labelRole is one of the roles below.
	labelRole = "dev.twofold.role"
	// labelRelease is the digest of the release that a container runs, and
	// labelRevision tells one rollout of it from another.
	labelRelease  = "dev.twofold.release"
	labelRevision = "dev.twofold.revision"
	// labelRoute is the gateway.Route to a revision, as JSON, to go back to it.
	labelRoute = "dev.twofold.route"
	// labelSettings tells whether a gateway's container is as it should be.
	labelSettings = "dev.twofold.settings"
)

// The roles of containers, networks and volumes.
const (
	roleApp     = "app"
	roleGateway = "gateway"
	roleEdge    = "edge"
	roleCommand = "command"
	roleVolume  = "volume"
	roleSecrets = "secrets"
	roleNetwork = "network"
	roleHelper  = "helper"
)

func (t *Target) labels(k targets.Key, role string) map[string]string {
	return map[string]string{
		labelProject: k.Project, labelService: k.Service, labelEnvironment: k.Environment,
		labelTarget: t.info.Name, labelRole: role,
	}
}

func keyOf(labels map[string]string) targets.Key {
	return targets.Key{Project: labels[labelProject], Service: labels[labelService], Environment: labels[labelEnvironment]}
}

// filters selects what belongs to this target and matches a filter, with the role if
// that is not "".
func (t *Target) filters(f targets.Filter, role string) client.Filters {
	filters := client.Filters{}.Add("label", labelTarget+"="+t.info.Name)
	for label, value := range map[string]string{
		labelProject: f.Project, labelService: f.Service, labelEnvironment: f.Environment, labelRole: role,
	} {
		if value != "" {
			filters = filters.Add("label", label+"="+value)
		}
	}
	return filters
}

func with(labels map[string]string, more ...string) map[string]string {
	all := maps.Clone(labels)
	for n := 0; n+1 < len(more); n += 2 {
		all[more[n]] = more[n+1]
	}
	return all
}

// routeOf reads the route from the labels of a container.
func routeOf(labels map[string]string) (r gateway.Route, err error) {
	err = json.Unmarshal([]byte(labels[labelRoute]), &r)
	return r, err
}

// parseTime reads a time of the engine; the zero time is one that it does not know.
func parseTime(s string) time.Time {
	t, _ := time.Parse(time.RFC3339Nano, s)
	return t
}
