package lambda

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// makeBalanced lets the requests of a host name come through a rule of a load balancer's
// listener. It reports whether they do: not while the certificate waits for its
// validation, when the next deploy goes on.
func (h *hosting) makeBalanced(ctx context.Context, w *wanted, o *observed) (serves, changed bool, err error) {
	s := h.session
	did := func(now bool, err error) error {
		changed = changed || now
		return err
	}
	if w.domain == "" {
		return false, false, fmt.Errorf("a rule of a load balancer needs a host name: write domain in the service")
	}
	if before := o.marks[tagListener]; before != "" && before != w.listener {
		// A target group belongs to one load balancer.
		if err := did(h.dropBalanced(ctx, before, w.zone, o.marks[tagHost], w.domain)); err != nil {
			return false, changed, err
		}
		o.balancer = nil
	}
	before := o.marks[tagHost]
	if before == "" {
		before = w.domain
	}
	if err := did(s.mark(ctx, w.name, o, tagListener, w.listener, tagHost, before)); err != nil {
		return false, changed, err
	}
	b := o.balancer
	if b == nil || b.listener == nil {
		if b, err = s.observeBalancer(ctx, w.name, w.tags, w.listener); err != nil {
			return false, changed, err
		}
		o.balancer = b
	}
	if b.listener == nil {
		return false, changed, fmt.Errorf("there is no listener %q: mend listener in the target block; aws elbv2 describe-listeners --load-balancer-arn ARN prints the ARNs", w.listener)
	}
	if err := did(s.makeTargetGroup(ctx, w, b)); err != nil {
		return false, changed, err
	}
	if err := did(s.grant(ctx, w.name, o, albGrant, albService, b.group)); err != nil {
		return false, changed, err
	}
	if err := did(s.makeTargets(ctx, w, b)); err != nil {
		return false, changed, err
	}
	certificate := ""
	if b.listener.https {
		arn, waits, requested, err := h.certificateFor(ctx, w, b.listener.certificates...)
		if err := did(requested, err); err != nil {
			return false, changed, err
		}
		if waits != nil {
			h.tellValidation(w, *waits)
			return false, changed, nil
		}
		certificate = arn
		if err := did(h.addCertificate(ctx, b, certificate)); err != nil {
			return false, changed, err
		}
	}
	fresh := len(b.rules) == 0
	if err := did(s.makeRule(ctx, w, b)); err != nil {
		return false, changed, err
	}
	if err := did(h.makeBalancedRecords(ctx, w, b, o)); err != nil {
		return false, changed, err
	}
	if fresh && w.zone == "" {
		h.say(true, "%s leads nowhere until its DNS has this record: %s", w.domain, recordText(w.domain, b.listener.to))
	}
	if err := did(h.dropCertificates(ctx, w.domain, certificate)); err != nil {
		return true, changed, err
	}
	if before == w.domain {
		return true, changed, nil
	}
	if err := did(h.dropHost(ctx, b, before, w.zone)); err != nil {
		return true, changed, err
	}
	return true, changed, did(s.mark(ctx, w.name, o, tagHost, w.domain))
}

// dropHost removes the records of a host name that leads to the load balancer no more, and
// the certificate that was requested for it.
func (h *hosting) dropHost(ctx context.Context, b *observedBalancer, host, zone string) (bool, error) {
	changed := false
	for _, one := range zones(b.tags[tagZone], zone) {
		now, err := h.session.unpoint(ctx, one, host, b.place())
		if changed = changed || now; err != nil {
			return changed, err
		}
	}
	dropped, err := h.dropCertificates(ctx, host, "")
	return changed || dropped, err
}

func balancerTagList(tags map[string]string) []elbtypes.Tag {
	var list []elbtypes.Tag
	for _, name := range sorted(tags) {
		list = append(list, elbtypes.Tag{Key: aws.String(name), Value: aws.String(tags[name])})
	}
	return list
}

// makeTargetGroup makes the target group, whose health check is off: it would invoke the
// function every half minute, and a version has answered its health path already.
func (s *session) makeTargetGroup(ctx context.Context, w *wanted, b *observedBalancer) (bool, error) {
	changed, name := false, balancerName(w.name)
	if b.group == "" {
		out, err := s.balancers.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{
			Name: &name, TargetType: elbtypes.TargetTypeEnumLambda, HealthCheckEnabled: aws.Bool(false), Tags: balancerTagList(w.tags),
		})
		if err != nil {
			return false, problem("create target group", name, err)
		}
		if len(out.TargetGroups) == 0 {
			return true, fmt.Errorf("target group %q: %w", name, errMoved)
		}
		b.group, b.tags, b.checked, changed = aws.ToString(out.TargetGroups[0].TargetGroupArn), w.tags, false, true
	}
	if b.checked {
		_, err := s.balancers.ModifyTargetGroup(ctx, &elb.ModifyTargetGroupInput{TargetGroupArn: &b.group, HealthCheckEnabled: aws.Bool(false)})
		if err != nil {
			return changed, problem("update target group", name, err)
		}
		changed = true
	}
	if !b.multi {
		_, err := s.balancers.ModifyTargetGroupAttributes(ctx, &elb.ModifyTargetGroupAttributesInput{
			TargetGroupArn: &b.group, Attributes: []elbtypes.TargetGroupAttribute{{Key: aws.String(multiValue), Value: aws.String("true")}},
		})
		if err != nil {
			return changed, problem("update target group", name, err)
		}
		changed = true
	}
	return changed, nil
}

// makeTargets makes the alias the one target of the group.
func (s *session) makeTargets(ctx context.Context, w *wanted, b *observedBalancer) (bool, error) {
	alias, changed := s.aliasARN(w.name), false
	for _, other := range b.targets {
		if other == alias {
			continue
		}
		_, err := s.balancers.DeregisterTargets(ctx, &elb.DeregisterTargetsInput{TargetGroupArn: &b.group, Targets: []elbtypes.TargetDescription{{Id: &other}}})
		if err != nil {
			return changed, problem("take a target from target group", b.group, err)
		}
		changed = true
	}
	if slices.Contains(b.targets, alias) {
		return changed, nil
	}
	_, err := s.balancers.RegisterTargets(ctx, &elb.RegisterTargetsInput{TargetGroupArn: &b.group, Targets: []elbtypes.TargetDescription{{Id: &alias}}})
	if err != nil {
		return changed, problem("make the function a target of target group", b.group, err)
	}
	return true, nil
}

// addCertificate gives the listener a certificate that it does not have, and remembers
// that it was twofold. One that twofold gave it before is taken away.
func (h *hosting) addCertificate(ctx context.Context, b *observedBalancer, arn string) (bool, error) {
	s, before := h.session, b.tags[tagCertificate]
	changed := false
	if !slices.Contains(b.listener.certificates, arn) {
		if before == "" {
			if err := s.tagBalancer(ctx, b, tagCertificate, arn); err != nil {
				return false, err
			}
		}
		_, err := s.balancers.AddListenerCertificates(ctx, &elb.AddListenerCertificatesInput{
			ListenerArn: &b.listener.arn, Certificates: []elbtypes.Certificate{{CertificateArn: &arn}},
		})
		if err != nil {
			return false, problem("give a certificate to listener", b.listener.arn, err)
		}
		changed = true
	}
	if before == "" || before == arn {
		return changed, nil
	}
	if err := s.removeCertificate(ctx, b.listener.arn, before); err != nil {
		return changed, err
	}
	if changed {
		return true, s.tagBalancer(ctx, b, tagCertificate, arn)
	}
	_, err := s.balancers.RemoveTags(ctx, &elb.RemoveTagsInput{ResourceArns: []string{b.group}, TagKeys: []string{tagCertificate}})
	if err != nil {
		return true, problem("remove a tag of target group", b.group, err)
	}
	return true, nil
}

func (s *session) tagBalancer(ctx context.Context, b *observedBalancer, name, value string) error {
	_, err := s.balancers.AddTags(ctx, &elb.AddTagsInput{ResourceArns: []string{b.group}, Tags: balancerTagList(map[string]string{name: value})})
	if err != nil {
		return problem("tag target group", b.group, err)
	}
	return nil
}

func (s *session) removeCertificate(ctx context.Context, listener, arn string) error {
	_, err := s.balancers.RemoveListenerCertificates(ctx, &elb.RemoveListenerCertificatesInput{
		ListenerArn: &listener, Certificates: []elbtypes.Certificate{{CertificateArn: &arn}},
	})
	if err != nil && !gone(err) {
		return problem("take a certificate from listener", listener, err)
	}
	return nil
}

// makeRule makes the one rule of the deployment. It keeps its priority, whoever chose it.
func (s *session) makeRule(ctx context.Context, w *wanted, b *observedBalancer) (bool, error) {
	changed := false
	conditions := []elbtypes.RuleCondition{{Field: aws.String(hostHeader), HostHeaderConfig: &elbtypes.HostHeaderConditionConfig{Values: []string{w.domain}}}}
	actions := []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: &b.group}}
	if len(b.rules) == 0 {
		priority, err := freePriority(b.listener.priorities)
		if err != nil {
			return false, fmt.Errorf("listener %q: %w", b.listener.arn, err)
		}
		_, err = s.balancers.CreateRule(ctx, &elb.CreateRuleInput{
			ListenerArn: &b.listener.arn, Priority: &priority, Conditions: conditions, Actions: actions, Tags: balancerTagList(w.tags),
		})
		if err != nil {
			return false, problem("create a rule of listener", b.listener.arn, err)
		}
		return true, nil
	}
	if rule := b.rules[0]; !b.directs(rule, w.domain) {
		if _, err := s.balancers.ModifyRule(ctx, &elb.ModifyRuleInput{RuleArn: rule.RuleArn, Conditions: conditions, Actions: actions}); err != nil {
			return false, problem("update a rule of listener", b.listener.arn, err)
		}
		changed = true
	}
	for _, twin := range b.rules[1:] {
		if err := s.deleteRule(ctx, aws.ToString(twin.RuleArn)); err != nil {
			return changed, err
		}
		changed = true
	}
	return changed, nil
}

func (s *session) deleteRule(ctx context.Context, arn string) error {
	_, err := s.balancers.DeleteRule(ctx, &elb.DeleteRuleInput{RuleArn: &arn})
	if err != nil && !gone(err) {
		return problem("delete rule", arn, err)
	}
	return nil
}

// freePriority is the one behind all rules that are there, so that they keep what they
// take; or, if there is none, the last one that is free.
func freePriority(taken []int) (int32, error) {
	last := 0
	if len(taken) > 0 {
		last = slices.Max(taken)
	}
	if last < priorityMost {
		return int32(last + 1), nil
	}
	for n := priorityMost; n > 0; n-- {
		if !slices.Contains(taken, n) {
			return int32(n), nil
		}
	}
	return 0, fmt.Errorf("it has a rule of each priority from 1 to %s: delete one", strconv.Itoa(priorityMost))
}

// makeBalancedRecords lets the host name lead to the load balancer, in the hosted zone of
// the target block.
func (h *hosting) makeBalancedRecords(ctx context.Context, w *wanted, b *observedBalancer, o *observed) (bool, error) {
	s, zone := h.session, w.zone
	if zone == "" {
		return false, nil
	}
	var own place
	if o.domain != nil && o.domain.known && covers(o.domain.tags, w.tags) {
		own = o.domain.to
	}
	remember := func() error { return s.tagBalancer(ctx, b, tagZone, zone) }
	return s.point(ctx, w.domain, b.listener.to, b.tags[tagZone], zone, remember, own)
}

// dropBalanced removes a deployment from a listener, with the target group, the records
// of its host names, and the certificate that was requested for them, but for the host
// name that is kept.
func (h *hosting) dropBalanced(ctx context.Context, listener, zone, host, kept string) (bool, error) {
	s := h.session
	b, err := s.observeBalancer(ctx, h.name, h.tags, listener)
	if err != nil {
		return false, err
	}
	changed := false
	hosts := hostsOf(b.rules)
	if host != "" && !slices.Contains(hosts, host) {
		hosts = append(hosts, host)
	}
	for _, name := range hosts {
		for _, one := range zones(b.tags[tagZone], zone) {
			if _, err := s.unpoint(ctx, one, name, b.place()); err != nil {
				return changed, err
			}
		}
	}
	for _, rule := range b.rules {
		changed = true
		if err := s.deleteRule(ctx, aws.ToString(rule.RuleArn)); err != nil {
			return true, err
		}
	}
	if arn := b.tags[tagCertificate]; arn != "" && b.listener != nil {
		if err := s.removeCertificate(ctx, listener, arn); err != nil {
			return true, err
		}
	}
	for _, name := range hosts {
		if name == kept {
			continue
		}
		dropped, err := h.dropCertificates(ctx, name, "")
		if changed = changed || dropped; err != nil {
			return changed, err
		}
	}
	if b.group == "" {
		return changed, nil
	}
	return true, h.deleteTargetGroup(ctx, b.group)
}

// hostsOf are the host names of rules.
func hostsOf(rules []elbtypes.Rule) []string {
	var hosts []string
	for _, r := range rules {
		for _, c := range r.Conditions {
			if aws.ToString(c.Field) != hostHeader {
				continue
			}
			if c.HostHeaderConfig != nil {
				hosts = append(hosts, c.HostHeaderConfig.Values...)
			} else {
				hosts = append(hosts, c.Values...)
			}
		}
	}
	for i := range hosts {
		hosts[i] = strings.ToLower(hosts[i])
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// deleteTargetGroup waits until no rule uses the group any more.
func (h *hosting) deleteTargetGroup(ctx context.Context, arn string) error {
	return h.until(ctx, fmt.Sprintf("target group %q to be used by no rule", arn), func() (bool, error) {
		_, err := h.session.balancers.DeleteTargetGroup(ctx, &elb.DeleteTargetGroupInput{TargetGroupArn: &arn})
		switch {
		case err == nil || gone(err):
			return true, nil
		case code(err) == "ResourceInUse":
			return false, nil
		}
		return false, problem("delete target group", arn, err)
	})
}
