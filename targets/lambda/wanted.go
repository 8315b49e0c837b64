package lambda

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/fit/awslambda"
)

// Defaults of what the manifest does not set.
const (
	defaultMemory  = 512 // MB
	defaultTimeout = 30 * time.Second
	customRuntime  = "provided.al2023"
	// handler is required for a zip. Neither the custom runtime nor a managed one that
	// is started through the adapter loads it.
	handler = "bootstrap"
	// zipMost is the size of a bundle beyond which it goes through S3. Source:
	// awslambda.Quotas.
	zipMost = 50 * mebibyte
)

// wanted is a deployment in Lambda's terms.
type wanted struct {
	key     targets.Key
	name    string
	digest  string
	tags    map[string]string
	form    release.Form
	release *release.Release

	// codeSum is base64 of the SHA-256 of the zip, as Lambda states it, or the digest of
	// the image, which is nil for a bundle.
	codeSum  string
	image    *wantedImage
	config   functionConfig
	role     *wantedRole // nil where the target block names one
	logGroup string
	// retention is in days, 0 for ever; reserved is the number of instances, 0 for
	// no bound.
	retention, reserved int32
	// ready is the number of instances that are kept ready.
	ready int32
	// public is what requests come through, "" for nothing; stream hands over an
	// answer while it is made.
	public string
	stream bool
	// domain is the host name, or "". The rest is of the target block: the ARN of a
	// listener, with public "alb", and of a certificate, and the id of the hosted zone.
	domain, listener, certificate, zone string

	health    string
	start     time.Duration
	sensitive []string

	schedules map[string]scheduled
	scheduler *wantedRole // what the schedules run as; nil without schedules
	mappings  map[string]mapping
	notices   map[string]map[string]notice
	secrets   []targets.Secret
}

// functionConfig is what makes one version differ from another, beside its code.
type functionConfig struct {
	runtime, handler, architecture string
	image                          bool // and no bundle
	role, description              string
	memory, timeout                int32 // MB, seconds
	env                            map[string]string
	subnets, groups                []string
	// tmp is in MB; xray says that X-Ray records invocations.
	tmp            int32
	layers         []string
	xray, jsonLogs bool
	// mount is the ARN of an access point, at path; "" is none.
	mount, path string
}

// want says what a deployment comes to. It asks nobody.
func (t *Target) want(ctx context.Context, s *session, d targets.Deployment) (*wanted, error) {
	form, err := t.form(d.Release)
	if err != nil {
		return nil, err
	}
	codeSum, image, err := codeOf(ctx, d, form)
	if err != nil {
		return nil, err
	}
	w := &wanted{
		key: d.Key, name: functionName(d.Key), digest: d.Release.Digest, tags: ownTags(d.Key), form: form, release: d.Release,
		codeSum: codeSum, image: image,
		retention: t.settings.retention, reserved: int32(d.Scale.Max), ready: int32(d.Scale.Min),
		health: d.Health, start: d.Start, sensitive: d.Sensitive,
	}
	if t.settings.public != "none" && !d.TriggersOnly {
		w.public = cmp.Or(t.settings.public, publicURL)
		w.stream = w.public == publicURL && t.settings.stream
		w.hostFrom(d.Domain, t.settings)
	}
	w.logGroup = "/aws/lambda/" + w.name
	w.config, err = t.functionConfig(d, form)
	if err != nil {
		return nil, err
	}
	w.secrets = d.Secrets
	if w.schedules, w.scheduler, err = s.wantSchedules(w, d.Schedules); err != nil {
		return nil, err
	}
	if w.mappings, err = s.wantMappings(d.Triggers); err != nil {
		return nil, err
	}
	w.notices = s.wantNotices(w.name, d.Triggers)
	if w.stream {
		w.config.env["TWOFOLD_RESPONSE_MODE"] = "stream"
	}
	w.config.role = t.settings.role
	if t.settings.role == "" {
		w.role = s.roleOf(w, t.settings)
		w.config.role = w.role.arn
	}
	return w, nil
}

// codeOf is what tells the code of a deployment from another's, and the image if it is
// one.
func codeOf(ctx context.Context, d targets.Deployment, form release.Form) (sum string, image *wantedImage, err error) {
	if form.Kind == release.Image {
		if image, err = wantImage(ctx, d, form); err != nil {
			return "", nil, err
		}
		return image.digest, image, nil
	}
	hash := sha256.New()
	if err := d.Release.WriteBundle(ctx, form, hash); err != nil {
		return "", nil, err
	}
	return base64.StdEncoding.EncodeToString(hash.Sum(nil)), nil, nil
}

func (t *Target) functionConfig(d targets.Deployment, form release.Form) (functionConfig, error) {
	c := functionConfig{
		runtime: customRuntime, handler: handler, architecture: architecture(form.Platform), description: description(d.Release.Digest),
		memory: defaultMemory, timeout: int32(defaultTimeout / time.Second),
		env: t.environment(d), subnets: t.settings.subnets, groups: t.settings.groups,
		tmp: t.settings.tmp, xray: t.settings.tracing == tracingXRay, jsonLogs: t.settings.jsonLogs, layers: t.settings.layers,
	}
	if d.Memory > 0 {
		c.memory = int32((d.Memory + mebibyte - 1) / mebibyte)
	}
	if d.Timeout > 0 {
		c.timeout = int32((d.Timeout + time.Second - 1) / time.Second)
	}
	if form.Kind == release.Image {
		c.runtime, c.handler, c.image = "", "", true
		if len(c.layers) > 0 {
			return c, fmt.Errorf("%s takes no layers of Lambda: remove layers in the target block, or give the service a target of its own", formText(true))
		}
	} else if form.Runtime != "" {
		c.runtime = form.Runtime
		c.env["AWS_LAMBDA_EXEC_WRAPPER"] = "/var/task/" + release.AdapterName
	}
	for _, v := range d.Volumes {
		arn := t.settings.volumes[v.Name]
		if arn == "" || c.mount != "" {
			return c, fmt.Errorf("volume %q: a function mounts one volume, with its access point in volumes of the target block", v.Name)
		}
		c.mount, c.path = arn, v.Path
	}
	return c, nil
}

// environment is the function's: the service's own, and what the adapter must know.
// What the service sets itself stays.
func (t *Target) environment(d targets.Deployment) map[string]string {
	env := maps.Clone(d.Env)
	if env == nil {
		env = map[string]string{}
	}
	set := func(name, value string) {
		if _, own := env[name]; !own {
			env[name] = value
		}
	}
	if d.Port > 0 {
		set("PORT", strconv.Itoa(d.Port))
	}
	if d.Health != "" {
		set("TWOFOLD_HEALTH_PATH", d.Health)
	}
	if d.Start > 0 {
		// The adapter gives up a little before the platform does, and says why.
		set("TWOFOLD_START_TIMEOUT", (d.Start - min(d.Start/20, 500*time.Millisecond)).String())
	}
	if t.settings.tracing == tracingTelemetry {
		for name, value := range telemetry(d) {
			set(name, value)
		}
	}
	if value := awslambda.Triggers(d.Schedules, d.Triggers); value != "" {
		set(awslambda.TriggersVariable, value)
	}
	if value := secretsValue(d.Secrets); value != "" {
		env[secretsVariable] = value
		if t.settings.refresh != "" {
			set(refreshVariable, t.settings.refresh)
		}
	}
	return env
}

// zip returns the bundle.
func (w *wanted) zip(ctx context.Context) ([]byte, error) {
	b := bytes.NewBuffer(make([]byte, 0, w.form.Size))
	err := w.release.WriteBundle(ctx, w.form, b)
	return b.Bytes(), err
}
