//go:build e2e

package lambda

import (
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
)

// newCloud starts the proxy before a moto_server.
func newCloud(moto string) (*cloud, error) {
	to, err := url.Parse(moto)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &cloud{url: "http://" + listener.Addr().String(), moto: moto, healthy: map[string]bool{}, aliases: map[string]string{}}
	c.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host
		},
	}
	c.server = &http.Server{Handler: c}
	go c.server.Serve(listener)
	return c, nil
}
