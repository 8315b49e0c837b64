package parity

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// bodyAttributes are the ways to state a body. A request has at most one, or
// part blocks.
var bodyAttributes = []string{"body", "body_base64", "body_file", "body_random", "json", "form"}

func (r *hclReader) body(request *Request, attributes hcl.Attributes, parts hcl.Blocks, at hcl.Range) {
	contentType := ""
	var first string
	for _, name := range bodyAttributes {
		a := attributes[name]
		if a == nil {
			continue
		}
		if first != "" {
			r.problem(a.NameRange, "Two bodies", fmt.Sprintf("The request has %s already.", first))
			continue
		}
		first = name
		request.Body, contentType = r.bodyFrom(a)
		if request.Body == nil {
			request.Body = []byte{}
		}
	}
	if len(parts) > 0 && first != "" {
		r.problem(parts[0].DefRange, "Two bodies", fmt.Sprintf("The request has %s already.", first))
	} else if len(parts) > 0 {
		request.Body, contentType = r.parts(parts)
	}
	request.Chunked = r.bool(attributes["chunked"])
	if contentType != "" && !hasHeader(request.Headers, "Content-Type") {
		request.Headers = append(request.Headers, Header{"Content-Type", contentType})
	}
	r.limit(len(request.Body), at)
}

// limit keeps all bodies of a file together within what one may have.
func (r *hclReader) limit(size int, at hcl.Range) {
	if r.read <= MaxBody && r.read+size > MaxBody {
		r.problem(at, "Too much to send", fmt.Sprintf("The bodies of the file are larger than %d MB together.", MaxBody>>20))
	}
	r.read += size
}

func hasHeader(headers []Header, name string) bool {
	for _, h := range headers {
		if strings.EqualFold(h.Name, name) {
			return true
		}
	}
	return false
}

func (r *hclReader) bodyFrom(a *hcl.Attribute) (body []byte, contentType string) {
	switch a.Name {
	case "body":
		s, _ := r.string(a)
		return []byte(s), ""
	case "body_base64":
		return r.base64(a), ""
	case "body_file":
		return r.bodyFile(a), ""
	case "body_random":
		return r.random(a), ""
	case "json":
		v, ok := r.value(a.Expr, cty.DynamicPseudoType)
		if !ok {
			return nil, ""
		}
		encoded, err := compactJSON(v)
		if err != nil {
			r.problem(a.Expr.Range(), "Not JSON", sentence(err))
		}
		return encoded, "application/json"
	}
	return []byte(r.form(a)), "application/x-www-form-urlencoded"
}

// compactJSON writes a value with sorted keys and without needless escapes.
func compactJSON(v cty.Value) ([]byte, error) {
	escaped, err := ctyjson.Marshal(v, v.Type())
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(escaped))
	dec.UseNumber()
	var plain any
	if err := dec.Decode(&plain); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err = enc.Encode(plain)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

func (r *hclReader) base64(a *hcl.Attribute) []byte {
	s, ok := r.string(a)
	if !ok {
		return nil
	}
	body, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		r.problem(a.Expr.Range(), "Not base64", sentence(err))
	}
	return body
}

func (r *hclReader) bodyFile(a *hcl.Attribute) []byte {
	name, ok := r.string(a)
	if !ok {
		return nil
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(r.dir, name)
	}
	body, err := readFile(name, MaxBody)
	if err != nil {
		r.problem(a.Expr.Range(), "Cannot read the file", strings.TrimPrefix(err.Error(), "stat ")+". A relative path starts at the folder of the requests file.")
	}
	return body
}

// random reads { bytes = N, seed = N }: bytes that look random and are the same
// in every replay.
func (r *hclReader) random(a *hcl.Attribute) []byte {
	v, ok := r.value(a.Expr, cty.ObjectWithOptionalAttrs(map[string]cty.Type{"bytes": cty.Number, "seed": cty.Number}, []string{"seed"}))
	if !ok {
		return nil
	}
	wrong := func() []byte {
		r.problem(a.Expr.Range(), "Wrong size or seed", fmt.Sprintf("Write { bytes = 1048576, seed = 7 }, with at most %d bytes.", MaxBody))
		return nil
	}
	size, seed := v.GetAttr("bytes"), v.GetAttr("seed")
	if size.IsNull() {
		return wrong()
	}
	n, accuracy := size.AsBigFloat().Int64()
	if accuracy != 0 || n < 0 || n > MaxBody {
		return wrong()
	}
	start := uint64(1)
	if !seed.IsNull() {
		if start, accuracy = seed.AsBigFloat().Uint64(); accuracy != 0 {
			return wrong()
		}
	}
	if r.read+int(n) > MaxBody {
		return make([]byte, n) // too much to send, as limit will say
	}
	return randomBytes(int(n), start)
}

// randomBytes is defined by the seed alone: PCG is a fixed algorithm.
func randomBytes(n int, seed uint64) []byte {
	source := rand.NewPCG(seed, 0)
	body := make([]byte, 0, n+8)
	for len(body) < n {
		body = binary.LittleEndian.AppendUint64(body, source.Uint64())
	}
	return body[:n]
}

// form encodes fields in the order in which they are written.
func (r *hclReader) form(a *hcl.Attribute) string {
	var fields []string
	for _, p := range r.pairs(a) {
		for _, v := range p.values {
			fields = append(fields, url.QueryEscape(p.name.text)+"="+url.QueryEscape(v.text))
		}
	}
	return strings.Join(fields, "&")
}

var partSchema = &hcl.BodySchema{
	Attributes: []hcl.AttributeSchema{
		{Name: "filename"},
		{Name: "content_type"},
		{Name: "body"},
		{Name: "body_base64"},
		{Name: "body_file"},
		{Name: "body_random"},
	},
}

// boundary separates the parts of a multipart body. It is always the same, so
// that both sides get the same bytes in every replay.
const boundary = "twofold-parity-e3b0c44298fc1c14"

func (r *hclReader) parts(blocks hcl.Blocks) (body []byte, contentType string) {
	var parts []part
	for _, block := range blocks {
		content, diags := block.Body.Content(partSchema)
		r.diags = append(r.diags, diags...)
		p := part{name: block.Labels[0]}
		p.filename, _ = r.string(content.Attributes["filename"])
		p.contentType, _ = r.string(content.Attributes["content_type"])
		for _, name := range bodyAttributes {
			if a := content.Attributes[name]; a != nil {
				p.body, _ = r.bodyFrom(a)
			}
		}
		if strings.ContainsAny(p.contentType, "\r\n") {
			r.problem(content.Attributes["content_type"].Expr.Range(), "Not a content type", "It holds a line break.")
		}
		parts = append(parts, p)
	}
	return multipart(parts, boundary), "multipart/form-data; boundary=" + boundary
}

// part is one field or file of a multipart body.
type part struct {
	name, filename, contentType string
	body                        []byte
}

// multipart writes a multipart/form-data body as browsers do (RFC 7578).
func multipart(parts []part, boundary string) []byte {
	quote := strings.NewReplacer(`"`, "%22", "\r", "%0D", "\n", "%0A")
	var b strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=\"%s\"", boundary, quote.Replace(p.name))
		if p.filename != "" {
			fmt.Fprintf(&b, "; filename=\"%s\"", quote.Replace(p.filename))
		}
		b.WriteString("\r\n")
		if p.contentType != "" {
			fmt.Fprintf(&b, "Content-Type: %s\r\n", p.contentType)
		}
		b.WriteString("\r\n")
		b.Write(p.body)
		b.WriteString("\r\n")
	}
	fmt.Fprintf(&b, "--%s--\r\n", boundary)
	return []byte(b.String())
}
