package lambda

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	gatewaytypes "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/twofoldhq/twofold/targets"
)

// hosting is the work on the host name of a deployment.
type hosting struct {
	*Target
	session *session
	name    string // of the function
	tags    map[string]string
	say     func(warning bool, format string, args ...any)
}

func (t *Target) hosting(s *session, k targets.Key, events func(targets.Event)) *hosting {
	d := targets.Deployment{Events: events}
	return &hosting{t, s, functionName(k), ownTags(k), func(warning bool, format string, args ...any) { say(d, warning, format, args...) }}
}

// observedDomain is a domain name of API Gateway.
type observedDomain struct {
	host string
	// known: API Gateway has it.
	known bool
	tags  map[string]string
	// certificate is its certificate's ARN, to is where its records lead.
	certificate string
	to          place
	// right: it is regional, is reached over IPv6 as well, and takes nothing older than
	// TLS 1.2. ready: it can be changed, and serves.
	right, ready bool
	// mapping is that of all of the paths, if any.
	mapping *gatewaytypes.ApiMapping
	// pointed: the records of its hosted zone are as they should be, where twofold
	// writes them.
	pointed bool
}

// observeDomain looks at a host name, and at its records in a hosted zone where that is
// given.
func (s *session) observeDomain(ctx context.Context, host, zone string) (*observedDomain, error) {
	o := &observedDomain{host: host, pointed: true}
	out, err := s.gateway.GetDomainName(ctx, &apigatewayv2.GetDomainNameInput{DomainName: &host})
	if gone(err) {
		return o, nil
	}
	if err != nil {
		return nil, problem("read domain name", host, err)
	}
	o.known, o.tags = true, out.Tags
	if len(out.DomainNameConfigurations) > 0 {
		c := out.DomainNameConfigurations[0]
		o.certificate = aws.ToString(c.CertificateArn)
		o.to = place{aws.ToString(c.ApiGatewayDomainName), aws.ToString(c.HostedZoneId), c.IpAddressType == gatewaytypes.IpAddressTypeDualstack}
		o.right = o.to.six && c.EndpointType == gatewaytypes.EndpointTypeRegional && c.SecurityPolicy == gatewaytypes.SecurityPolicyTls12
		o.ready = c.DomainNameStatus == gatewaytypes.DomainNameStatusAvailable
	}
	for in := (&apigatewayv2.GetApiMappingsInput{DomainName: &host}); ; {
		page, err := s.gateway.GetApiMappings(ctx, in)
		if err != nil {
			return nil, problem("read what is mapped to domain name", host, err)
		}
		for _, one := range page.Items {
			if aws.ToString(one.ApiMappingKey) == "" {
				o.mapping = &one
			}
		}
		if aws.ToString(page.NextToken) == "" {
			break
		}
		in.NextToken = page.NextToken
	}
	if zone != "" {
		records, err := s.recordsOf(ctx, zone, host)
		if err != nil {
			return nil, err
		}
		o.pointed = pointed(records, o.to)
	}
	return o, nil
}

// serves reports whether requests for the host name reach an API.
func (o *observedDomain) serves(api *observedAPI) bool {
	return o != nil && o.known && api != nil && o.mapped(api.id)
}

func (o *observedDomain) mapped(api string) bool {
	return o.mapping != nil && aws.ToString(o.mapping.ApiId) == api && aws.ToString(o.mapping.Stage) == everything
}

// domainAttribute is what a plan says of the host name that is there.
func (o *observed) domainAttribute(w *wanted) string {
	d := o.domain
	switch {
	case o.balancer != nil && (w.public == publicALB || d == nil):
		return o.balancer.domainAttribute(w)
	case d == nil:
		return ""
	case !d.known:
		return d.host + ", which waits for its certificate"
	case !d.serves(o.api) || !d.right || !covers(d.tags, w.tags) || w.certificate != "" && d.certificate != w.certificate:
		return d.host + otherwise
	case !d.pointed:
		return d.host + ", without its records"
	}
	return d.host
}

// makeDomain lets the requests of a host name come to the HTTP API. While the
// certificate waits for its validation nothing else is done, and the next deploy goes on.
func (h *hosting) makeDomain(ctx context.Context, w *wanted, o *observed) (bool, error) {
	s, changed := h.session, false
	did := func(now bool, err error) error {
		changed = changed || now
		return err
	}
	is, err := o.domain, error(nil)
	if is == nil || is.host != w.domain {
		if is, err = s.observeDomain(ctx, w.domain, ""); err != nil {
			return false, err
		}
	}
	if is.known && !covers(is.tags, w.tags) {
		return false, foreignDomain(w.domain, is.tags)
	}
	before := o.marks[tagDomain]
	if before == "" {
		// Without the mark nobody looks for what is made from here on.
		if err := did(s.mark(ctx, w.name, o, tagDomain, w.domain)); err != nil {
			return changed, err
		}
	}
	certificate, waits, requested, err := h.certificateFor(ctx, w, is.certificate)
	if err := did(requested, err); err != nil {
		return changed, err
	}
	if waits != nil {
		h.tellValidation(w, *waits)
		return changed, nil
	}
	if before != "" && before != w.domain {
		if err := did(h.dropDomain(ctx, before, w.zone, false)); err != nil {
			return changed, err
		}
		if err := did(s.mark(ctx, w.name, o, tagDomain, w.domain)); err != nil {
			return changed, err
		}
	}
	named, err := h.makeName(ctx, w, is, certificate)
	if err := did(named, err); err != nil {
		return changed, err
	}
	fresh := !is.known
	if named || !is.ready {
		if is, err = h.ready(ctx, w.domain); err != nil {
			return changed, err
		}
	}
	if err := did(s.makeDomainMapping(ctx, w.domain, is, o.api.id)); err != nil {
		return changed, err
	}
	if err := did(h.makeRecords(ctx, w, is, o)); err != nil {
		return changed, err
	}
	if fresh && w.zone == "" {
		h.say(true, "%s leads nowhere until its DNS has this record: %s", w.domain, recordText(w.domain, is.to))
	}
	return changed, did(h.dropCertificates(ctx, w.domain, certificate))
}

func foreignDomain(host string, tags map[string]string) error {
	if k, ok := keyOf(tags); ok {
		return fmt.Errorf("%s is the domain of project %q, service %q, environment %q: a host name leads to one service; write another domain", host, k.Project, k.Service, k.Environment)
	}
	return fmt.Errorf("API Gateway has a domain name %q that twofold has not made: write another domain, or delete it with \"aws apigatewayv2 delete-domain-name --domain-name %s\"", host, host)
}

func recordText(host string, to place) string { return fmt.Sprintf("%s CNAME %s", host, to.host) }

func (h *hosting) tellValidation(w *wanted, v validation) {
	if w.zone != "" {
		h.say(true, "the certificate of %s is not issued yet, though its record is written, and %s does not lead to the service: deploy again in a while, and that goes on", w.domain, w.domain)
		return
	}
	h.say(true, "%s does not lead to the service yet, as its certificate waits for validation: set this record in its DNS, and deploy again when ACM has issued it: %s", w.domain, v)
}

// makeName makes the domain name what it should be.
func (h *hosting) makeName(ctx context.Context, w *wanted, is *observedDomain, certificate string) (bool, error) {
	configuration := []gatewaytypes.DomainNameConfiguration{{
		CertificateArn: &certificate, EndpointType: gatewaytypes.EndpointTypeRegional, SecurityPolicy: gatewaytypes.SecurityPolicyTls12,
		IpAddressType: gatewaytypes.IpAddressTypeDualstack,
	}}
	switch {
	case !is.known:
		_, err := h.session.gateway.CreateDomainName(ctx, &apigatewayv2.CreateDomainNameInput{DomainName: &w.domain, DomainNameConfigurations: configuration, Tags: w.tags})
		if err != nil {
			return false, problem("create domain name", w.domain, err)
		}
	case is.certificate != certificate || !is.right:
		_, err := h.session.gateway.UpdateDomainName(ctx, &apigatewayv2.UpdateDomainNameInput{DomainName: &w.domain, DomainNameConfigurations: configuration})
		if err != nil {
			return false, problem("update domain name", w.domain, err)
		}
	default:
		return false, nil
	}
	return true, nil
}

// ready waits until a domain name can be used.
func (h *hosting) ready(ctx context.Context, host string) (*observedDomain, error) {
	var is *observedDomain
	err := h.until(ctx, fmt.Sprintf("domain name %q to be ready", host), func() (bool, error) {
		var err error
		is, err = h.session.observeDomain(ctx, host, "")
		return err == nil && is.known && is.ready, err
	})
	return is, err
}

func (s *session) makeDomainMapping(ctx context.Context, host string, is *observedDomain, api string) (bool, error) {
	var err error
	switch {
	case is.mapping == nil:
		_, err = s.gateway.CreateApiMapping(ctx, &apigatewayv2.CreateApiMappingInput{ApiId: &api, DomainName: &host, Stage: aws.String(everything)})
	case !is.mapped(api):
		_, err = s.gateway.UpdateApiMapping(ctx, &apigatewayv2.UpdateApiMappingInput{
			ApiId: &api, ApiMappingId: is.mapping.ApiMappingId, DomainName: &host, Stage: aws.String(everything),
		})
	default:
		return false, nil
	}
	if err != nil {
		return false, problem("map the HTTP API to domain name", host, err)
	}
	return true, nil
}

// makeRecords lets the host name lead to API Gateway, in the hosted zone of the target
// block.
func (h *hosting) makeRecords(ctx context.Context, w *wanted, is *observedDomain, o *observed) (bool, error) {
	s, zone := h.session, w.zone
	if zone == "" {
		return false, nil
	}
	remember := func() error {
		arn := s.gatewayARN("/domainnames/" + w.domain)
		_, err := s.gateway.TagResource(ctx, &apigatewayv2.TagResourceInput{ResourceArn: &arn, Tags: map[string]string{tagZone: zone}})
		if err != nil {
			return problem("tag domain name", w.domain, err)
		}
		return nil
	}
	return s.point(ctx, w.domain, is.to, is.tags[tagZone], zone, remember, o.balancer.place())
}

func (s *session) gatewayARN(end string) string {
	return fmt.Sprintf("arn:%s:apigateway:%s::%s", s.partition, s.region, end)
}

// dropDomain removes a host name, with its records; and the certificate that was requested
// for it, unless the name is kept for something else.
func (h *hosting) dropDomain(ctx context.Context, host, zone string, kept bool) (bool, error) {
	s := h.session
	is, err := s.observeDomain(ctx, host, "")
	if err != nil {
		return false, err
	}
	changed := false
	if is.known && covers(is.tags, h.tags) {
		changed = true
		for _, one := range zones(is.tags[tagZone], zone) {
			if _, err := s.unpoint(ctx, one, host, is.to); err != nil {
				return true, err
			}
		}
		if is.mapping != nil {
			_, err := s.gateway.DeleteApiMapping(ctx, &apigatewayv2.DeleteApiMappingInput{DomainName: &host, ApiMappingId: is.mapping.ApiMappingId})
			if err != nil && !gone(err) {
				return true, problem("take the HTTP API from domain name", host, err)
			}
		}
		if _, err := s.gateway.DeleteDomainName(ctx, &apigatewayv2.DeleteDomainNameInput{DomainName: &host}); err != nil && !gone(err) {
			return true, problem("delete domain name", host, err)
		}
	}
	if kept {
		return changed, nil
	}
	dropped, err := h.dropCertificates(ctx, host, "")
	return changed || dropped, err
}

func zones(list ...string) []string {
	var found []string
	for _, zone := range list {
		if zone != "" && !slices.Contains(found, zone) {
			found = append(found, zone)
		}
	}
	return found
}
