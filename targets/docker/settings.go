package docker

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/twofoldhq/twofold/manifest/schema"
)

func settingsBlock() schema.Block {
	return schema.Block{
		Label: name,
		Doc:   "A Docker Engine, on this machine or another: each service as containers.",
		Attributes: []schema.Attribute{
			{Name: "host", Type: schema.String, Default: "that of the docker command", Doc: "Where the engine answers: unix:///PATH, ssh://USER@HOST or tcp://HOST:PORT.", Example: `"ssh://deploy@shop.example.com"`},
			{Name: "certificates", Type: schema.String, Default: "no TLS", Doc: "The folder with ca.pem, cert.pem and key.pem for a tcp host; a relative path begins at the manifest's folder.", Example: `"deploy/certificates"`},
			{Name: "registry", Type: schema.String, Default: "none: images go over the connection to the engine", Doc: "Where the engine pulls images from, as host and path.", Example: `"registry.example.com/shop"`},
		},
	}
}

var registryPattern = regexp.MustCompile(`^[a-zA-Z0-9.-]+(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$`)

// read returns nil, or a *schema.Error.
func read(v schema.Values) error {
	host := v.String("host")
	if v.Has("host") {
		if err := readHost(host); err != nil {
			return err
		}
	}
	if v.Has("certificates") && !strings.HasPrefix(host, "tcp://") {
		return wrong("certificates", "certificates without a tcp host", "Remove it, or write host = \"tcp://HOST:2376\": only such a connection uses them.")
	}
	if r := v.String("registry"); v.Has("registry") && !registryPattern.MatchString(r) {
		detail := "Write a host and a path, such as \"registry.example.com/shop\"."
		if _, rest, ok := strings.Cut(r, "://"); ok && registryPattern.MatchString(strings.TrimSuffix(rest, "/")) {
			detail = fmt.Sprintf("Write registry = %q, without the scheme.", strings.TrimSuffix(rest, "/"))
		}
		return wrong("registry", fmt.Sprintf("%q is not a registry", r), detail)
	}
	return nil
}

const hosts = "Write \"unix:///var/run/docker.sock\", \"ssh://USER@HOST\" or \"tcp://HOST:2376\"."

// readHost never repeats the host: what cannot be read may hold a password.
func readHost(host string) error {
	u, err := url.Parse(host)
	if err != nil {
		return wrong("host", "it is not the address of an engine", hosts)
	}
	if _, has := u.User.Password(); has {
		return wrong("host", "a password in the address", "Remove it: ssh takes keys from its agent and its configuration.")
	}
	bare := u.RawQuery == "" && u.Fragment == ""
	switch u.Scheme {
	case "unix":
		if u.Host == "" && path.IsAbs(u.Path) && bare {
			return nil
		}
		return wrong("host", "a socket has an absolute path", "Write three slashes, as in \"unix:///var/run/docker.sock\".")
	case "ssh":
		if u.Hostname() != "" && (u.Path == "" || u.Path == "/") && bare {
			return nil
		}
		return wrong("host", "it is not a host that ssh reaches", "Write \"ssh://USER@HOST\" or \"ssh://USER@HOST:PORT\", without a path.")
	case "tcp":
		if u.Hostname() != "" && u.Port() != "" && (u.Path == "" || u.Path == "/") && bare {
			return nil
		}
		return wrong("host", "a tcp address needs a host and a port", "Write \"tcp://HOST:2376\".")
	}
	return wrong("host", "it is not the address of an engine", hosts)
}

func wrong(attribute, summary, detail string) error {
	return &schema.Error{Attribute: attribute, Summary: summary, Detail: detail}
}
