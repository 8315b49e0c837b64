package kubernetes

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestRevisionsAreTheWaysBack(t *testing.T) {
	// A revision is a release and, after a slash, what it is set to.
	revisionOf := func(text string) revision {
		release, value, _ := strings.Cut(text, "/")
		return newRevision(release, []*unstructured.Unstructured{{Object: map[string]any{"kind": "Deployment", "value": value}}})
	}
	for _, c := range []struct {
		name, serve, earlier, want string
	}{
		{"the first", "a", "", "a"},
		{"the one before is kept", "b", "a", "b a"},
		{"the oldest is forgotten", "d", "c b a", "d c b"},
		{"the same again is no way back", "b", "b a", "b a"},
		{"the same from before is moved", "a", "c b a", "a c b"},
		{"the same release with other settings is a way back", "a/2", "a/1", "a/2 a/1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := &applySet{keep: 2, underWay: true}
			var earlier []revision
			for _, text := range strings.Fields(c.earlier) {
				earlier = append(earlier, revisionOf(text))
			}
			set.record(revisionOf(c.serve), earlier)
			var got []string
			for _, r := range set.releases {
				text := r.Release
				if value := r.Objects[0]["value"].(string); value != "" {
					text += "/" + value
				}
				got = append(got, text)
			}
			if is := strings.Join(got, " "); is != c.want || set.underWay {
				t.Errorf("the revisions are %q (under way: %t), want %q", is, set.underWay, c.want)
			}
		})
	}
}
