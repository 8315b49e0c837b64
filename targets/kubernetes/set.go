package kubernetes

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/names"
)

// applySet is what a deployment consists of, and what it consisted of: it is kept in the
// ConfigMap that is the parent of the ApplySet. No value of a secret is in it: the
// Secrets with sensitive variables are named, and stay as long as something names them.
type applySet struct {
	key  targets.Key
	id   string
	name string
	// kinds is the parent's annotation.
	kinds string
	// releases are those that got ready, the one that serves first.
	releases []revision
	// underWay says that a deploy has begun and not ended.
	underWay bool
	keep     int
	exists   bool
}

// revision is a release as it ran.
type revision struct {
	Release  string           `json:"release"`
	Deployed time.Time        `json:"deployed"`
	Objects  []map[string]any `json:"objects"`
	// Secrets are the Secrets with its sensitive variables.
	Secrets []string `json:"secrets,omitempty"`
}

func (r revision) objects() (list []*unstructured.Unstructured) {
	for _, o := range r.Objects {
		list = append(list, (&unstructured.Unstructured{Object: plain(o).(map[string]any)}).DeepCopy())
	}
	return list
}

const (
	keyReleases = "releases"
	keyUnderWay = "under-way"
)

// set reads what a deployment consists of.
func (s *session) set(ctx context.Context, k targets.Key) (*applySet, error) {
	name := names.Deployment(k)
	set := &applySet{key: k, name: name, id: applySetID(name, s.namespace), keep: s.target.settings.keep}
	parent, err := s.get(ctx, configMaps, name)
	if err != nil || parent == nil {
		return set, err
	}
	if parent.GetLabels()[labelManagedBy] != managedBy {
		return nil, fmt.Errorf("there is a ConfigMap %q in namespace %s that is not twofold's: rename it, or the service", name, s.namespace)
	}
	set.exists = true
	set.kinds = parent.GetAnnotations()[setKinds]
	data, _, _ := unstructured.NestedStringMap(parent.Object, "data")
	set.underWay = data[keyUnderWay] != ""
	if data[keyReleases] != "" {
		if err := json.Unmarshal([]byte(data[keyReleases]), &set.releases); err != nil {
			return nil, fmt.Errorf("the ConfigMap %q in namespace %s was changed by hand: delete it, and deploy again: %w", name, s.namespace, err)
		}
	}
	return set, nil
}

// settled says that the last deploy has ended.
func (set *applySet) settled() bool { return set.exists && !set.underWay && len(set.releases) > 0 }

// prepare says, before anything is made, of which kinds it may be, so that the next
// deploy finds it.
func (s *session) prepare(ctx context.Context, set *applySet, objects []*unstructured.Unstructured) error {
	set.underWay = true
	return s.save(ctx, set, kindsOf(objects, set.kinds))
}

// save writes the set.
func (s *session) save(ctx context.Context, set *applySet, kinds string) error {
	text, err := json.Marshal(set.releases)
	if err != nil {
		return err
	}
	data := map[string]any{keyReleases: string(text)}
	if set.underWay {
		data[keyUnderWay] = "true"
	}
	set.kinds = kinds
	all := labels(set.key, s.target.info.Name, roleSet)
	all[setID] = set.id
	annotations := notes(set.key)
	annotations[setKinds], annotations[setTooling] = kinds, "twofold/v1"
	_, err = s.apply(ctx, &unstructured.Unstructured{Object: plain(map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"name": set.name, "namespace": s.namespace, "labels": all, "annotations": annotations},
		"data":     data,
	}).(map[string]any)}, false)
	set.exists = err == nil || set.exists
	return err
}

// newRevision is a release that runs as these objects.
func newRevision(release string, objects []*unstructured.Unstructured) revision {
	r := revision{Release: release}
	for _, o := range objects {
		if o.GetKind() == "Secret" {
			r.Secrets = append(r.Secrets, o.GetName())
			continue
		}
		r.Objects = append(r.Objects, o.Object)
	}
	return r
}

// equal says that both are the same release with the same settings.
func (r revision) equal(other revision) bool {
	one, err := json.Marshal(r.Objects)
	if err != nil {
		return false
	}
	two, err := json.Marshal(other.Objects)
	return err == nil && r.Release == other.Release && bytes.Equal(one, two)
}

// record makes a revision the one that serves. Those of the same release with the same
// settings before are forgotten, and the oldest.
func (set *applySet) record(next revision, earlier []revision) {
	next.Deployed = time.Now().UTC().Truncate(time.Second)
	set.underWay = false
	set.releases = []revision{next}
	for _, r := range earlier {
		if len(set.releases) <= set.keep && !r.equal(next) {
			set.releases = append(set.releases, r)
		}
	}
}

// kept are objects that stay though they are not of what serves: Secrets that an earlier
// release needs.
func (set *applySet) kept() (list []*unstructured.Unstructured) {
	for _, r := range set.releases {
		for _, name := range r.Secrets {
			list = append(list, &unstructured.Unstructured{Object: map[string]any{
				"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": name},
			}})
		}
	}
	return list
}

func (set *applySet) keptKinds() string {
	if len(set.kept()) > 0 {
		return "Secret"
	}
	return ""
}

// earlier are the releases to go back to.
func (set *applySet) earlier() (list []targets.Earlier) {
	for n, r := range set.releases {
		if n > 0 {
			list = append(list, targets.Earlier{Release: r.Release, Deployed: r.Deployed})
		}
	}
	return list
}

// find returns the newest earlier revision of a release, or of any, and those before it.
func (set *applySet) find(digest string) (found revision, earlier []revision, ok bool) {
	for n, r := range set.releases {
		if n > 0 && hasDigest(r.Release, digest) {
			return r, set.releases[n+1:], true
		}
	}
	return revision{}, nil, false
}

func hasDigest(digest, begin string) bool {
	return strings.HasPrefix(digest, begin) || strings.HasPrefix(strings.TrimPrefix(digest, "sha256:"), begin)
}
