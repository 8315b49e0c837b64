package kubernetes

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/twofoldhq/twofold/manifest/schema"
)

func settingsBlock() schema.Block {
	return schema.Block{
		Label: name,
		Doc:   "A Kubernetes cluster: each service as a Deployment.",
		Attributes: []schema.Attribute{
			{Name: "context", Type: schema.String, Default: "the current context of the kubeconfig", Doc: "The context of the kubeconfig that names the cluster and the user.", Example: `"shop-prod"`},
			{Name: "kubeconfig", Type: schema.String, Default: "$KUBECONFIG, else ~/.kube/config", Doc: "The kubeconfig file; a relative path begins at the manifest's folder.", Example: `"deploy/kubeconfig"`},
			{Name: "namespace", Type: schema.String, Default: "that of the context", Doc: "The namespace that the services go to.", Example: `"shop"`},
			{Name: "registry", Type: schema.String, Default: "that of the release", Doc: "Where the cluster pulls images from, as host and path.", Example: `"registry.example.com/shop"`},
		},
	}
}

// A namespace is a DNS label. Source: "Object Names and IDs" in the Kubernetes
// documentation.
var (
	namespacePattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	registryPattern  = regexp.MustCompile(`^[a-zA-Z0-9.-]+(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$`)
)

// read returns nil, or a *schema.Error.
func read(v schema.Values) error {
	for _, attribute := range []string{"context", "kubeconfig"} {
		if v.Has(attribute) && v.String(attribute) == "" {
			return wrong(attribute, "it is empty", "Remove it for the default, or name one.")
		}
	}
	if n := v.String("namespace"); v.Has("namespace") && !namespacePattern.MatchString(n) {
		return wrong("namespace", fmt.Sprintf("%q is not the name of a namespace", n), "Use 1 to 63 lower-case letters, digits and hyphens, a letter or digit first and last.")
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

func wrong(attribute, summary, detail string) error {
	return &schema.Error{Attribute: attribute, Summary: summary, Detail: detail}
}
