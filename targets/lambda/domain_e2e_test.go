//go:build e2e

package lambda

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	gatewaytypes "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	dnstypes "github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets"
)

func hosted(environment, host string) targets.Deployment {
	d := deploymentOf(environment)
	d.Domain = host
	return d
}

func TestDomainIsMadeMendedAndRemoved(t *testing.T) {
	c := beside(t)
	c.set(nil, healthyApp)
	zone := c.zoneOf(t, "made.example.com")
	const host = "api.made.example.com"
	target, d := c.quick(t, schema.Values{"public": "api", "hosted_zone": zone}), hosted("domain", host)
	c.set(issuedByRecord(), healthyApp)
	st := deployedTwice(t, target, d)
	c.set(nil, healthyApp)
	if st.URL != "https://"+host {
		t.Errorf("the URL is %q", st.URL)
	}
	to := "d-apimadeexamplecom.execute-api.eu-west-1.amazonaws.com"
	records := []string{host + ". A to " + to, host + ". AAAA to " + to}
	got := c.recordsIn(t, zone)
	slices.Sort(got)
	if len(got) != 3 || !slices.Equal(got[1:], records) || !strings.Contains(got[0], " CNAME ") {
		t.Errorf("the records are %q", got)
	}
	s := c.session(t)
	ctx := t.Context()
	is, err := s.observeDomain(ctx, host, zone)
	if err != nil || !is.right || !is.pointed || len(c.certificatesIn(t)) != 1 {
		t.Fatalf("the domain name is %+v, %v", is, err)
	}
	for name, change := range map[string]func() error{
		"mapping": func() error {
			_, err := s.gateway.DeleteApiMapping(ctx, &apigatewayv2.DeleteApiMappingInput{DomainName: aws.String(host), ApiMappingId: is.mapping.ApiMappingId})
			return err
		},
		"records": func() error {
			_, err := s.unpoint(ctx, zone, host, is.to)
			return err
		},
		"policy": func() error {
			_, err := s.gateway.UpdateDomainName(ctx, &apigatewayv2.UpdateDomainNameInput{DomainName: aws.String(host), DomainNameConfigurations: []gatewaytypes.DomainNameConfiguration{{
				CertificateArn: &is.certificate, EndpointType: gatewaytypes.EndpointTypeRegional, SecurityPolicy: gatewaytypes.SecurityPolicyTls10,
			}}})
			return err
		},
		"gone": func() error {
			if _, err := s.gateway.DeleteApiMapping(ctx, &apigatewayv2.DeleteApiMappingInput{DomainName: aws.String(host), ApiMappingId: is.mapping.ApiMappingId}); err != nil {
				return err
			}
			_, err := s.gateway.DeleteDomainName(ctx, &apigatewayv2.DeleteDomainNameInput{DomainName: aws.String(host)})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := change(); err != nil {
				t.Fatal(err)
			}
			mended(t, target, d, "domain")
		})
	}
	// An API that is closed to all but the domain stays so.
	o, err := s.observeAPI(ctx, functionName(d.Key), ownTags(d.Key))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.gateway.UpdateApi(ctx, &apigatewayv2.UpdateApiInput{ApiId: &o.id, DisableExecuteApiEndpoint: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	deployedTwice(t, target, d)
	if o, err = s.observeAPI(ctx, functionName(d.Key), ownTags(d.Key)); err != nil || !o.closed {
		t.Errorf("the API is %+v, %v", o, err)
	}

	d.Domain = "new.made.example.com"
	if st := deployedTwice(t, target, d); st.URL != "https://new.made.example.com" {
		t.Errorf("after a change of the domain the URL is %q", st.URL)
	}
	if is, err := s.observeDomain(ctx, host, ""); err != nil || is.known || len(c.certificatesIn(t)) != 1 {
		t.Errorf("the domain before is still there: %+v, %v, %q", is, err, c.certificatesIn(t))
	}
	d.Domain = ""
	if st := deployedTwice(t, target, d); !strings.Contains(st.URL, "execute-api") {
		t.Errorf("without a domain the URL is %q", st.URL)
	}
	c.nothingHosted(t, zone)
	d.Domain = host
	deployedTwice(t, target, d)
	if _, err := c.quick(t, nil).Destroy(ctx, d.Key); err != nil {
		t.Error(err)
	}
	c.nothingHosted(t, zone)
}

// nothingHosted checks that no domain name, no record and no certificate is left.
func (c *cloud) nothingHosted(t *testing.T, zone string) {
	t.Helper()
	out, err := c.session(t).gateway.GetDomainNames(t.Context(), &apigatewayv2.GetDomainNamesInput{})
	if err != nil || len(out.Items) > 0 {
		t.Errorf("domain names are left: %v, %v", out.Items, err)
	}
	if left := c.ownCertificatesIn(t); len(left) > 0 {
		t.Errorf("certificates are left: %q", left)
	}
	groups, err := c.session(t).balancers.DescribeTargetGroups(t.Context(), &elb.DescribeTargetGroupsInput{})
	if err != nil || len(groups.TargetGroups) > 0 {
		t.Errorf("target groups are left: %v, %v", groups.TargetGroups, err)
	}
	if zone == "" {
		return
	}
	if left := c.recordsIn(t, zone); len(left) > 0 {
		t.Errorf("records are left: %q", left)
	}
}

func TestDomainWhoseCertificateWaitsForItsValidation(t *testing.T) {
	c := beside(t)
	const host = "api.waits.example.com"
	target, d := c.quick(t, schema.Values{"public": "api"}), hosted("waits", host)
	var warnings []string
	d.Events = func(e targets.Event) {
		if e.Warning {
			warnings = append(warnings, e.Message)
		}
	}
	c.set(unissued, healthyApp)
	st, err := target.Deploy(t.Context(), d)
	if err != nil || !strings.Contains(st.URL, "execute-api") || st.Release != d.Release.Digest {
		t.Fatalf("deploy: %+v, %v", st, err)
	}
	const record = "_d930b28be6c5927595552b219965053e.api.waits.example.com CNAME _c9edd76ee4a0e2a74388032f3861cc50.ykybfrwcxw.acm-validations.aws"
	if text := strings.Join(warnings, "\n"); !strings.Contains(text, record) || !strings.Contains(text, "deploy again") {
		t.Errorf("the warnings are %q", warnings)
	}
	if !strings.Contains(st.Detail, record) {
		t.Errorf("the detail is %q", st.Detail)
	}
	plan, err := target.Plan(t.Context(), d)
	if err != nil || len(plan.Changes) != 1 || plan.Changes[0].Name != "domain" {
		t.Errorf("plan: %+v, %v", plan, err)
	}
	if st, err = target.Deploy(t.Context(), d); err != nil || st.Changed || len(c.certificatesIn(t)) != 1 {
		t.Errorf("deploy again: %+v, %v, %q", st, err, c.certificatesIn(t))
	}
	// The manifest may drop the domain meanwhile.
	without := d
	without.Domain = ""
	deployedTwice(t, target, without)
	c.nothingHosted(t, "")
	if _, err := target.Deploy(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	warnings = nil
	c.set(nil, healthyApp)
	if st := deployedTwice(t, target, d); st.URL != "https://"+host || !strings.Contains(st.Detail, host+" CNAME d-apiwaitsexamplecom.") {
		t.Errorf("the URL is %q, with %q", st.URL, st.Detail)
	}
	if text := strings.Join(warnings, "\n"); !strings.Contains(text, host+" CNAME d-apiwaitsexamplecom.execute-api.eu-west-1.amazonaws.com") {
		t.Errorf("the warnings are %q", warnings)
	}
	if _, err := target.Destroy(t.Context(), d.Key); err != nil {
		t.Error(err)
	}
	c.nothingHosted(t, "")
}

// othersCertificate is one that twofold has not made.
func (c *cloud) othersCertificate(t *testing.T, name string) string {
	t.Helper()
	s := c.session(t)
	out, err := s.acm.RequestCertificate(t.Context(), &acm.RequestCertificateInput{DomainName: &name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := s.acm.DeleteCertificate(context.WithoutCancel(t.Context()), &acm.DeleteCertificateInput{CertificateArn: out.CertificateArn}); err != nil {
			t.Error(err)
		}
	})
	return aws.ToString(out.CertificateArn)
}

func TestDomainTakesACertificateThatIsThere(t *testing.T) {
	c := beside(t)
	c.set(nil, healthyApp)
	found := c.othersCertificate(t, "*.there.example.com")
	given := c.othersCertificate(t, "api.there.example.com")
	elsewhere := c.othersCertificate(t, "there.example.com")
	d := hosted("there", "www.there.example.com")
	target := c.quick(t, schema.Values{"public": "api"})
	deployedTwice(t, target, d)
	s := c.session(t)
	if is, err := s.observeDomain(t.Context(), d.Domain, ""); err != nil || is.certificate != found {
		t.Errorf("the certificate is %q, want %q: %v", is.certificate, found, err)
	}
	d.Domain = "api.there.example.com"
	target = c.quick(t, schema.Values{"public": "api", "certificate": given})
	deployedTwice(t, target, d)
	if is, err := s.observeDomain(t.Context(), d.Domain, ""); err != nil || is.certificate != given {
		t.Errorf("the certificate is %q, want %q: %v", is.certificate, given, err)
	}
	if _, err := c.quick(t, schema.Values{"public": "api", "certificate": elsewhere}).Deploy(t.Context(), d); err == nil || !strings.Contains(err.Error(), "does not cover api.there.example.com") {
		t.Errorf("a certificate of another name: %v", err)
	}
	if _, err := target.Destroy(t.Context(), d.Key); err != nil {
		t.Error(err)
	}
	if left := c.certificatesIn(t); len(left) != 3 {
		t.Errorf("the certificates of others are %q", left)
	}
}

func TestDomainOfOthersIsNotTouched(t *testing.T) {
	c := beside(t)
	c.set(nil, healthyApp)
	zone := c.zoneOf(t, "others.example.com")
	s := c.session(t)
	target := c.quick(t, schema.Values{"public": "api", "hosted_zone": zone})
	one, two := hosted("one", "api.others.example.com"), hosted("two", "api.others.example.com")
	deployedTwice(t, target, one)
	if _, err := target.Deploy(t.Context(), two); err == nil || !strings.Contains(err.Error(), `environment "one"`) {
		t.Errorf("a domain of another deployment: %v", err)
	}
	if _, err := target.Destroy(t.Context(), two.Key); err != nil {
		t.Error(err)
	}
	if st := deployedTwice(t, target, one); st.URL != "https://api.others.example.com" {
		t.Errorf("the URL is %q", st.URL)
	}
	if _, err := target.Destroy(t.Context(), one.Key); err != nil {
		t.Error(err)
	}
	host := "www.others.example.com"
	if err := s.changeRecords(t.Context(), zone, host, []dnstypes.Change{{Action: dnstypes.ChangeActionCreate, ResourceRecordSet: &dnstypes.ResourceRecordSet{
		Name: &host, Type: dnstypes.RRTypeA, TTL: aws.Int64(60), ResourceRecords: []dnstypes.ResourceRecord{{Value: aws.String("192.0.2.1")}},
	}}}); err != nil {
		t.Fatal(err)
	}
	two.Domain = host
	if _, err := target.Deploy(t.Context(), two); err == nil || !strings.Contains(err.Error(), "which twofold has not made") {
		t.Errorf("a record of others: %v", err)
	}
	if _, err := target.Destroy(t.Context(), two.Key); err != nil {
		t.Error(err)
	}
	if left := c.recordsIn(t, zone); len(left) != 1 || !strings.Contains(left[0], "192.0.2.1") {
		t.Errorf("the records are %q", left)
	}
}

// TestDomainInterrupted kills a deploy at each of its calls that change something: the
// next one converges, and nothing is left after a destroy.
func TestDomainInterrupted(t *testing.T) {
	interruptedHosting(t, "domain", func(t *testing.T, c *cloud, zone, host string) schema.Values {
		return schema.Values{"public": "api", "hosted_zone": zone}
	})
}

// interruptedHosting kills a deploy at each of its calls that change something beside the
// function, before and after it took effect.
func interruptedHosting(t *testing.T, name string, settings func(t *testing.T, c *cloud, zone, host string) schema.Values) {
	c := beside(t)
	points := 0
	for n := 1; ; n++ {
		for _, after := range []bool{false, true} {
			c.set(nil, healthyApp)
			parent := fmt.Sprintf("killed%d-%t.example.com", n, after)
			zone, host := c.zoneOf(t, parent), "api."+parent
			values := settings(t, c, zone, host)
			d := hosted(fmt.Sprintf("%s-%d-%t", name, n, after), host)
			plain := d
			plain.Domain = ""
			if _, err := c.quick(t, nil).Deploy(t.Context(), plain); err != nil {
				t.Fatal(err)
			}
			writes, cut, issued := 0, false, issuedByRecord()
			ctx, kill := context.WithCancel(t.Context())
			c.set(func(one call) verdict {
				if cut {
					return verdict{before: true}
				}
				if v := issued(one); one.reads() {
					return v
				}
				if writes++; writes < n {
					return verdict{}
				}
				cut = true
				if !after {
					kill()
					return verdict{before: true}
				}
				return verdict{edit: func(*http.Response, []byte) []byte {
					kill()
					panic(http.ErrAbortHandler)
				}}
			}, healthyApp)
			_, err := c.quick(t, values).Deploy(ctx, d)
			kill()
			c.set(nil, healthyApp)
			if !cut {
				if err != nil {
					t.Error(err)
				}
				if _, err := c.quick(t, nil).Destroy(t.Context(), d.Key); err != nil {
					t.Error(err)
				}
				t.Logf("%d interruption points", points)
				return
			}
			points++
			if err == nil {
				t.Fatalf("cut at call %d: no error", n)
			}
			if n%2 == 0 { // Destroy comes next, and knows nothing of the settings.
				if _, err := c.quick(t, nil).Destroy(t.Context(), d.Key); err != nil {
					t.Errorf("cut at call %d, after %t: destroy: %v", n, after, err)
				}
				c.nothingHosted(t, zone)
			}
			target := c.quick(t, values)
			if st := deployedTwice(t, target, d); !strings.HasSuffix(st.URL, "://"+host) {
				t.Errorf("cut at call %d, after %t: the URL is %q", n, after, st.URL)
			}
			if _, err := c.quick(t, nil).Destroy(t.Context(), d.Key); err != nil {
				t.Errorf("cut at call %d, after %t: destroy: %v", n, after, err)
			}
			c.nothingHosted(t, zone)
		}
	}
}
