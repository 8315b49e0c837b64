package lambda

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	acmtypes "github.com/aws/aws-sdk-go-v2/service/acm/types"
)

// tagZone is on a certificate, a domain name or a target group whose records twofold
// writes: the id of the hosted zone that they are in.
const tagZone = "twofold:hosted-zone"

// certificate is one of ACM's that covers a host name.
type certificate struct {
	arn    string
	status acmtypes.CertificateStatus
	// exact: it names the host name itself, and not all names of its domain.
	exact bool
	until time.Time
	// tags are read of those that may be twofold's, and own are those that it has
	// requested for a deployment.
	tags map[string]string
	own  bool
}

// validation is the record with which ACM finds out that a name is its owner's.
type validation struct{ arn, name, value string }

func (v validation) String() string { return fmt.Sprintf("%s CNAME %s", v.name, v.value) }

// coversHost reports whether a name of a certificate covers a host name: a star stands
// for one label. Source: "ACM certificate characteristics",
// https://docs.aws.amazon.com/acm/latest/userguide/acm-certificate-characteristics.html
func coversHost(name, host string) bool {
	name, host = strings.ToLower(name), strings.ToLower(host)
	rest, star := strings.CutPrefix(name, "*.")
	if !star {
		return name == host
	}
	_, parent, found := strings.Cut(host, ".")
	return found && parent == rest
}

// keyTypes are those that API Gateway and load balancers take; ACM lists RSA of 2048 bits
// alone unless it is asked for others.
var keyTypes = []acmtypes.KeyAlgorithm{
	acmtypes.KeyAlgorithmRsa2048, acmtypes.KeyAlgorithmRsa3072, acmtypes.KeyAlgorithmRsa4096,
	acmtypes.KeyAlgorithmEcPrime256v1, acmtypes.KeyAlgorithmEcSecp384r1,
}

// certificates are those of the account and region that cover a host name, the best
// first: issued, of the name itself, valid for longest.
func (s *session) certificates(ctx context.Context, host string, tags map[string]string) ([]certificate, error) {
	var found []certificate
	pages := acm.NewListCertificatesPaginator(s.acm, &acm.ListCertificatesInput{Includes: &acmtypes.Filters{KeyTypes: keyTypes}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, problem("look for a certificate of", host, err)
		}
		for _, one := range page.CertificateSummaryList {
			exact := strings.EqualFold(aws.ToString(one.DomainName), host)
			if !exact && !slices.ContainsFunc(append(one.SubjectAlternativeNameSummaries, aws.ToString(one.DomainName)), func(name string) bool { return coversHost(name, host) }) {
				continue
			}
			c := certificate{arn: aws.ToString(one.CertificateArn), status: one.Status, exact: exact, until: aws.ToTime(one.NotAfter)}
			if exact && one.Type != acmtypes.CertificateTypeImported {
				if c.tags, err = s.certificateTags(ctx, c.arn); err != nil {
					return nil, err
				}
				c.own = c.tags != nil && covers(c.tags, tags)
			}
			found = append(found, c)
		}
	}
	issued := func(c certificate) int {
		if c.status == acmtypes.CertificateStatusIssued {
			return 0
		}
		return 1
	}
	inexact := func(c certificate) int {
		if c.exact {
			return 0
		}
		return 1
	}
	slices.SortFunc(found, func(a, b certificate) int {
		return cmp.Or(cmp.Compare(issued(a), issued(b)), cmp.Compare(inexact(a), inexact(b)), b.until.Compare(a.until), cmp.Compare(a.arn, b.arn))
	})
	return found, nil
}

// certificateTags are nil for a certificate that is gone.
func (s *session) certificateTags(ctx context.Context, arn string) (map[string]string, error) {
	out, err := s.acm.ListTagsForCertificate(ctx, &acm.ListTagsForCertificateInput{CertificateArn: &arn})
	if gone(err) {
		return nil, nil
	}
	if err != nil {
		return nil, problem("read the tags of certificate", arn, err)
	}
	tags := map[string]string{}
	for _, tag := range out.Tags {
		tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return tags, nil
}

// certificateFor returns a certificate that has been issued for a host name: the one of
// the target block; else the one that serves the name now; else the best that there is; else
// one that is requested. It returns "" where one waits for its validation, and what
// it waits for.
func (h *hosting) certificateFor(ctx context.Context, w *wanted, serving ...string) (arn string, waits *validation, changed bool, err error) {
	s, host := h.session, w.domain
	if given := w.certificate; given != "" {
		return given, nil, false, h.checkGiven(ctx, host, given)
	}
	list, err := s.certificates(ctx, host, h.tags)
	if err != nil {
		return "", nil, false, err
	}
	for _, one := range list {
		if one.status == acmtypes.CertificateStatusIssued && slices.Contains(serving, one.arn) {
			return one.arn, nil, false, nil
		}
	}
	if len(list) > 0 && list[0].status == acmtypes.CertificateStatusIssued {
		return list[0].arn, nil, false, nil
	}
	pending := slices.IndexFunc(list, func(c certificate) bool { return c.own && c.status == acmtypes.CertificateStatusPendingValidation })
	one := certificate{tags: map[string]string{}}
	if pending >= 0 {
		one = list[pending]
	} else {
		changed = true
		if one.arn, err = h.request(ctx, host); err != nil {
			return "", nil, true, err
		}
	}
	arn, waits, validating, err := h.validate(ctx, w, one)
	return arn, waits, changed || validating, err
}

// checkGiven says what is wrong with the certificate of the target block.
func (h *hosting) checkGiven(ctx context.Context, host, arn string) error {
	const mend = "mend certificate in the target block, or remove it: one is looked for or requested then"
	if parts := strings.Split(arn, ":"); len(parts) > 3 && parts[3] != h.session.region {
		return fmt.Errorf("the certificate %q is of region %s, and the functions are in %s: %s", arn, parts[3], h.session.region, mend)
	}
	out, err := h.session.acm.DescribeCertificate(ctx, &acm.DescribeCertificateInput{CertificateArn: &arn})
	if gone(err) {
		return fmt.Errorf("there is no certificate %q: %s", arn, mend)
	}
	if err != nil {
		return problem("read certificate", arn, err)
	}
	c := out.Certificate
	if !slices.ContainsFunc(append(c.SubjectAlternativeNames, aws.ToString(c.DomainName)), func(name string) bool { return coversHost(name, host) }) {
		return fmt.Errorf("the certificate %q does not cover %s: %s", arn, host, mend)
	}
	if c.Status != acmtypes.CertificateStatusIssued {
		return fmt.Errorf("the certificate %q cannot be used, as ACM says %s: %s", arn, c.Status, mend)
	}
	return nil
}

// request asks ACM for a certificate, and returns its ARN.
func (h *hosting) request(ctx context.Context, host string) (string, error) {
	h.say(false, "requesting a certificate for %s", host)
	// The token keeps a repeated call from making a second one.
	token := rand.Text()
	out, err := h.session.acm.RequestCertificate(ctx, &acm.RequestCertificateInput{
		DomainName: &host, ValidationMethod: acmtypes.ValidationMethodDns, IdempotencyToken: &token, Tags: certificateTagList(h.tags),
	})
	if err != nil {
		return "", problem("request a certificate for", host, err)
	}
	return aws.ToString(out.CertificateArn), nil
}

func certificateTagList(tags map[string]string) []acmtypes.Tag {
	var list []acmtypes.Tag
	for _, name := range sorted(tags) {
		list = append(list, acmtypes.Tag{Key: aws.String(name), Value: aws.String(tags[name])})
	}
	return list
}

// validate brings a certificate's validation on: its record is written where there is a
// hosted zone, and waited for.
func (h *hosting) validate(ctx context.Context, w *wanted, one certificate) (arn string, waits *validation, changed bool, err error) {
	s := h.session
	issued := false
	look := func() error {
		v, done, err := s.validationOf(ctx, one.arn)
		waits, issued = v, done
		return err
	}
	// ACM tells the record a moment after the request.
	err = h.until(ctx, "ACM to tell the record that validates "+w.domain, func() (bool, error) {
		err := look()
		return waits != nil || issued, err
	})
	if err != nil || issued {
		return one.arn, nil, false, err
	}
	zone := w.zone
	if zone == "" {
		return "", waits, false, nil
	}
	if one.tags[tagZone] != zone {
		_, err := s.acm.AddTagsToCertificate(ctx, &acm.AddTagsToCertificateInput{CertificateArn: &one.arn, Tags: certificateTagList(map[string]string{tagZone: zone})})
		if err != nil {
			return "", nil, false, problem("tag certificate", one.arn, err)
		}
	}
	changed, err = s.putCNAME(ctx, zone, waits.name, waits.value)
	if err != nil {
		return "", nil, changed, err
	}
	h.say(false, "waiting until the certificate of %s is issued", w.domain)
	err = h.until(ctx, "the certificate", func() (bool, error) {
		err := look()
		return issued, err
	})
	if issued {
		return one.arn, nil, true, nil
	}
	if ctx.Err() == nil && waits != nil {
		return "", waits, changed, nil // It takes longer, and the next deploy goes on.
	}
	return "", nil, changed, err
}

// validationOf is what a certificate waits for; nil while ACM has not said so. One that
// cannot be issued any more is an error.
func (s *session) validationOf(ctx context.Context, arn string) (*validation, bool, error) {
	out, err := s.acm.DescribeCertificate(ctx, &acm.DescribeCertificateInput{CertificateArn: &arn})
	if err != nil {
		return nil, false, problem("read certificate", arn, err)
	}
	switch c := out.Certificate; c.Status {
	case acmtypes.CertificateStatusIssued:
		return nil, true, nil
	case acmtypes.CertificateStatusPendingValidation:
		for _, o := range c.DomainValidationOptions {
			if r := o.ResourceRecord; r != nil {
				return &validation{arn, strings.TrimSuffix(aws.ToString(r.Name), "."), strings.TrimSuffix(aws.ToString(r.Value), ".")}, false, nil
			}
		}
		return nil, false, nil
	default:
		return nil, false, fmt.Errorf("ACM does not issue certificate %q: %s %s; mend that, such as a CAA record that does not name amazon.com, delete the certificate, and deploy again", arn, c.Status, c.FailureReason)
	}
}

// dropCertificates deletes the certificates that twofold has requested for a host name,
// but the one to keep, with the records that validate them.
func (h *hosting) dropCertificates(ctx context.Context, host, keep string) (bool, error) {
	list, err := h.session.certificates(ctx, host, h.tags)
	if err != nil {
		return false, err
	}
	dropped := false
	for _, one := range list {
		if !one.own || one.arn == keep {
			continue
		}
		dropped = true
		// A certificate of the same name has the same record.
		shared := slices.ContainsFunc(list, func(other certificate) bool { return other.arn != one.arn && other.exact })
		if err := h.dropCertificate(ctx, one, shared); err != nil {
			return true, err
		}
	}
	return dropped, nil
}

func (h *hosting) dropCertificate(ctx context.Context, one certificate, shared bool) error {
	s := h.session
	if zone := one.tags[tagZone]; zone != "" && !shared {
		out, err := s.acm.DescribeCertificate(ctx, &acm.DescribeCertificateInput{CertificateArn: &one.arn})
		if gone(err) {
			return nil
		}
		if err != nil {
			return problem("read certificate", one.arn, err)
		}
		for _, o := range out.Certificate.DomainValidationOptions {
			if r := o.ResourceRecord; r != nil {
				if err := s.deleteCNAME(ctx, zone, strings.TrimSuffix(aws.ToString(r.Name), "."), aws.ToString(r.Value)); err != nil {
					return err
				}
			}
		}
	}
	// What has used it just now lets it go after a while.
	return h.until(ctx, fmt.Sprintf("certificate %q to be used by nothing", one.arn), func() (bool, error) {
		_, err := s.acm.DeleteCertificate(ctx, &acm.DeleteCertificateInput{CertificateArn: &one.arn})
		switch {
		case err == nil || gone(err):
			return true, nil
		case code(err) == "ResourceInUseException":
			return false, nil
		}
		return false, problem("delete certificate", one.arn, err)
	})
}
