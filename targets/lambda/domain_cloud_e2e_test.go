//go:build e2e

package lambda

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	dnstypes "github.com/aws/aws-sdk-go-v2/service/route53/types"
)

var (
	domainPath  = regexp.MustCompile(`^/v2/domainnames(?:/([^/]+))?$`)
	mappingPath = regexp.MustCompile(`^/v2/domainnames/([^/]+)/apimappings/([^/]+)$`)
	domainTags  = regexp.MustCompile(`^/v2/tags/arn:.*/domainnames/([^/]+)$`)
)

// isDomain reports whether a call is about domain names of API Gateway.
func isDomain(u *url.URL) bool {
	return domainPath.MatchString(u.Path) || mappingPath.MatchString(u.Path) || domainTags.MatchString(u.Path)
}

// changedDomain is what moto does not keep of a domain name.
type changedDomain struct {
	configurations []any
	tags           map[string]any
}

// domain answers a call about a domain name: moto neither changes one nor what is mapped
// to it, tags none later, and does not say where one is reached.
func (c *cloud) domain(w *answer, r *http.Request, body []byte) {
	forward := func(method, path string, body []byte) {
		r.Method, r.URL.Path, r.URL.RawPath = method, path, ""
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		c.proxy.ServeHTTP(w, r)
	}
	if m := domainTags.FindStringSubmatch(r.URL.Path); m != nil {
		var in struct{ Tags map[string]any }
		_ = json.Unmarshal(body, &in)
		c.mu.Lock()
		maps.Copy(c.changedDomain(m[1]).tags, in.Tags)
		c.mu.Unlock()
		w.status = http.StatusCreated
		w.body.WriteString("{}")
		return
	}
	if m := mappingPath.FindStringSubmatch(r.URL.Path); m != nil {
		if r.Method == http.MethodPatch { // moto's id is made of the name and the stage
			forward(http.MethodPost, "/v2/domainnames/"+m[1]+"/apimappings", body)
			return
		}
		forward(r.Method, r.URL.Path, body)
		return
	}
	host := domainPath.FindStringSubmatch(r.URL.Path)[1]
	if r.Method == http.MethodPatch {
		var in struct{ DomainNameConfigurations []any }
		_ = json.Unmarshal(body, &in)
		c.mu.Lock()
		c.changedDomain(host).configurations = in.DomainNameConfigurations
		c.mu.Unlock()
		forward(http.MethodGet, r.URL.Path, nil)
	} else {
		forward(r.Method, r.URL.Path, body)
	}
	if r.Method == http.MethodDelete {
		c.mu.Lock()
		delete(c.domains, host)
		c.mu.Unlock()
	}
	var out map[string]any
	if w.status/100 != 2 || json.Unmarshal(w.body.Bytes(), &out) != nil {
		return
	}
	c.complete(out)
	w.body.Reset()
	b, _ := json.Marshal(out)
	w.body.Write(b)
}

// changedDomain is called with the lock held.
func (c *cloud) changedDomain(host string) *changedDomain {
	if c.domains == nil {
		c.domains = map[string]*changedDomain{}
	}
	if c.domains[host] == nil {
		c.domains[host] = &changedDomain{tags: map[string]any{}}
	}
	return c.domains[host]
}

// complete adds to a domain name what moto does not know of it.
func (c *cloud) complete(out map[string]any) {
	host, _ := out["domainName"].(string)
	if host == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	changed := c.changedDomain(host)
	if changed.configurations != nil {
		out["domainNameConfigurations"] = changed.configurations
	}
	tags, _ := out["tags"].(map[string]any)
	if tags == nil {
		tags = map[string]any{}
	}
	maps.Copy(tags, changed.tags)
	out["tags"] = tags
	list, _ := out["domainNameConfigurations"].([]any)
	for _, one := range list {
		if config, ok := one.(map[string]any); ok {
			config["apiGatewayDomainName"] = "d-" + strings.ReplaceAll(host, ".", "") + ".execute-api.eu-west-1.amazonaws.com"
			config["hostedZoneId"], config["domainNameStatus"] = "ZLY8HYME6SFDD", "AVAILABLE"
		}
	}
}

// zoneOf makes a hosted zone, and returns its id.
func (c *cloud) zoneOf(t *testing.T, name string) string {
	t.Helper()
	out, err := c.session(t).dns.CreateHostedZone(t.Context(), &route53.CreateHostedZoneInput{Name: &name, CallerReference: aws.String(t.Name() + name)})
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(aws.ToString(out.HostedZone.Id), "/hostedzone/")
}

// recordsIn are those that nobody needs for the zone itself, in words.
func (c *cloud) recordsIn(t *testing.T, zone string) []string {
	t.Helper()
	out, err := c.session(t).dns.ListResourceRecordSets(t.Context(), &route53.ListResourceRecordSetsInput{HostedZoneId: &zone})
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, r := range out.ResourceRecordSets {
		if r.Type == dnstypes.RRTypeNs || r.Type == dnstypes.RRTypeSoa {
			continue
		}
		text := aws.ToString(r.Name) + " " + string(r.Type)
		if r.AliasTarget != nil {
			text += " to " + aws.ToString(r.AliasTarget.DNSName)
		}
		for _, one := range r.ResourceRecords {
			text += " " + aws.ToString(one.Value)
		}
		list = append(list, text)
	}
	return list
}

// certificatesIn are the ARNs of all certificates of the account.
func (c *cloud) certificatesIn(t *testing.T) []string {
	t.Helper()
	out, err := c.session(t).acm.ListCertificates(t.Context(), &acm.ListCertificatesInput{})
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, one := range out.CertificateSummaryList {
		list = append(list, aws.ToString(one.CertificateArn))
	}
	return list
}

// issuedByRecord lets certificates be issued when a record has been written.
func issuedByRecord() func(call) verdict {
	written := false
	return func(c call) verdict {
		written = written || c.service == "route53" && !c.reads()
		if written {
			return verdict{}
		}
		return unissued(c)
	}
}

// ownCertificatesIn are those that twofold has requested.
func (c *cloud) ownCertificatesIn(t *testing.T) []string {
	t.Helper()
	var own []string
	for _, arn := range c.certificatesIn(t) {
		tags, err := c.session(t).certificateTags(t.Context(), arn)
		if err != nil {
			t.Fatal(err)
		}
		if tags[tagProject] != "" {
			own = append(own, arn)
		}
	}
	return own
}

// unissued lets no certificate be issued: moto issues one as soon as it is asked.
func unissued(c call) verdict {
	if c.service != "acm" {
		return verdict{}
	}
	return verdict{edit: func(_ *http.Response, body []byte) []byte {
		return bytes.ReplaceAll(bytes.ReplaceAll(body, []byte(`"ISSUED"`), []byte(`"PENDING_VALIDATION"`)), []byte(`"SUCCESS"`), []byte(`"PENDING_VALIDATION"`))
	}}
}
