//go:build e2e

package lambda

import (
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets"
)

var subnetID = regexp.MustCompile(`subnet-[0-9a-f]+`)

// listenerIn makes a load balancer with one listener, as its owner has made it, and
// returns the listener's ARN. With a certificate it speaks HTTPS.
func (c *cloud) listenerIn(t *testing.T, name, certificate string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.moto+"/", strings.NewReader("Action=DescribeSubnets&Version=2016-11-15"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20261123/eu-west-1/ec2/aws4_request, SignedHeaders=host, Signature=0")
	req.Header.Set(accountHeader, c.account)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	subnets := slices.Compact(slices.Sorted(slices.Values(subnetID.FindAllString(string(body), -1))))
	if len(subnets) < 2 {
		t.Fatalf("the account has the subnets %q", subnets)
	}
	s := c.session(t)
	lb, err := s.balancers.CreateLoadBalancer(t.Context(), &elb.CreateLoadBalancerInput{Name: &name, Subnets: subnets[:2], Type: elbtypes.LoadBalancerTypeEnumApplication})
	if err != nil {
		t.Fatal(err)
	}
	in := &elb.CreateListenerInput{
		LoadBalancerArn: lb.LoadBalancers[0].LoadBalancerArn, Port: aws.Int32(80), Protocol: elbtypes.ProtocolEnumHttp,
		DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumFixedResponse, FixedResponseConfig: &elbtypes.FixedResponseActionConfig{StatusCode: aws.String("404"), ContentType: aws.String("text/plain")}}},
	}
	if certificate != "" {
		in.Port, in.Protocol, in.Certificates = aws.Int32(443), elbtypes.ProtocolEnumHttps, []elbtypes.Certificate{{CertificateArn: &certificate}}
	}
	out, err := s.balancers.CreateListener(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.Listeners[0].ListenerArn)
}

// behind returns what a deployment has behind a listener.
func (c *cloud) behind(t *testing.T, environment, listener string) *observedBalancer {
	t.Helper()
	d := deploymentOf(environment)
	o, err := c.session(t).observeBalancer(t.Context(), functionName(d.Key), ownTags(d.Key), listener)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestBalancerIsMadeMendedAndRemoved(t *testing.T) {
	c := beside(t)
	c.set(nil, healthyApp)
	ctx, s := t.Context(), c.session(t)
	zone := c.zoneOf(t, "balanced.example.com")
	others, err := s.acm.RequestCertificate(ctx, &acm.RequestCertificateInput{DomainName: aws.String("shop.example.org")})
	if err != nil {
		t.Fatal(err)
	}
	listener := c.listenerIn(t, "made", aws.ToString(others.CertificateArn))
	if _, err := s.balancers.CreateRule(ctx, &elb.CreateRuleInput{
		ListenerArn: &listener, Priority: aws.Int32(7), Conditions: []elbtypes.RuleCondition{{Field: aws.String("path-pattern"), Values: []string{"/static/*"}}},
		Actions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumFixedResponse, FixedResponseConfig: &elbtypes.FixedResponseActionConfig{StatusCode: aws.String("200"), ContentType: aws.String("text/plain")}}},
	}); err != nil {
		t.Fatal(err)
	}
	const host = "api.balanced.example.com"
	target, d := c.quick(t, schema.Values{"public": "alb", "listener": listener, "hosted_zone": zone}), hosted("balanced", host)
	c.set(issuedByRecord(), healthyApp)
	if st := deployedTwice(t, target, d); st.URL != "https://"+host {
		t.Errorf("the URL is %q", st.URL)
	}
	name := functionName(d.Key)
	b := c.behind(t, "balanced", listener)
	if !b.serves(s.aliasARN(name)) || aws.ToString(b.rules[0].Priority) != "8" || len(b.listener.certificates) != 2 {
		t.Fatalf("behind the load balancer: %+v, %+v", b, b.listener)
	}
	if got := c.recordsIn(t, zone); len(got) != 2 || !slices.ContainsFunc(got, func(r string) bool { return strings.HasPrefix(r, host+". A to ") }) {
		t.Errorf("the records are %q", got)
	}
	for _, test := range []struct {
		name, attribute string
		change          func() error
	}{
		{"rule", "domain", func() error {
			_, err := s.balancers.ModifyRule(ctx, &elb.ModifyRuleInput{RuleArn: b.rules[0].RuleArn, Conditions: []elbtypes.RuleCondition{{Field: aws.String(hostHeader), Values: []string{"www.example.com"}}}})
			return err
		}},
		{"headers", "public", func() error {
			_, err := s.balancers.ModifyTargetGroupAttributes(ctx, &elb.ModifyTargetGroupAttributesInput{
				TargetGroupArn: &b.group, Attributes: []elbtypes.TargetGroupAttribute{{Key: aws.String(multiValue), Value: aws.String("false")}},
			})
			return err
		}},
		{"health check", "public", func() error {
			_, err := s.balancers.ModifyTargetGroup(ctx, &elb.ModifyTargetGroupInput{TargetGroupArn: &b.group, HealthCheckEnabled: aws.Bool(true)})
			return err
		}},
		{"target", "public", func() error {
			_, err := s.balancers.DeregisterTargets(ctx, &elb.DeregisterTargetsInput{TargetGroupArn: &b.group, Targets: []elbtypes.TargetDescription{{Id: aws.String(s.aliasARN(name))}}})
			return err
		}},
		{"permission", "public", func() error {
			o := &observed{grants: map[string]bool{albGrant: true}}
			_, err := s.revoke(ctx, name, o, albGrant)
			return err
		}},
		{"records", "domain", func() error {
			_, err := s.unpoint(ctx, zone, host, b.listener.to)
			return err
		}},
		{"certificate", "domain", func() error {
			return s.removeCertificate(ctx, listener, b.tags[tagCertificate])
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := test.change(); err != nil {
				t.Fatal(err)
			}
			mended(t, target, d, test.attribute)
		})
	}
	// A priority that somebody chose stays.
	if _, err := s.balancers.SetRulePriorities(ctx, &elb.SetRulePrioritiesInput{RulePriorities: []elbtypes.RulePriorityPair{{RuleArn: b.rules[0].RuleArn, Priority: aws.Int32(3)}}}); err != nil {
		t.Fatal(err)
	}
	deployedTwice(t, target, d)
	if p := aws.ToString(c.behind(t, "balanced", listener).rules[0].Priority); p != "3" {
		t.Errorf("the priority is %s", p)
	}
	c.set(issuedByRecord(), healthyApp)
	d.Domain = "new.balanced.example.com"
	if st := deployedTwice(t, target, d); st.URL != "https://new.balanced.example.com" {
		t.Errorf("after a change of the domain the URL is %q", st.URL)
	}
	if got := c.recordsIn(t, zone); len(got) != 2 || len(c.certificatesIn(t)) != 2 {
		t.Errorf("the records are %q, and the certificates %q", got, c.certificatesIn(t))
	}
	t.Run("another listener, an HTTP API, and back", func(t *testing.T) {
		second := c.listenerIn(t, "second", "")
		if st := deployedTwice(t, c.quick(t, schema.Values{"public": "alb", "listener": second, "hosted_zone": zone}), d); st.URL != "http://new.balanced.example.com" {
			t.Errorf("behind HTTP the URL is %q", st.URL)
		}
		if b := c.behind(t, "balanced", listener); len(b.rules) > 0 || len(b.listener.certificates) != 1 {
			t.Errorf("the first listener still has %+v, %+v", b.rules, b.listener)
		}
		if st := deployedTwice(t, c.quick(t, schema.Values{"public": "api", "hosted_zone": zone}), d); st.URL != "https://new.balanced.example.com" {
			t.Errorf("with an API the URL is %q", st.URL)
		}
		if b := c.behind(t, "balanced", second); b.group != "" || len(b.rules) > 0 {
			t.Errorf("the second listener still has %+v", b)
		}
		deployedTwice(t, target, d)
	})
	if _, err := c.quick(t, nil).Destroy(ctx, d.Key); err != nil {
		t.Error(err)
	}
	c.nothingBalanced(t, listener, zone, 1)
}

// nothingBalanced checks that nothing of twofold is left behind a listener, and as many
// certificates of others as there were.
func (c *cloud) nothingBalanced(t *testing.T, listener, zone string, certificates int) {
	t.Helper()
	ctx, s := t.Context(), c.session(t)
	groups, err := s.balancers.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{})
	if err != nil || len(groups.TargetGroups) > 0 {
		t.Errorf("target groups are left: %v, %v", groups.TargetGroups, err)
	}
	l, err := s.observeListener(ctx, listener)
	if err != nil || l.https && len(l.certificates) != 1 {
		t.Errorf("the listener has the certificates %q, %v", l.certificates, err)
	}
	rules, err := s.balancers.DescribeRules(ctx, &elb.DescribeRulesInput{ListenerArn: &listener})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules.Rules {
		if len(hostsOf([]elbtypes.Rule{r})) > 0 {
			t.Errorf("a rule is left: %+v", r)
		}
	}
	if left := c.certificatesIn(t); len(left) != certificates {
		t.Errorf("the certificates are %q", left)
	}
	if left := c.recordsIn(t, zone); len(left) > 0 {
		t.Errorf("records are left: %q", left)
	}
}

func TestBalancerWhoseCertificateWaits(t *testing.T) {
	c := beside(t)
	c.set(nil, healthyApp)
	listener := c.listenerIn(t, "waits", c.othersCertificate(t, "shop.example.org"))
	d := deploymentOf("behind")
	url := deployedTwice(t, c.quick(t, nil), d).URL
	d.Domain = "api.behind.example.com"
	target := c.quick(t, schema.Values{"public": "alb", "listener": listener})
	c.set(unissued, healthyApp)
	if st, err := target.Deploy(t.Context(), d); err != nil || st.URL != url || !strings.Contains(st.Detail, "api.behind.example.com CNAME ") {
		t.Errorf("while it waits: %+v, %v", st, err)
	}
	c.set(nil, healthyApp)
	if st := deployedTwice(t, target, d); st.URL != "https://api.behind.example.com" {
		t.Errorf("the URL is %q", st.URL)
	}
	if _, err := target.Destroy(t.Context(), d.Key); err != nil {
		t.Error(err)
	}
	missing := c.quick(t, schema.Values{"public": "alb", "listener": strings.Replace(listener, "/app/waits/", "/app/none/", 1)})
	if _, err := missing.Deploy(t.Context(), d); err == nil || !strings.Contains(err.Error(), "there is no listener") {
		t.Errorf("a listener that is not there: %v", err)
	}
}

func TestBalancerInterrupted(t *testing.T) {
	listeners := map[string]string{}
	interruptedHosting(t, "balancer", func(t *testing.T, c *cloud, zone, host string) schema.Values {
		if listeners[c.key] == "" {
			listeners[c.key] = c.listenerIn(t, "killed", c.othersCertificate(t, "shop.example.org"))
		}
		return schema.Values{"public": "alb", "listener": listeners[c.key], "hosted_zone": zone}
	})
}

// TestPolicyAllowsWhatLetsRequestsIn deploys with each front, changes and drops it, and
// looks for each call in the policy.
func TestPolicyAllowsWhatLetsRequestsIn(t *testing.T) {
	c := beside(t)
	c.set(nil, healthyApp)
	zone := c.zoneOf(t, "policy.example.com")
	listener := c.listenerIn(t, "policy", c.othersCertificate(t, "shop.example.org"))
	for name, values := range map[string]schema.Values{
		"api": {"public": "api", "hosted_zone": zone}, "alb": {"public": "alb", "hosted_zone": zone, "listener": listener},
	} {
		t.Run(name, func(t *testing.T) {
			d, target := hosted("policy-"+name, "one.policy.example.com"), c.quick(t, values)
			for _, do := range []func(){
				func() { deployedTwice(t, target, d) },
				func() {
					d.Domain = "two.policy.example.com"
					deployedTwice(t, target, d)
				},
				func() {
					if _, err := target.Destroy(t.Context(), d.Key); err != nil {
						t.Fatal(err)
					}
				},
			} {
				c.set(issuedByRecord(), healthyApp)
				do()
				calls := c.made()
				text, err := target.policy([]targets.Deployment{d})
				if err != nil {
					t.Fatal(err)
				}
				checkPolicy(t, text, calls, c.account)
			}
		})
	}
}
