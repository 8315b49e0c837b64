package lambda

import (
	"strings"
	"testing"

	"github.com/twofoldhq/twofold/targets"
)

func TestNamesFitAndStayTheSame(t *testing.T) {
	long := strings.Repeat("x", 40)
	for _, test := range []struct {
		name string
		key  targets.Key
		want string
	}{
		{"short", targets.Key{Project: "shop", Service: "api", Environment: "prod"}, "shop-api-prod"},
		{"64 letters", targets.Key{Project: long, Service: strings.Repeat("y", 17), Environment: "stage"}, long + "-" + strings.Repeat("y", 17) + "-stage"},
		{"65 letters", targets.Key{Project: long, Service: strings.Repeat("y", 18), Environment: "stage"}, long + "-" + strings.Repeat("y", 14) + "-10940318"},
		{"a dot", targets.Key{Project: "shop.example", Service: "api", Environment: "prod"}, "shop-example-api-prod-438d75e2"},
	} {
		got := functionName(test.key)
		if got != test.want || len(got) > nameMost {
			t.Errorf("%s: the function is %q (%d letters), want %q", test.name, got, len(got), test.want)
		}
		if role := roleName(got, "ap-southeast-2"); len(role) > nameMost {
			t.Errorf("%s: the role is %q, %d letters", test.name, role, len(role))
		}
	}
	a := functionName(targets.Key{Project: long, Service: strings.Repeat("y", 30), Environment: "a"})
	b := functionName(targets.Key{Project: long, Service: strings.Repeat("y", 30), Environment: "b"})
	if a == b {
		t.Errorf("two environments have the function %q", a)
	}
	if roleName("f", "eu-west-1") == roleName("f", "eu-west-2") {
		t.Error("two regions share a role")
	}
}
