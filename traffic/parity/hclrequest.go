package parity

import (
	"fmt"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// requestSchema is what a request block takes.
var requestSchema = &hcl.BodySchema{
	Attributes: []hcl.AttributeSchema{
		{Name: "method"},
		{Name: "path", Required: true},
		{Name: "headers"},
		{Name: "body"},
		{Name: "body_base64"},
		{Name: "body_file"},
		{Name: "body_random"},
		{Name: "json"},
		{Name: "form"},
		{Name: "chunked"},
		{Name: "session"},
		{Name: "follow_redirects"},
		{Name: "times"},
		{Name: "timeout"},
		{Name: "expect_status"},
		{Name: "may_differ_headers"},
		{Name: "may_differ_json"},
		{Name: "may_differ_lines"},
	},
	Blocks: []hcl.BlockHeaderSchema{
		{Type: "part", LabelNames: []string{"name"}},
		{Type: "expect_difference"},
	},
}

var differenceSchema = &hcl.BodySchema{
	Attributes: []hcl.AttributeSchema{{Name: "in", Required: true}, {Name: "reason", Required: true}},
}

// Bounds of a request's numbers.
const (
	maxTimes   = 1000
	maxTimeout = 15 * time.Minute // the longest that AWS Lambda allows
)

func (r *hclReader) request(block *hcl.Block) Request {
	content, diags := block.Body.Content(requestSchema)
	r.diags = append(r.diags, diags...)
	attributes := content.Attributes
	request := Request{Name: block.Labels[0], Method: "GET"}
	if request.Name == "" {
		r.problem(block.LabelRanges[0], "No name", "Give the request a name for the report.")
	}
	request.Headers = r.headers(attributes["headers"])
	r.body(&request, attributes, content.Blocks.OfType("part"), block.DefRange)
	if method, ok := r.string(attributes["method"]); ok {
		request.Method = method
		if err := checkMethod(method); err != nil {
			r.problem(attributes["method"].Expr.Range(), "Not a method", sentence(err))
		}
	} else if request.Body != nil {
		request.Method = "POST"
	}
	if path, ok := r.string(attributes["path"]); ok {
		request.Path = path
		if err := checkPath(path); err != nil {
			r.problem(attributes["path"].Expr.Range(), "Not a path", sentence(err))
		}
	}
	request.Session, _ = r.string(attributes["session"])
	request.FollowRedirects = r.bool(attributes["follow_redirects"])
	request.Times = int(r.int(attributes["times"], 1, maxTimes, 1))
	request.ExpectStatus = int(r.int(attributes["expect_status"], 200, 599, 0))
	request.Timeout = r.duration(attributes["timeout"])
	request.Ignore = r.ignore(attributes)
	for _, b := range content.Blocks.OfType("expect_difference") {
		request.Expected = append(request.Expected, r.expectation(b))
	}
	return request
}

func (r *hclReader) headers(a *hcl.Attribute) []Header {
	var headers []Header
	for _, p := range r.pairs(a) {
		for _, v := range p.values {
			if err := checkHeader(p.name.text, v.text); err != nil {
				r.problem(p.name.at, "Header cannot be sent", sentence(err))
				continue
			}
			headers = append(headers, Header{p.name.text, v.text})
		}
	}
	return headers
}

func (r *hclReader) duration(a *hcl.Attribute) time.Duration {
	written, ok := r.string(a)
	if !ok {
		return 0
	}
	d, err := time.ParseDuration(written)
	if err != nil || d <= 0 || d > maxTimeout {
		r.problem(a.Expr.Range(), "Not a duration", fmt.Sprintf(`%q is no duration up to %s, such as "30s".`, written, maxTimeout))
		return 0
	}
	return d
}

func (r *hclReader) expectation(block *hcl.Block) Expectation {
	content, diags := block.Body.Content(differenceSchema)
	r.diags = append(r.diags, diags...)
	var e Expectation
	for _, s := range r.stringList(content.Attributes["in"]) {
		place, err := ParsePlace(s.text)
		if err != nil {
			r.problem(s.at, "Not a place in an answer", fmt.Sprintf("%q: %s.", s.text, err))
			continue
		}
		e.In = append(e.In, place)
	}
	if reason := content.Attributes["reason"]; reason != nil {
		e.Reason, _ = r.string(reason)
		if e.Reason == "" {
			r.problem(reason.Expr.Range(), "No reason", "Say why the platform cannot carry it, for whoever reads the report.")
		}
	}
	return e
}
