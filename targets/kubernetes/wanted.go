package kubernetes

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/names"
)

// wanted puts a deployment into the cluster's terms. It looks up the Secrets that are
// referred to.
func (s *session) wanted(ctx context.Context, d targets.Deployment) (*wanted, error) {
	w, err := s.target.wanted(d, s.namespace)
	if err != nil {
		return nil, err
	}
	if err := s.needsKnative(ctx); err != nil {
		return nil, err
	}
	if w.secretsNote, err = s.secretsNote(ctx, d); err != nil {
		return nil, err
	}
	if w.envSecret, err = s.envSecretName(ctx, w); err != nil {
		return nil, err
	}
	return w, nil
}

// wanted puts a deployment into the cluster's terms as far as they are known without
// asking it.
func (t *Target) wanted(d targets.Deployment, namespace string) (*wanted, error) {
	w := &wanted{
		Deployment: d, name: names.Deployment(d.Key), namespace: namespace, target: t.info.Name,
		release: d.Release.Digest, settings: t.settings,
	}
	if w.Port == 0 {
		w.Port = defaultPort
	}
	for _, f := range d.Release.Forms {
		if f.Kind == release.Image && !slices.Contains(w.archs, f.Platform.Arch) {
			w.archs = append(w.archs, f.Platform.Arch)
		}
	}
	if len(w.archs) == 0 {
		return nil, errors.New("the release has no image")
	}
	w.image = repository(w.settings, d.Key) + "@" + w.release
	return w, nil
}

// secretsNote changes with the Secrets that a deployment refers to: pods read them when
// they start. It is an error that names a Secret which the cluster has not.
func (s *session) secretsNote(ctx context.Context, d targets.Deployment) (string, error) {
	if len(d.Secrets) == 0 {
		return "", nil
	}
	var missing []error
	sum := sha256.New()
	for _, one := range d.Secrets {
		name, key := secretKey(one)
		o, err := s.get(ctx, secrets, name)
		if err != nil {
			return "", err
		}
		if o == nil {
			missing = append(missing, fmt.Errorf("secret %q: namespace %s has no Secret %q: make it with \"kubectl create secret generic\"", one.Name, s.namespace, name))
			continue
		}
		if _, has, _ := unstructured.NestedString(o.Object, "data", key); !has {
			missing = append(missing, fmt.Errorf("secret %q: the Secret %q of namespace %s has no key %q: write from = \"%s/KEY\" with one that it has", one.Name, name, s.namespace, key, name))
			continue
		}
		fmt.Fprintf(sum, "%s\x00%s\x00%s\x00", one.Name, o.GetUID(), o.GetResourceVersion())
	}
	const length = 8
	return hex.EncodeToString(sum.Sum(nil)[:length]), errors.Join(missing...)
}

// secrets implements targets.Operations.
func (t *Target) secrets(ctx context.Context, d targets.Deployment) error {
	return t.with(fmt.Sprintf("secrets of %q", d.Service), nil, func(s *session) error {
		_, err := s.secretsNote(ctx, d)
		return err
	})
}

// envSecretName is the name of the Secret with the sensitive variables: that of the one
// with the same values, or a new one. It is never changed, so that pods of an earlier
// release keep theirs.
func (s *session) envSecretName(ctx context.Context, w *wanted) (string, error) {
	want := map[string]string{}
	for _, name := range w.Sensitive {
		if value, ok := w.Env[name]; ok {
			want[name] = base64.StdEncoding.EncodeToString([]byte(value))
		}
	}
	if len(want) == 0 {
		return "", nil
	}
	there, err := s.list(ctx, secrets, query(labelInstance, w.name, labelRole, roleApp))
	if err != nil {
		return "", err
	}
	sortByName(there)
	for _, o := range there {
		data, _, _ := unstructured.NestedStringMap(o.Object, "data")
		if o.GetDeletionTimestamp() == nil && equalMaps(data, want) {
			return o.GetName(), nil
		}
	}
	const length = 6
	return w.name + "-env-" + strings.ToLower(rand.Text()[:length]), nil
}

func equalMaps(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for name, value := range a {
		if other, ok := b[name]; !ok || other != value {
			return false
		}
	}
	return true
}

// query is a selector of labels, by pairs of names and values.
func query(pairs ...string) string {
	var list []string
	for n := 0; n+1 < len(pairs); n += 2 {
		list = append(list, pairs[n]+"="+pairs[n+1])
	}
	return strings.Join(list, ",")
}

// claims are the storage of the volumes. They stay when all else goes.
func (w *wanted) claims() (list []*unstructured.Unstructured) {
	for _, v := range w.Volumes {
		list = append(list, w.claim(v))
	}
	return list
}

// patience is how long a rollout may take: an instance from its start until it is ready,
// and all of them.
type patience struct {
	start, all time.Duration
}

func (w *wanted) patience() patience { return patience{w.Start, w.Start + rolloutSlack} }
