package lambda

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

const (
	// multiValue has a load balancer hand over every value of a header or a query.
	multiValue = "lambda.multi_value_headers.enabled"
	// albGrant is the statement that lets the target group invoke the alias.
	albGrant   = "twofold-alb"
	albService = "elasticloadbalancing.amazonaws.com"
	// tagCertificate is on a target group whose listener twofold gave a certificate.
	tagCertificate = "twofold:certificate"
	hostHeader     = "host-header"
	// On a function, from before anything of that is made: the listener, and the host
	// name of its rule; and the domain name of API Gateway.
	tagListener = "twofold:listener"
	tagHost     = "twofold:host"
	tagDomain   = "twofold:domain"
	// priorityMost is the last priority of a rule. Source: CreateRule,
	// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html
	priorityMost = 50000
)

// balancerName is the name of a function's target group: at most 32 letters, digits and
// single hyphens. Source: CreateTargetGroup,
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
func balancerName(function string) string {
	const most, digits = 32, 8
	clean := strings.ReplaceAll(function, "_", "-")
	for strings.Contains(clean, "--") {
		clean = strings.ReplaceAll(clean, "--", "-")
	}
	clean = strings.Trim(clean, "-")
	if clean != "" && clean == function && len(clean) <= most {
		return clean
	}
	sum := sha256.Sum256([]byte(function))
	return strings.Trim(strings.TrimRight(clean[:min(len(clean), most-digits-1)], "-")+"-"+hex.EncodeToString(sum[:])[:digits], "-")
}

// observedBalancer is what a deployment has behind a load balancer.
type observedBalancer struct {
	// group is the target group's ARN, with its tags.
	group    string
	tags     map[string]string
	multi    bool // headers come with all of their values
	checked  bool // the platform's own health check is on, which invokes
	targets  []string
	rules    []elbtypes.Rule // of this deployment
	listener *observedListener
	pointed  bool
}

// observedListener is the listener that has the rule, or is to have it.
type observedListener struct {
	arn          string
	https        bool
	port         int32
	certificates []string
	priorities   []int
	to           place // the load balancer
}

func (o *observedBalancer) place() place {
	if o == nil || o.listener == nil {
		return place{}
	}
	return o.listener.to
}

// url is where requests for a host name go.
func (l *observedListener) url(host string) string {
	scheme, usual := "http", int32(80)
	if l.https {
		scheme, usual = "https", 443
	}
	if l.port != usual {
		host += ":" + strconv.Itoa(int(l.port))
	}
	return scheme + "://" + host
}

// observeBalancer looks at the target group of a function, and at a listener.
func (s *session) observeBalancer(ctx context.Context, name string, tags map[string]string, listener string) (*observedBalancer, error) {
	o := &observedBalancer{pointed: true}
	group := balancerName(name)
	out, err := s.balancers.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{Names: []string{group}})
	if err != nil && !gone(err) {
		return nil, problem("read target group", group, err)
	}
	if err == nil && len(out.TargetGroups) > 0 {
		if err := s.observeGroupOf(ctx, o, out.TargetGroups[0], tags); err != nil {
			return nil, err
		}
	}
	if o.listener, err = s.observeListener(ctx, listener); err != nil || o.listener == nil {
		return o, err
	}
	return o, s.observeRules(ctx, o, tags)
}

func (s *session) observeGroupOf(ctx context.Context, o *observedBalancer, group elbtypes.TargetGroup, tags map[string]string) error {
	o.group, o.checked = aws.ToString(group.TargetGroupArn), aws.ToBool(group.HealthCheckEnabled)
	all, err := s.balancerTags(ctx, o.group)
	if err != nil {
		return err
	}
	if o.tags = all[o.group]; !covers(o.tags, tags) {
		return fmt.Errorf("there is a target group %q that is not this deployment's: rename it or the service", aws.ToString(group.TargetGroupName))
	}
	attributes, err := s.balancers.DescribeTargetGroupAttributes(ctx, &elb.DescribeTargetGroupAttributesInput{TargetGroupArn: &o.group})
	if err != nil {
		return problem("read target group", o.group, err)
	}
	for _, a := range attributes.Attributes {
		o.multi = o.multi || aws.ToString(a.Key) == multiValue && aws.ToString(a.Value) == "true"
	}
	health, err := s.balancers.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: &o.group})
	if err != nil {
		return problem("read the targets of target group", o.group, err)
	}
	for _, t := range health.TargetHealthDescriptions {
		if t.Target != nil {
			o.targets = append(o.targets, aws.ToString(t.Target.Id))
		}
	}
	return nil
}

// balancerTags are the tags of target groups and rules, by their ARNs.
func (s *session) balancerTags(ctx context.Context, arns ...string) (map[string]map[string]string, error) {
	found := map[string]map[string]string{}
	for part := range slices.Chunk(arns, 20) { // DescribeTags takes no more
		out, err := s.balancers.DescribeTags(ctx, &elb.DescribeTagsInput{ResourceArns: part})
		if err != nil {
			return nil, problem("read the tags of", strings.Join(part, ", "), err)
		}
		for _, one := range out.TagDescriptions {
			tags := map[string]string{}
			for _, tag := range one.Tags {
				tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
			}
			found[aws.ToString(one.ResourceArn)] = tags
		}
	}
	return found, nil
}

// observeListener returns nil for a listener that is gone.
func (s *session) observeListener(ctx context.Context, arn string) (*observedListener, error) {
	out, err := s.balancers.DescribeListeners(ctx, &elb.DescribeListenersInput{ListenerArns: []string{arn}})
	if gone(err) || err == nil && len(out.Listeners) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, problem("read listener", arn, err)
	}
	one := out.Listeners[0]
	l := &observedListener{arn: arn, https: one.Protocol == elbtypes.ProtocolEnumHttps, port: aws.ToInt32(one.Port)}
	balancer, err := s.balancers.DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{LoadBalancerArns: []string{aws.ToString(one.LoadBalancerArn)}})
	if gone(err) || err == nil && len(balancer.LoadBalancers) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, problem("read load balancer", aws.ToString(one.LoadBalancerArn), err)
	}
	lb := balancer.LoadBalancers[0]
	l.to = place{aws.ToString(lb.DNSName), aws.ToString(lb.CanonicalHostedZoneId), strings.HasPrefix(string(lb.IpAddressType), "dualstack")}
	if !l.https {
		return l, nil
	}
	for in := (&elb.DescribeListenerCertificatesInput{ListenerArn: &arn}); ; {
		page, err := s.balancers.DescribeListenerCertificates(ctx, in)
		if err != nil {
			return nil, problem("read the certificates of listener", arn, err)
		}
		for _, c := range page.Certificates {
			l.certificates = append(l.certificates, aws.ToString(c.CertificateArn))
		}
		if aws.ToString(page.NextMarker) == "" {
			return l, nil
		}
		in.Marker = page.NextMarker
	}
}

// observeRules reads the rules of the listener, and keeps those of the deployment.
func (s *session) observeRules(ctx context.Context, o *observedBalancer, tags map[string]string) error {
	var rules []elbtypes.Rule
	var arns []string
	pages := elb.NewDescribeRulesPaginator(s.balancers, &elb.DescribeRulesInput{ListenerArn: &o.listener.arn})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return problem("read the rules of listener", o.listener.arn, err)
		}
		for _, r := range page.Rules {
			if n, err := strconv.Atoi(aws.ToString(r.Priority)); err == nil {
				o.listener.priorities = append(o.listener.priorities, n)
				rules, arns = append(rules, r), append(arns, aws.ToString(r.RuleArn))
			}
		}
	}
	if len(arns) == 0 {
		return nil
	}
	all, err := s.balancerTags(ctx, arns...)
	if err != nil {
		return err
	}
	for _, r := range rules {
		if covers(all[aws.ToString(r.RuleArn)], tags) {
			o.rules = append(o.rules, r)
		}
	}
	slices.SortFunc(o.rules, func(a, b elbtypes.Rule) int { return strings.Compare(aws.ToString(a.RuleArn), aws.ToString(b.RuleArn)) })
	return nil
}

// directs reports whether a rule hands the requests for a host name, all of them and no
// others, to the target group.
func (o *observedBalancer) directs(r elbtypes.Rule, host string) bool {
	if len(r.Conditions) != 1 || len(r.Actions) != 1 {
		return false
	}
	c, a := r.Conditions[0], r.Actions[0]
	names := c.Values
	if c.HostHeaderConfig != nil {
		names = c.HostHeaderConfig.Values
	}
	return aws.ToString(c.Field) == hostHeader && len(names) == 1 && strings.EqualFold(names[0], host) &&
		a.Type == elbtypes.ActionTypeEnumForward && forwardsTo(a) == o.group
}

func forwardsTo(a elbtypes.Action) string {
	if a.TargetGroupArn != nil {
		return *a.TargetGroupArn
	}
	if a.ForwardConfig != nil && len(a.ForwardConfig.TargetGroups) == 1 {
		return aws.ToString(a.ForwardConfig.TargetGroups[0].TargetGroupArn)
	}
	return ""
}

// serves reports whether requests for one host name reach the function through the load
// balancer, as far as that decides it.
func (o *observedBalancer) serves(function string) bool {
	if o == nil || o.group == "" || o.listener == nil || !o.multi || o.checked || len(o.targets) != 1 || o.targets[0] != function || len(o.rules) != 1 {
		return false
	}
	hosts := hostsOf(o.rules)
	return len(hosts) == 1 && o.directs(o.rules[0], hosts[0])
}

// certified reports whether the listener has the certificate that twofold gave it, and
// the one of the target block. An HTTP listener needs none.
func (o *observedBalancer) certified(given string) bool {
	if o.listener == nil || !o.listener.https {
		return true
	}
	for _, arn := range []string{o.tags[tagCertificate], given} {
		if arn != "" && !slices.Contains(o.listener.certificates, arn) {
			return false
		}
	}
	return true
}

// domainAttribute is what a plan says of the host name behind a load balancer.
func (o *observedBalancer) domainAttribute(w *wanted) string {
	switch {
	case o == nil || len(o.rules) == 0:
		return ""
	case !o.directs(o.rules[0], w.domain):
		return "another host name, or another target"
	case !o.certified(w.certificate):
		return w.domain + ", without its certificate"
	case !o.pointed:
		return w.domain + ", without its records"
	}
	return w.domain
}
