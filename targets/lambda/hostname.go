package lambda

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets"
)

// The pages that state the rules of host names.
const (
	domainPage   = "Custom domain names for HTTP APIs, https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-custom-domain-names.html"
	balancerPage = "Use Lambda functions as targets of an Application Load Balancer, https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html"
	urlPage      = "Creating and managing Lambda function URLs, https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html"
)

var (
	listenerPattern    = regexp.MustCompile(`^arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:listener/app/.+$`)
	certificatePattern = regexp.MustCompile(`^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/.+$`)
	zonePattern        = regexp.MustCompile(`^[A-Z0-9]{1,32}$`)
)

// hostAttributes are those of a target block that are about host names.
func hostAttributes() []schema.Attribute {
	return []schema.Attribute{
		{Name: "listener", Type: schema.String, Default: "none", Doc: "With public = \"alb\", the ARN of the load balancer's listener that gets a rule for the service's domain.", Example: `"arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shop/50dc6c495c0c9188/f2f7dc8efc522ab2"`},
		{Name: "certificate", Type: schema.String, Default: "one that ACM has for the domain, or one that is requested", Doc: "The ARN of the certificate in ACM for the service's domain.", Example: `"arn:aws:acm:eu-west-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"`},
		{Name: "hosted_zone", Type: schema.String, Default: "none: a deploy says which records to set", Doc: "The id of the hosted zone of Route 53 in which the records of the service's domain are written.", Example: `"Z0123456789ABCDEFGHIJ"`},
	}
}

func readHost(s *settings, v schema.Values) error {
	s.listener, s.certificate, s.zone = v.String("listener"), v.String("certificate"), v.String("hosted_zone")
	switch {
	case s.listener != "" && !listenerPattern.MatchString(s.listener):
		return wrong("listener", fmt.Sprintf("%q is not the ARN of a listener of an Application Load Balancer", s.listener), "Write it in full; aws elbv2 describe-listeners --load-balancer-arn ARN prints the ARNs.")
	case s.listener != "" && s.public != publicALB:
		return wrong("listener", "a listener without public = \"alb\"", "Write public = \"alb\" as well, or remove listener.")
	case s.public == publicALB && s.listener == "":
		return wrong("public", "public = \"alb\" without a listener", "Write listener = \"ARN\" as well, with the ARN of the listener that gets a rule; aws elbv2 describe-listeners --load-balancer-arn ARN prints the ARNs.")
	case s.certificate != "" && !certificatePattern.MatchString(s.certificate):
		return wrong("certificate", fmt.Sprintf("%q is not the ARN of a certificate in ACM", s.certificate), "Write it in full; aws acm list-certificates prints the ARNs.")
	}
	if s.zone = strings.TrimPrefix(s.zone, "/hostedzone/"); s.zone != "" && !zonePattern.MatchString(s.zone) {
		return wrong("hosted_zone", fmt.Sprintf("%q is not the id of a hosted zone", s.zone), "Write an id such as \"Z0123456789ABCDEFGHIJ\"; aws route53 list-hosted-zones prints them.")
	}
	return nil
}

// checkDomain reports a host name that nothing would lead to the service, and a load
// balancer without one.
func (s settings) checkDomain(w targets.Workload) []targets.Finding {
	if w.TriggersOnly {
		return nil
	}
	f := targets.Finding{Severity: targets.Error, Path: "domain"}
	switch {
	case s.public == publicALB && w.Domain == "":
		f.Summary = "a load balancer has no host name for the service"
		f.Fix = "Write domain = \"api.example.com\": the requests for that host name go to the service."
		f.Limit = "a rule of a listener needs a condition: the host name"
		f.Source = balancerPage
	case w.Domain != "" && s.public == "none":
		f.Summary = "nothing lets requests of a host name in"
		f.Fix = "Write public = \"api\" in the target block, or remove domain."
		f.Limit = "a host name leads to an HTTP API or a load balancer"
		f.Source = domainPage
	case w.Domain != "" && s.public != publicAPI && s.public != publicALB:
		f.Summary = "a function URL has no host name of the service's own"
		f.Fix = "Write public = \"api\" in the target block, or public = \"alb\" and listener, or remove domain."
		f.Limit = "a host name leads to an HTTP API or a load balancer"
		f.Source = urlPage
	case w.Domain != "" && s.public == publicALB && len(w.Domain) > hostMost:
		f.Summary = fmt.Sprintf("a rule of a load balancer takes no host name of %d characters", len(w.Domain))
		f.Fix = "Write a shorter domain, or public = \"api\" in the target block."
		f.Limit = fmt.Sprintf("at most %d characters", hostMost)
		f.Source = "Host conditions, https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html"
	default:
		return nil
	}
	return []targets.Finding{f}
}

// hostMost is how long the host name of a listener's rule may be.
const hostMost = 128

// bodyMost is how large a request's or an answer's body may be that a load balancer hands
// over. Source: balancerPage.
const bodyMost = 1 << 20

// balanced are limits as a load balancer narrows them.
func balanced(l targets.Limits) targets.Limits {
	const note = "A load balancer hands over at most 1 MB to a function, and takes no more from one: headers and base64 count. An HTTP API takes 6 MB."
	l.Request = targets.Limit{Max: bodyMost, Note: note, Source: balancerPage}
	l.Answer = targets.Limit{Max: bodyMost, Note: note, Source: balancerPage}
	return l
}

// hostFrom takes what is about a host name from the settings.
func (w *wanted) hostFrom(domain string, s settings) {
	if w.public != publicAPI && w.public != publicALB {
		return
	}
	w.domain = domain
	if domain != "" {
		w.certificate, w.zone = s.certificate, s.zone
	}
	if w.public == publicALB {
		w.listener = s.listener
	}
}

// limitsOf are what the functions of a target block may have.
func limitsOf(s settings) targets.Limits {
	l := limits()
	if s.public == publicALB {
		l = balanced(l)
	}
	return l
}

// hostDetail says of a host name what its owner has yet to do, or "".
func (s *session) hostDetail(ctx context.Context, o *observed, tags map[string]string) (string, error) {
	host, to, served := "", place{}, false
	switch {
	case o.domain != nil:
		host, to, served = o.domain.host, o.domain.to, o.domain.tags[tagZone] != ""
		if o.domain.known {
			break
		}
		return s.waitingDetail(ctx, host, tags)
	case o.balancer != nil:
		host, to, served = o.marks[tagHost], o.balancer.place(), o.balancer.tags[tagZone] != ""
		if len(o.balancer.rules) > 0 {
			break
		}
		return s.waitingDetail(ctx, host, tags)
	}
	if to.host == "" || served {
		return "", nil
	}
	return "requests for " + host + " come here by this record in its DNS: " + recordText(host, to), nil
}

// waitingDetail says what the certificate of a host name waits for.
func (s *session) waitingDetail(ctx context.Context, host string, tags map[string]string) (string, error) {
	list, err := s.certificates(ctx, host, tags)
	if err != nil {
		return "", err
	}
	for _, one := range list {
		if !one.own {
			continue
		}
		waits, _, err := s.validationOf(ctx, one.arn)
		if err != nil {
			return err.Error(), nil
		}
		if waits != nil {
			return "the certificate of " + host + " waits for this record in its DNS: " + waits.String() + "; deploy again when ACM has issued it", nil
		}
	}
	return host + " does not lead here yet: deploy again", nil
}
