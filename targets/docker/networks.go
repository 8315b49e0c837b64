package docker

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/twofoldhq/twofold/targets"
)

// ensureNetworks makes the networks of a deployment: that of its project, and the
// one on which gateways reach each other.
func (s *session) ensureNetworks(ctx context.Context, w *wanted) (err error) {
	if w.networkID, err = s.ensureNetwork(ctx, w.network, w.Key); err != nil {
		return err
	}
	w.edgeID, err = s.ensureNetwork(ctx, edgeNetwork, targets.Key{})
	return err
}

// ensureNetwork makes a network and returns its ID. An engine makes two of one name
// when it is asked twice at once; the older one counts for everybody.
func (s *session) ensureNetwork(ctx context.Context, name string, k targets.Key) (id string, err error) {
	found, err := s.networks(ctx, name)
	if err != nil {
		return "", err
	}
	if len(found) > 0 {
		return found[0].ID, nil
	}
	labels := s.target.labels(targets.Key{Project: k.Project, Environment: k.Environment}, roleNetwork)
	creating, cancel := s.lasting(ctx)
	defer cancel()
	made, err := s.NetworkCreate(creating, name, client.NetworkCreateOptions{Driver: "bridge", Labels: labels})
	if err != nil && !errdefs.IsConflict(err) && !strings.Contains(err.Error(), "already exists") {
		return "", fmt.Errorf("make network %s: %w", name, err)
	}
	if found, err = s.networks(creating, name); err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "", fmt.Errorf("network %s was removed as it was made: deploy again", name)
	}
	if made.ID != "" && made.ID != found[0].ID {
		if _, err := s.NetworkRemove(creating, made.ID, client.NetworkRemoveOptions{}); err != nil && !errdefs.IsNotFound(err) {
			return "", fmt.Errorf("remove the second network %s: %w", name, err)
		}
	}
	return found[0].ID, nil
}

// networks returns those of a name, the oldest first.
func (s *session) networks(ctx context.Context, name string) ([]network.Summary, error) {
	list, err := s.NetworkList(ctx, client.NetworkListOptions{Filters: client.Filters{}.Add("name", "^"+name+"$")})
	if err != nil {
		return nil, fmt.Errorf("list networks: %w", err)
	}
	found := slices.DeleteFunc(list.Items, func(n network.Summary) bool { return n.Name != name })
	slices.SortFunc(found, func(a, b network.Summary) int {
		if order := a.Created.Compare(b.Created); order != 0 {
			return order
		}
		return strings.Compare(a.ID, b.ID)
	})
	return found, nil
}

// sweepNetwork removes a network of ours that no container uses any more, neither
// one that runs nor one that is stopped.
func (s *session) sweepNetwork(ctx context.Context, name string) error {
	found, err := s.networks(ctx, name)
	if err != nil {
		return err
	}
	for _, n := range found {
		if n.Labels[labelRole] != roleNetwork {
			continue
		}
		users, err := s.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: client.Filters{}.Add("network", n.ID)})
		if err != nil {
			return fmt.Errorf("list the containers of network %s: %w", name, err)
		}
		if len(users.Items) > 0 {
			continue
		}
		if _, err := s.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{}); err != nil && !errdefs.IsNotFound(err) && !strings.Contains(err.Error(), "has active endpoints") {
			return fmt.Errorf("remove network %s: %w", name, err)
		}
	}
	return nil
}
