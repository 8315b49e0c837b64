package names

import (
	"strings"
	"testing"

	"github.com/twofoldhq/twofold/targets"
)

func TestDeployment(t *testing.T) {
	long := strings.Repeat("a", 60)
	for _, c := range []struct {
		name string
		key  targets.Key
		want string
	}{
		{"plain", targets.Key{Project: "shop", Service: "api", Environment: "prod"}, "shop-api-prod"},
		{"capitals and others", targets.Key{Project: "My Shop", Service: "api_v2", Environment: "-"}, "my-shop-api-v2-x"},
		{"at the limit", targets.Key{Project: long[:36], Service: "api", Environment: "prod2"}, long[:36] + "-api-prod2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Deployment(c.key); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestLongNamesThatBeginAlikeDiffer(t *testing.T) {
	long := strings.Repeat("a", 60)
	one := Deployment(targets.Key{Project: long, Service: "api", Environment: "prod"})
	two := Deployment(targets.Key{Project: long, Service: "api", Environment: "test"})
	if len(one) > DeploymentMost || len(two) > DeploymentMost || one == two {
		t.Errorf("the names are %q and %q", one, two)
	}
}
