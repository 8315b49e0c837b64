//go:build e2e

package lambda

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets"
)

// notCalled are rights that a policy has, and that no call of the tests stands for.
var notCalled = map[string]string{
	"iam:CreateServiceLinkedRole": "API Gateway makes its role with the rights of who deploys",

	"elasticloadbalancing:RemoveTags": "a certificate of a load balancer that is no longer twofold's, which no test has",

	"ec2:DescribeSecurityGroups": "Lambda looks at the network with the rights of who deploys",
	"ec2:DescribeSubnets":        "Lambda looks at the network with the rights of who deploys",
	"ec2:DescribeVpcs":           "Lambda looks at the network with the rights of who deploys",

	"ecr:BatchCheckLayerAvailability": "the registry itself asks for it, and moto has none",
	"ecr:BatchGetImage":               "the registry itself asks for it, and moto has none",
	"ecr:CompleteLayerUpload":         "the registry itself asks for it, and moto has none",
	"ecr:GetDownloadUrlForLayer":      "the registry itself asks for it, and moto has none",
	"ecr:InitiateLayerUpload":         "the registry itself asks for it, and moto has none",
	"ecr:UploadLayerPart":             "the registry itself asks for it, and moto has none",

	"elasticfilesystem:DescribeAccessPoints": "Lambda looks at the file system with the rights of who deploys",
	"elasticfilesystem:DescribeFileSystems":  "Lambda looks at the file system with the rights of who deploys",
	"elasticfilesystem:DescribeMountTargets": "Lambda looks at the file system with the rights of who deploys",
}

// checkPolicy checks that a policy allows all of the calls.
func checkPolicy(t *testing.T, text []byte, calls []call, account string) {
	t.Helper()
	policy, err := readPolicy(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, missing := range refused(policy, calls, account) {
		t.Errorf("the policy of twofold iam does not allow %s", missing)
	}
}

// TestPolicyAllowsWhatIsCalled lets deployments be deployed, changed, stated, rolled back
// and destroyed, and looks for each call in the policy.
func TestPolicyAllowsWhatIsCalled(t *testing.T) {
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			motoCloud.set(nil, healthyApp)
			in := motoCloud.sourcesIn(t)
			var calls []call
			for _, one := range append(s.before, s.after) {
				d, target := one.of(s.name, in), motoCloud.quick(t, one.settings)
				motoCloud.set(nil, healthyApp)
				if _, err := target.Deploy(t.Context(), d); err != nil {
					t.Fatal(err)
				}
				if _, err := target.Status(t.Context(), targets.Filter(d.Key)); err != nil {
					t.Fatal(err)
				}
				if _, err := target.measured(t.Context(), d.Key); err != nil {
					t.Fatal(err)
				}
				calls = append(calls, motoCloud.made()...)
			}
			d, target := s.after.of(s.name, in), motoCloud.quick(t, s.after.settings)
			motoCloud.set(nil, healthyApp)
			if len(s.before) > 0 {
				if err := rollItBack(t.Context(), target, d); err != nil {
					t.Log(err) // a scenario with one release
				}
			}
			if err := destroyIt(t.Context(), target, d); err != nil {
				t.Fatal(err)
			}
			calls = append(calls, motoCloud.made()...)
			// What a manifest drops was in its policy when it was there.
			var all []targets.Deployment
			settings := schema.Values{}
			for _, one := range append(s.before, s.after) {
				all = append(all, one.of(s.name, in))
				for name, value := range one.settings {
					settings[name] = value
				}
			}
			policy, err := motoCloud.quick(t, settings).policy(all)
			if err != nil {
				t.Fatal(err)
			}
			checkPolicy(t, policy, calls, motoCloud.account)
		})
	}
}

// unusedActions are those that policies have, and that no test has called for.
func unusedActions() []string {
	motoFront.mu.Lock()
	defer motoFront.mu.Unlock()
	var unused []string
	for action := range policyActions() {
		if !motoFront.actions[action] && notCalled[action] == "" {
			unused = append(unused, action)
		}
	}
	for action := range notCalled {
		if motoFront.actions[action] {
			unused = append(unused, action+" is in notCalled, and is called")
		}
	}
	for action := range motoFront.actions {
		if strings.HasPrefix(action, "?") {
			unused = append(unused, fmt.Sprintf("%s is a call that rights_e2e_test.go does not know", action))
		}
	}
	slices.Sort(unused)
	return slices.Compact(unused)
}

// policyActions are all that a policy can have: of a deployment and a target block that
// use everything there is.
func policyActions() map[string]bool {
	d := everythingOf("prod", sources{"orders", "uploads"})
	d.Domain = "api.example.com"
	found := map[string]bool{}
	for _, values := range []schema.Values{
		{},
		{"public": "api", "hosted_zone": "Z0123456789ABCDEFGHIJ"},
		{"public": "alb", "listener": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shop/50dc6c495c0c9188/f2f7dc8efc522ab2"},
		{"subnets": []string{"subnet-0a1b2c3d"}, "security_groups": []string{"sg-0a1b2c3d"}, "volumes": map[string]string{"data": "arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-0123456789abcdef0"}},
		{"form": "image"},
		{"role": "arn:aws:iam::123456789012:role/shop"},
	} {
		s, err := read(values)
		if err != nil {
			panic(err)
		}
		text, err := newTarget("functions", s, pace{}).policy([]targets.Deployment{d})
		if err != nil {
			panic(err)
		}
		var policy struct{ Statement []struct{ Action []string } }
		if err := json.Unmarshal(text, &policy); err != nil {
			panic(err)
		}
		for _, one := range policy.Statement {
			for _, action := range one.Action {
				found[action] = true
			}
		}
	}
	return found
}
