package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxAnswer bounds what is read of an answer: a secret has 64 KB at most, ten
// parameters 80 KB, and escapes make six bytes of one.
const maxAnswer = 1 << 20

// aws is the client of both stores.
type aws struct {
	client *http.Client
	keys   credentials
	region string
	env    func(string) string
	now    func() time.Time
}

// newHTTPClient trusts the machine's certificates, and these as well.
func newHTTPClient(certificates []byte) *http.Client {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: parallel}
	if pool, err := x509.SystemCertPool(); err == nil && len(certificates) > 0 && pool.AppendCertsFromPEM(certificates) {
		t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// domains are those of the partitions, by the beginning of their regions (general
// reference, "AWS service endpoints").
var domains = []struct{ region, domain string }{
	{"cn-", "amazonaws.com.cn"}, {"us-iso-", "c2s.ic.gov"}, {"us-isob-", "sc2s.sgov.gov"},
	{"us-isof-", "csp.hci.ic.gov"}, {"eu-isoe-", "cloud.adc-e.uk"}, {"eusc-", "amazonaws.eu"},
}

// endpoint is where a service of a region is, unless the environment says another
// place, as it does for the SDKs.
func (a *aws) endpoint(service, region string) string {
	own := map[string]string{"secretsmanager": "AWS_ENDPOINT_URL_SECRETS_MANAGER", "ssm": "AWS_ENDPOINT_URL_SSM"}[service]
	for _, name := range []string{own, "AWS_ENDPOINT_URL"} {
		if v := a.env(name); v != "" {
			return strings.TrimRight(v, "/")
		}
	}
	domain := "amazonaws.com"
	for _, d := range domains {
		if strings.HasPrefix(region, d.region) {
			domain = d.domain
		}
	}
	return "https://" + service + "." + region + "." + domain
}

// apiError is an answer that says no.
type apiError struct {
	code, message string
	status        int
}

func (e *apiError) Error() string {
	return fmt.Sprintf("it answers %d %s", e.status, e.code)
}

// throttled are the codes of errors that pass, though their status is 400.
var throttled = []string{"Throttl", "TooManyRequests", "RequestLimitExceeded", "ServiceUnavailable", "InternalServ", "InternalFailure"}

// call asks a service for one operation, again and again while it may help, and
// decodes its answer.
func (a *aws) call(ctx context.Context, service, region, target string, in, out any) error {
	if region == "" {
		region = a.region
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return retry(ctx, func(ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.endpoint(service, region)+"/", bytes.NewReader(body))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", target)
		sign(r, body, a.keys, region, service, a.now())
		answer, err := a.client.Do(r)
		if err != nil {
			return temporary{fmt.Errorf("%s cannot be reached: %w (a function in a VPC needs a NAT gateway, or a VPC endpoint for it)", r.URL.Host, reason(err))}
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
		if err != nil {
			return temporary{fmt.Errorf("the answer of %s broke off: %w", r.URL.Host, reason(err))}
		}
		if answer.StatusCode != http.StatusOK {
			return refusal(answer.StatusCode, text)
		}
		if json.Unmarshal(text, out) != nil {
			return fmt.Errorf("the answer of %s is not the JSON it should be", r.URL.Host)
		}
		return nil
	})
}

// refusal reads an error of the JSON 1.1 protocol.
func refusal(status int, text []byte) error {
	var e struct {
		Type  string `json:"__type"`
		Lower string `json:"message"`
	}
	_ = json.Unmarshal(text, &e) // what is no JSON has no code: the status says enough
	_, code, found := cutLast(e.Type, "#")
	if !found {
		code = e.Type
	}
	err := &apiError{code: clip(code, 80), message: clip(e.Lower, 500), status: status}
	if status >= 500 || status == http.StatusTooManyRequests {
		return temporary{err}
	}
	for _, part := range throttled {
		if strings.Contains(code, part) {
			return temporary{err}
		}
	}
	return err
}

func clip(s string, most int) string {
	if len(s) > most {
		s = s[:most]
	}
	return strings.ToValidUTF8(s, "")
}
