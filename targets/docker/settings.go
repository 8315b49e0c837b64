package docker

import (
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets/gateway"
)

func settingsBlock() schema.Block {
	return schema.Block{
		Label: name,
		Doc:   "A Docker Engine, on this machine or another: each service as containers.",
		Attributes: []schema.Attribute{
			{Name: "host", Type: schema.String, Default: "that of the docker command", Doc: "Where the engine answers: unix:///PATH, ssh://USER@HOST or tcp://HOST:PORT.", Example: `"ssh://deploy@shop.example.com"`},
			{Name: "certificates", Type: schema.File, Default: "no TLS", Doc: "The folder with ca.pem, cert.pem and key.pem for a tcp host.", Example: `"deploy/certificates"`},
			{Name: "registry", Type: schema.String, Default: "none: images go over the connection to the engine", Doc: "Where the engine pulls images from, as host and path.", Example: `"registry.example.com/shop"`},
			{Name: "listen", Type: schema.String, Default: `"127.0.0.1"`, Doc: "The address of the engine's machine at which services without a domain answer.", Example: `"0.0.0.0"`},
			{Name: "ports", Type: schema.StringMap, Default: "a free one from 20000 on, the same each time", Doc: "For each service without a domain, the port of the engine's machine.", Example: `{ api = "8080" }`},
			{Name: "http_port", Type: schema.Int, Default: "80", Doc: "The port at which services with a domain answer plain requests, by sending them to https.", Example: "8080"},
			{Name: "https_port", Type: schema.Int, Default: "443", Doc: "The port at which services with a domain answer.", Example: "8443"},
			{Name: "acme_directory", Type: schema.String, Default: "that of Let's Encrypt", Doc: "The directory of the authority that the certificates of domains come from.", Example: `"https://acme-staging-v02.api.letsencrypt.org/directory"`},
			{Name: "acme_email", Type: schema.String, Default: "none", Doc: "Whom the authority writes to.", Example: `"ops@example.com"`},
			{Name: "acme_roots", Type: schema.File, Default: "the usual authorities", Doc: "A file with the certificates, in PEM, that an authority of your own is trusted by.", Example: `"deploy/authority.pem"`},
			{Name: "queues", Type: schema.StringMap, Default: "none", Doc: "For each source of a block on \"queue\", the URL of the Redis stream that its messages come from.", Example: `{ orders = "redis://queue:6379/0/orders" }`},
			{Name: "queue_passwords", Type: schema.StringMap, Default: "none", Doc: "For each source whose server asks for a password, the name of the secret that holds it.", Example: `{ orders = "ORDERS_PASSWORD" }`},
			{Name: "keep_releases", Type: schema.Int, Default: "3", Doc: "How many releases stay on the engine beside the one that serves, to go back to: 0 to 20.", Example: "5"},
		},
	}
}

var registryPattern = regexp.MustCompile(`^[a-zA-Z0-9.-]+(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$`)

// settings are the attributes of a target block, read.
type settings struct {
	// host is "" for the engine of the docker command.
	host, certificates, registry string
	listen                       netip.Addr
	ports                        map[string]int
	plain, tls                   int
	authority, email, roots      string
	queues                       map[string]stream // by source
	keep                         int
}

const keepDefault, keepMost = 3, 20

// read returns the settings, or a *schema.Error.
func read(v schema.Values) (settings, error) {
	s := settings{
		host: v.String("host"), certificates: v.String("certificates"), registry: v.String("registry"), keep: keepDefault,
		listen: netip.AddrFrom4([4]byte{127, 0, 0, 1}), plain: 80, tls: 443, ports: map[string]int{},
		authority: v.String("acme_directory"), email: v.String("acme_email"), roots: v.String("acme_roots"),
	}
	if v.Has("host") {
		if err := readHost(s.host); err != nil {
			return s, err
		}
	}
	if v.Has("certificates") && !strings.HasPrefix(s.host, "tcp://") {
		return s, wrong("certificates", "certificates without a tcp host", "Remove it, or write host = \"tcp://HOST:2376\": only such a connection uses them.")
	}
	if strings.HasPrefix(s.host, "tcp://") && !v.Has("certificates") && !loopback(s.host) {
		return s, wrong("host", "an engine over the network without TLS", "Set certificates, or write \"ssh://USER@HOST\": without TLS whoever is on the way reads the secrets and rules the engine's machine.")
	}
	if v.Has("registry") {
		if err := readRegistry(s.registry); err != nil {
			return s, err
		}
	}
	if v.Has("listen") {
		address, err := netip.ParseAddr(v.String("listen"))
		if err != nil {
			return s, wrong("listen", fmt.Sprintf("%q is not an address", v.String("listen")), "Write \"0.0.0.0\" for all of the machine's addresses, or one of them.")
		}
		s.listen = address
	}
	if v.Has("keep_releases") {
		n := v.Int("keep_releases")
		if n < 0 || n > keepMost {
			return s, wrong("keep_releases", fmt.Sprintf("%d is no number of releases to keep", n), fmt.Sprintf("Write a number from 0 to %d.", keepMost))
		}
		s.keep = int(n)
	}
	if err := s.readAuthority(v); err != nil {
		return s, err
	}
	if err := s.readQueues(v); err != nil {
		return s, err
	}
	return s, s.readPorts(v)
}

func readRegistry(r string) error {
	if registryPattern.MatchString(r) {
		return nil
	}
	detail := "Write a host and a path, such as \"registry.example.com/shop\"."
	if _, rest, ok := strings.Cut(r, "://"); ok && registryPattern.MatchString(strings.TrimSuffix(rest, "/")) {
		detail = fmt.Sprintf("Write registry = %q, without the scheme.", strings.TrimSuffix(rest, "/"))
	}
	return wrong("registry", fmt.Sprintf("%q is not a registry", r), detail)
}

func (s *settings) readAuthority(v schema.Values) error {
	if u, err := url.Parse(s.authority); v.Has("acme_directory") && (err != nil || u.Scheme != "https" || u.Host == "") {
		return wrong("acme_directory", "it is not the URL of a directory", "Write one that begins with https://.")
	}
	return nil
}

func (s *settings) readPorts(v schema.Values) error {
	const fix = "Write a number from 1 to 65535."
	for _, one := range []struct {
		name string
		port *int
	}{{"http_port", &s.plain}, {"https_port", &s.tls}} {
		if !v.Has(one.name) {
			continue
		}
		if *one.port = int(v.Int(one.name)); *one.port < 1 || *one.port > 65535 {
			return wrong(one.name, fmt.Sprintf("%d is not a port", *one.port), fix)
		}
	}
	taken := map[int]string{}
	ports := v.StringMap("ports")
	for _, service := range slices.Sorted(maps.Keys(ports)) {
		n, err := strconv.Atoi(ports[service])
		if err != nil || n < 1 || n > 65535 {
			return wrong("ports", fmt.Sprintf("%q is not a port", ports[service]), fix)
		}
		if other := taken[n]; other != "" {
			return wrong("ports", fmt.Sprintf("%s and %s have the same port", other, service), "Give each service a port of its own.")
		}
		taken[n], s.ports[service] = service, n
	}
	return nil
}

// port is the one that the target block gives to a service, or 0.
func (s settings) port(service string) int { return s.ports[service] }

// publishes reports whether a deployment has a port of the engine's machine: with a
// domain, all requests come through the gateway of the host names.
func (s settings) publishes(w *wanted) bool {
	return !w.TriggersOnly && (w.Domain == "" || s.ports[w.Service] != 0)
}

func (s settings) address() netip.Addr { return s.listen }
func (s settings) plainPort() int      { return s.plain }
func (s settings) tlsPort() int        { return s.tls }

// reachedAt is the name of the engine's machine in the URL of a service without a
// domain.
func (s settings) reachedAt() string {
	if !s.listen.IsUnspecified() {
		return s.listen.String()
	}
	if u, err := url.Parse(s.host); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	return "127.0.0.1"
}

// acme is where the gateway of the host names obtains certificates.
func (s settings) acme() (gateway.ACME, error) {
	a := gateway.ACME{Directory: s.authority, Email: s.email}
	if s.roots == "" {
		return a, nil
	}
	roots, err := os.ReadFile(s.roots)
	if err != nil {
		return a, fmt.Errorf("read acme_roots: %w", err)
	}
	a.Roots = string(roots)
	return a, nil
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

// loopback reports whether a host is this machine, whose network no other sees.
func loopback(host string) bool {
	u, err := url.Parse(host)
	if err != nil {
		return false
	}
	address, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && address.IsLoopback()
}

func wrong(attribute, summary, detail string) error {
	return &schema.Error{Attribute: attribute, Summary: summary, Detail: detail}
}
