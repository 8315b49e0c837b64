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
			{Name: "kubeconfig", Type: schema.File, Default: "$KUBECONFIG, else ~/.kube/config", Doc: "The kubeconfig file.", Example: `"deploy/kubeconfig"`},
			{Name: "namespace", Type: schema.String, Default: "that of the context", Doc: "The namespace that the services go to.", Example: `"shop"`},
			{Name: "registry", Type: schema.String, Default: "none: a deploy needs it", Doc: "Where the cluster pulls images from, as host and path.", Example: `"registry.example.com/shop"`},
			{Name: "pull_secret", Type: schema.String, Default: "none", Doc: "The Secret of the namespace with which the cluster logs in to the registry.", Example: `"registry-login"`},
			{Name: "service_type", Type: schema.String, Default: `"ClusterIP"`, Doc: "How services are reached: ClusterIP, from inside the cluster; NodePort; LoadBalancer.", Example: `"LoadBalancer"`},
			{Name: "gateway", Type: schema.String, Default: "none: a domain is an Ingress", Doc: "The Gateway, as NAME or NAMESPACE/NAME, to which services with a domain attach an HTTPRoute.", Example: `"infra/public"`},
			{Name: "ingress_class", Type: schema.String, Default: "that of the cluster", Doc: "The class of the Ingress of services with a domain.", Example: `"nginx"`},
			{Name: "cluster_issuer", Type: schema.String, Default: "none", Doc: "The ClusterIssuer of cert-manager that the certificates of domains come from.", Example: `"letsencrypt"`},
			{Name: "storage_class", Type: schema.String, Default: "that of the cluster", Doc: "The storage class of volumes.", Example: `"fast"`},
			{Name: "serverless", Type: schema.Bool, Default: "false", Doc: "Services are Knative Services, which run no instance while no requests come: the cluster has Knative Serving.", Example: "true"},
			{Name: "keep_releases", Type: schema.Int, Default: "3", Doc: "How many releases are kept beside the one that serves, to go back to: 0 to 20.", Example: "5"},
		},
	}
}

// A namespace is a DNS label. Source: "Object Names and IDs" in the Kubernetes
// documentation.
var (
	namespacePattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	registryPattern  = regexp.MustCompile(`^[a-zA-Z0-9.-]+(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$`)
)

// settings are the attributes of a target block, read; "" is the default.
type settings struct {
	context, kubeconfig, namespace    string
	registry, pullSecret, serviceType string
	gateway, ingressClass, issuer     string
	storageClass                      string
	// serverless says that Knative runs the services.
	serverless bool
	keep       int
}

const keepDefault, keepMost = 3, 20

// The types of a Service.
const (
	clusterIP    = "ClusterIP"
	nodePort     = "NodePort"
	loadBalancer = "LoadBalancer"
)

// read returns the settings, or a *schema.Error.
func read(v schema.Values) (settings, error) {
	s := settings{
		context: v.String("context"), kubeconfig: v.String("kubeconfig"), namespace: v.String("namespace"),
		registry: v.String("registry"), pullSecret: v.String("pull_secret"), serviceType: v.String("service_type"),
		gateway: v.String("gateway"), ingressClass: v.String("ingress_class"), issuer: v.String("cluster_issuer"),
		storageClass: v.String("storage_class"), serverless: v.Bool("serverless"), keep: keepDefault,
	}
	for _, attribute := range []string{"context", "pull_secret", "gateway", "ingress_class", "cluster_issuer", "storage_class"} {
		if v.Has(attribute) && v.String(attribute) == "" {
			return s, wrong(attribute, "it is empty", "Remove it for the default, or name one.")
		}
	}
	if v.Has("namespace") && !namespacePattern.MatchString(s.namespace) {
		return s, wrong("namespace", fmt.Sprintf("%q is not the name of a namespace", s.namespace), "Use 1 to 63 lower-case letters, digits and hyphens, a letter or digit first and last.")
	}
	if v.Has("registry") && !registryPattern.MatchString(s.registry) {
		return s, wrong("registry", fmt.Sprintf("%q is not a registry", s.registry), betterRegistry(s.registry))
	}
	switch s.serviceType {
	case "":
		s.serviceType = clusterIP
	case clusterIP, nodePort, loadBalancer:
	default:
		return s, wrong("service_type", fmt.Sprintf("%q is no type of a Service", s.serviceType), "Write \"ClusterIP\", \"NodePort\" or \"LoadBalancer\".")
	}
	if s.gateway != "" && s.ingressClass != "" {
		return s, wrong("ingress_class", "a gateway and an ingress_class", "Remove one of them: a domain is an HTTPRoute or an Ingress.")
	}
	if s.serverless {
		if err := readServerless(s); err != nil {
			return s, err
		}
	}
	if v.Has("keep_releases") {
		n := v.Int("keep_releases")
		if n < 0 || n > keepMost {
			return s, wrong("keep_releases", fmt.Sprintf("%d is no number of releases to keep", n), fmt.Sprintf("Write a number from 0 to %d.", keepMost))
		}
		s.keep = int(n)
	}
	return s, nil
}

// readServerless finds what does not go together with serverless.
func readServerless(s settings) error {
	if s.namespace == "" {
		return wrong("serverless", "serverless without a namespace", "Write namespace = \"NAME\" in the block: Knative knows a service by its name and its namespace.")
	}
	for _, one := range []struct{ attribute, value string }{
		{"gateway", s.gateway}, {"ingress_class", s.ingressClass}, {"cluster_issuer", s.issuer},
	} {
		if one.value != "" {
			return wrong(one.attribute, "serverless and "+one.attribute, "Remove one of them: the domain of a Knative Service is a DomainMapping, which Knative's own ingress serves.")
		}
	}
	return nil
}

func betterRegistry(r string) string {
	if _, rest, ok := strings.Cut(r, "://"); ok && registryPattern.MatchString(strings.TrimSuffix(rest, "/")) {
		return fmt.Sprintf("Write registry = %q, without the scheme.", strings.TrimSuffix(rest, "/"))
	}
	return "Write a host and a path, such as \"registry.example.com/shop\"."
}

func wrong(attribute, summary, detail string) error {
	return &schema.Error{Attribute: attribute, Summary: summary, Detail: detail}
}
