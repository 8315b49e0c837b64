package parity

import (
	"context"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
)

// maxRedirects is how many redirects are followed before a side has failed.
const maxRedirects = 10

// ask sends a request and follows its redirects if it wants that. jar holds the
// cookies of the request's session on this side; nil without one.
func (e *endpoint) ask(ctx context.Context, r *Request, jar *cookiejar.Jar) (*answer, error) {
	current, path := *r, r.Path
	var followed []string
	for {
		a, err := e.exchange(ctx, &current, path, e.cookies(jar, path))
		if err != nil {
			return nil, err
		}
		e.keepCookies(jar, path, a)
		a.redirects = followed
		next, ok := e.next(path, a)
		if !r.FollowRedirects || !ok {
			return a, nil
		}
		if len(followed) == maxRedirects {
			return nil, fmt.Errorf("it redirects more than %d times", maxRedirects)
		}
		followed = append(followed, fmt.Sprintf("%d %s", a.status, next))
		path = next
		current.redirected(a.status)
	}
}

// next is the path that an answer redirects to, if it lies on the same host. A
// redirect to elsewhere is the answer: parity asks nobody but the two sides.
func (e *endpoint) next(path string, a *answer) (string, bool) {
	location := a.header.Get("Location")
	switch a.status {
	case 301, 302, 303, 307, 308:
	default:
		return "", false
	}
	target, err := url.Parse(location)
	if err != nil || location == "" {
		return "", false
	}
	if target.Host != "" && !strings.EqualFold(target.Host, e.host) && !strings.EqualFold(target.Host, e.base.Host) {
		return "", false
	}
	resolved := e.url(path).ResolveReference(target)
	next := resolved.RequestURI()
	if rest, ok := strings.CutPrefix(next, e.prefix); ok && strings.HasPrefix(rest, "/") {
		next = rest
	}
	return next, checkPath(next) == nil
}

// redirected changes the request as browsers do, after RFC 9110 section 15.4.
func (r *Request) redirected(status int) {
	if status == 307 || status == 308 || r.Method == "HEAD" || r.Method == "GET" && len(r.Body) == 0 {
		return
	}
	if status != 303 && r.Method != "POST" {
		return
	}
	r.Method, r.Body, r.Chunked = "GET", nil, false
	var kept []Header
	for _, h := range r.Headers {
		if !nameMatches("Content-*", h.Name) {
			kept = append(kept, h)
		}
	}
	r.Headers = kept
}

// url is where a path lies for the cookie jar and for relative redirects.
func (e *endpoint) url(path string) *url.URL {
	u := &url.URL{Scheme: e.base.Scheme, Host: e.host, Path: "/"}
	raw, query, _ := strings.Cut(e.prefix+path, "?")
	if p, err := url.PathUnescape(raw); err == nil {
		u.Path, u.RawPath, u.RawQuery = p, raw, query
	}
	return u
}

func (e *endpoint) cookies(jar *cookiejar.Jar, path string) string {
	if jar == nil {
		return ""
	}
	var pairs []string
	for _, c := range jar.Cookies(e.url(path)) {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	return strings.Join(pairs, "; ")
}

func (e *endpoint) keepCookies(jar *cookiejar.Jar, path string, a *answer) {
	if jar == nil {
		return
	}
	resp := http.Response{Header: a.header}
	jar.SetCookies(e.url(path), resp.Cookies())
}
