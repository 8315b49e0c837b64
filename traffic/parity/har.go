package parity

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/url"
	"strings"
)

// harFile is what is read of a HAR 1.2 recording.
type harFile struct {
	Log struct {
		Entries []struct {
			Request harRequest `json:"request"`
		} `json:"entries"`
	} `json:"log"`
}

type harRequest struct {
	Method   string     `json:"method"`
	URL      string     `json:"url"`
	Headers  []harField `json:"headers"`
	PostData *harBody   `json:"postData"`
}

type harField struct {
	Name        string `json:"name"`
	Value       string `json:"value"`
	FileName    string `json:"fileName"`
	ContentType string `json:"contentType"`
}

type harBody struct {
	MimeType string     `json:"mimeType"`
	Text     string     `json:"text"`
	Encoding string     `json:"encoding"` // "base64", as some recorders write it
	Params   []harField `json:"params"`
}

// parseHAR takes the requests of a recording. A browser records every host that
// a page asks; only those to the first entry's host are the service's.
func parseHAR(path string, src []byte) (*Suite, error) {
	var file harFile
	if err := json.Unmarshal(bytes.TrimPrefix(src, []byte("\ufeff")), &file); err != nil {
		return nil, fmt.Errorf("parity: %s is no HAR recording: %w", path, err)
	}
	suite := &Suite{Source: path}
	origin, elsewhere := "", 0
	names := map[string]int{}
	size := 0
	var wrong []error
	for i, entry := range file.Log.Entries {
		host, target, ok := splitURL(entry.Request.URL)
		if ok && origin == "" {
			origin = host
		}
		if !ok || host != origin {
			elsewhere++
			continue
		}
		request, err := entry.Request.request(target)
		if err == nil {
			err = request.check()
		}
		if size += len(request.Body); err == nil && size > MaxBody {
			err = fmt.Errorf("the bodies of the recording are larger than %d MB together", MaxBody>>20)
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("parity: %s: entry %d, %s: %w", path, i+1, shorten(entry.Request.URL, 100), err))
			continue
		}
		request.Name = request.Method + " " + cut(strings.SplitN(target, "?", 2)[0], 60)
		if names[request.Name]++; names[request.Name] > 1 {
			request.Name = fmt.Sprintf("%s (%d)", request.Name, names[request.Name])
		}
		suite.Requests = append(suite.Requests, request)
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	if len(suite.Requests) == 0 {
		return nil, fmt.Errorf("parity: %s holds no request to a web server: record some, or write a requests file in HCL", path)
	}
	if elsewhere > 0 {
		suite.Notes = append(suite.Notes, fmt.Sprintf("%s for other hosts than %s left out", count(elsewhere, "recorded request"), origin))
	}
	return suite, nil
}

// splitURL takes host and request target from a URL, byte for byte.
func splitURL(raw string) (host, target string, ok bool) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return "", "", false
	}
	rest, _, _ = strings.Cut(rest, "#")
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		return strings.ToLower(rest), "/", rest != ""
	}
	host, target = strings.ToLower(rest[:end]), rest[end:]
	if target[0] == '?' {
		target = "/" + target
	}
	return host, target, host != ""
}

func (h *harRequest) request(target string) (Request, error) {
	r := Request{Method: h.Method, Path: target, Times: 1}
	for _, f := range h.Headers {
		if strings.HasPrefix(f.Name, ":") || belongsToConnection(f.Name) {
			continue
		}
		r.Headers = append(r.Headers, Header{f.Name, f.Value})
	}
	if h.PostData == nil {
		return r, nil
	}
	var err error
	if r.Body, err = h.PostData.bytes(); err != nil {
		return r, err
	}
	if len(r.Body) > 0 && h.PostData.MimeType != "" && !hasHeader(r.Headers, "Content-Type") {
		r.Headers = append(r.Headers, Header{"Content-Type", h.PostData.MimeType})
	}
	return r, nil
}

// belongsToConnection names the headers of the recorded connection, which the
// replay states by itself or which mean nothing to the app.
func belongsToConnection(name string) bool {
	switch strings.ToLower(name) {
	case "host", "content-length", "transfer-encoding", "connection", "keep-alive", "proxy-connection",
		"upgrade", "te", "trailer", "expect":
		return true
	}
	return false
}

func (b *harBody) bytes() ([]byte, error) {
	if strings.EqualFold(b.Encoding, "base64") {
		body, err := base64.StdEncoding.DecodeString(b.Text)
		if err != nil {
			return nil, fmt.Errorf("postData.text is not base64: %w", err)
		}
		return body, nil
	}
	if b.Text != "" || len(b.Params) == 0 {
		return []byte(b.Text), nil
	}
	kind, params, _ := mime.ParseMediaType(b.MimeType)
	if kind == "multipart/form-data" {
		if params["boundary"] == "" {
			return nil, errors.New("postData.mimeType states no boundary")
		}
		var parts []part
		for _, f := range b.Params {
			parts = append(parts, part{f.Name, f.FileName, f.ContentType, []byte(f.Value)})
		}
		return multipart(parts, params["boundary"]), nil
	}
	var fields []string
	for _, f := range b.Params {
		fields = append(fields, url.QueryEscape(f.Name)+"="+url.QueryEscape(f.Value))
	}
	return []byte(strings.Join(fields, "&")), nil
}
