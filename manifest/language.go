package manifest

import (
	"fmt"
	"strings"

	"github.com/twofoldhq/twofold/manifest/schema"
)

// The types that only the language itself has, beside those of a schema.
const (
	typeAny      schema.Type = "any"
	typeName     schema.Type = "name"     // see checkName
	typeDuration schema.Type = "duration" // see parseDuration
	typeCPU      schema.Type = "cpu"      // see parseCPU
	typeMemory   schema.Type = "memory"   // see parseMemory
	typeType     schema.Type = "type"     // a type constraint, such as list(string)
	typeEnv      schema.Type = "env"      // a map of strings, numbers and bools
	typePath     schema.Type = "path"     // see path: where an app answers
	typeCron     schema.Type = "cron"     // see checkCron
	typeTarget   schema.Type = "target"   // the address of a target, such as target.local.container
	typeTargets  schema.Type = "targets"  // one or a list of them
	typeServices schema.Type = "services" // a list of services
	typeItems    schema.Type = "items"    // a map or a set
	typeChoice   schema.Type = "choice"   // one of Choices
	typeChoices  schema.Type = "choices"  // a list of some of Choices
	typePercent  schema.Type = "percent"  // see parsePercent
	typePercents schema.Type = "percents" // a list of them
	typeDomain   schema.Type = "domain"   // a host name
)

// blockType is what one kind of block takes. The language is a table of them:
// reading, checking, suggestions and the reference all come from it.
type blockType struct {
	name string
	// labels are what the labels of the block name.
	labels []labelType
	// doc is one sentence; example is a block in native syntax.
	doc     string
	example string
	attrs   []schema.Attribute
	blocks  []*blockType
	// once: there is at most one such block in the block around it.
	once bool
	// unique: no two blocks in the block around it have the same labels.
	unique bool
	// anyAttribute: the attributes are names that the manifest chooses.
	anyAttribute bool
	// byLabel: what the block takes depends on its first label.
	byLabel bool
	// variants are what it takes by its first label, where the language itself
	// knows all of them.
	variants []*blockType
	// override: the block changes another one, and nothing in it is required.
	override bool
	// foreign maps names that other tools use to those of this block.
	foreign map[string]string
}

type labelType struct {
	name, doc string
}

var buildBlock = &blockType{
	name:    "build",
	labels:  []labelType{{"builder", "the builder"}},
	doc:     "How the service's code becomes an app tree.",
	example: `build "go" { package = "." }`,
	attrs: []schema.Attribute{
		{Name: "base", Type: schema.String, Default: "twofold's own minimal image", Doc: "Reference of the image that the app tree is laid upon.", Example: `"gcr.io/distroless/static"`},
		{Name: "platforms", Type: schema.Strings, Default: "what the targets run", Doc: "The platforms to build for.", Example: `["linux/amd64", "linux/arm64"]`},
	},
	once:    true,
	byLabel: true,
	foreign: map[string]string{"from": "base", "base_image": "base", "platform": "platforms", "architectures": "platforms", "arch": "platforms"},
}

var healthBlock = &blockType{
	name:    "health",
	doc:     "When an instance is ready.",
	example: `health { path = "/healthz" }`,
	attrs: []schema.Attribute{
		{Name: "path", Type: typePath, Default: fmt.Sprintf("%q", DefaultHealthPath), Doc: "The path that answers with 2xx when the app is ready.", Example: `"/healthz"`},
		{Name: "start", Type: typeDuration, Default: fmt.Sprintf("%q", DefaultStart), Doc: "How long an instance may take until it is ready.", Example: `"10s"`},
	},
	once:    true,
	foreign: map[string]string{"timeout": "start", "url": "path", "endpoint": "path", "start_period": "start", "initial_delay_seconds": "start"},
}

var scaleBlock = &blockType{
	name:    "scale",
	doc:     "How many instances run.",
	example: "scale {\n  min = 0\n  max = 20\n}",
	attrs: []schema.Attribute{
		{Name: "min", Type: schema.Int, Default: "0", Doc: "The instances that always run.", Example: "1"},
		{Name: "max", Type: schema.Int, Default: "the target's default", Doc: "The most instances that run at a time.", Example: "20"},
		{Name: "concurrency", Type: schema.Int, Default: "the target's default", Doc: "How many requests one instance takes at a time.", Example: "50"},
	},
	once: true,
	foreign: map[string]string{"minimum": "min", "maximum": "max", "min_instances": "min", "max_instances": "max", "min_replicas": "min",
		"max_replicas": "max", "replicas": "max", "instances": "max"},
}

// The attributes that all triggers have.
var (
	triggerPath   = schema.Attribute{Name: "path", Type: typePath, Required: true, Doc: "Where the event is posted to. A 2xx answer acknowledges it, any other makes the platform try again.", Example: `"/events"`}
	triggerTarget = schema.Attribute{Name: "target", Type: typeTarget, Default: "the service's", Doc: "The target that receives the event and runs the release for it.", Example: "target.local.function"}
	enabled       = schema.Attribute{Name: "enabled", Type: schema.Bool, Default: "true", Doc: "false leaves the block out, for example in one environment.", Example: "true"}
)

var secretBlock = &blockType{
	name:    "secret",
	labels:  []labelType{{"name", "the environment variable"}},
	doc:     "An environment variable whose value the target looks up. The value is in no manifest, release, plan or log.",
	example: `secret "DATABASE_URL" { from = "shop/database-url" }`,
	attrs: []schema.Attribute{
		{Name: "from", Type: schema.String, Required: true, Doc: "The secret's name in the target's own store. The local targets take the value from the environment variable of the block's name, or from the untracked file twofold.secrets beside the manifest.", Example: `"shop/database-url"`},
	},
	unique:  true,
	foreign: map[string]string{"value_from": "from", "source": "from", "name": "from", "key": "from", "arn": "from", "secret_name": "from"},
}

var scheduleBlock = &blockType{
	name:    "schedule",
	labels:  []labelType{{"name", "the schedule's name"}},
	doc:     "A POST to the service at times.",
	example: "schedule \"nightly\" {\n  cron = \"0 3 * * *\"\n  path = \"/tasks/nightly\"\n}",
	attrs: []schema.Attribute{
		{Name: "cron", Type: typeCron, Required: true, Doc: "Minute, hour, day of the month, month and day of the week; or @hourly, @daily, @weekly, @monthly, @yearly.", Example: `"0 3 * * *"`},
		triggerPath,
		{Name: "timezone", Type: schema.String, Default: fmt.Sprintf("%q", DefaultTimezone), Doc: "The IANA time zone of cron.", Example: `"Europe/Berlin"`},
		triggerTarget,
		enabled,
	},
	unique: true,
	foreign: map[string]string{"schedule": "cron", "rate": "cron", "expression": "cron", "schedule_expression": "cron", "at": "cron", "url": "path", "endpoint": "path",
		"tz": "timezone", "time_zone": "timezone", "zone": "timezone", "disabled": "enabled"},
}

var queueBlock = &blockType{
	name:    "on",
	labels:  []labelType{{"kind", "what happens"}, {"name", "the trigger's name"}},
	doc:     "A POST to the service for the messages of a queue.",
	example: "on \"queue\" \"orders\" {\n  source = \"orders\"\n  path   = \"/events/orders\"\n}",
	attrs: []schema.Attribute{
		{Name: "source", Type: schema.String, Required: true, Doc: "The queue's name on the target.", Example: `"orders"`},
		triggerPath,
		{Name: "batch", Type: schema.Int, Default: "1", Doc: "The most messages that are taken at a time.", Example: "10"},
		{Name: "batch_mode", Type: typeChoice, Choices: []string{"each", "whole"}, Default: `"each"`, Doc: "Whether each message of a batch comes as a request of its own, or all come as one.", Example: `"each"`},
		triggerTarget,
		enabled,
	},
	foreign: map[string]string{"queue": "source", "queue_name": "source", "arn": "source", "name": "source", "batch_size": "batch", "max_batch": "batch", "mode": "batch_mode", "url": "path", "endpoint": "path", "disabled": "enabled"},
}

var objectBlock = &blockType{
	name:    "on",
	labels:  queueBlock.labels,
	doc:     "A POST to the service when an object is stored or removed.",
	example: "on \"object\" \"uploads\" {\n  source = \"shop-uploads\"\n  path   = \"/events/uploads\"\n}",
	attrs: []schema.Attribute{
		{Name: "source", Type: schema.String, Required: true, Doc: "The bucket's name on the target.", Example: `"shop-uploads"`},
		triggerPath,
		{Name: "events", Type: typeChoices, Choices: []string{"created", "removed"}, Default: `["created"]`, Doc: "Which changes of an object count.", Example: `["created", "removed"]`},
		{Name: "prefix", Type: schema.String, Default: `""`, Doc: "How the names of the objects begin.", Example: `"incoming/"`},
		{Name: "suffix", Type: schema.String, Default: `""`, Doc: "How the names of the objects end.", Example: `".jpg"`},
		triggerTarget,
		enabled,
	},
	foreign: map[string]string{"bucket": "source", "bucket_name": "source", "arn": "source", "name": "source", "event": "events", "url": "path", "endpoint": "path", "filter": "prefix", "disabled": "enabled"},
}

var onBlock = &blockType{
	name:     "on",
	labels:   queueBlock.labels,
	doc:      "A POST to the service when something happens.",
	example:  queueBlock.example,
	byLabel:  true,
	variants: []*blockType{queueBlock, objectBlock},
	unique:   true,
}

var volumeBlock = &blockType{
	name:    "volume",
	labels:  []labelType{{"name", "the volume's name"}},
	doc:     "Storage that outlives an instance.",
	example: `volume "data" { path = "/mnt/data" }`,
	attrs: []schema.Attribute{
		{Name: "path", Type: schema.String, Required: true, Doc: "Where the app finds it. Below /mnt it can be mounted on every target.", Example: `"/mnt/data"`},
		{Name: "size", Type: typeMemory, Default: "the target's default", Doc: "How much it holds, as a Kubernetes quantity.", Example: `"10Gi"`},
		{Name: "read_only", Type: schema.Bool, Default: "false", Doc: "Whether the app may only read it.", Example: "true"},
	},
	unique:  true,
	foreign: map[string]string{"mount": "path", "mount_path": "path", "target": "path", "destination": "path", "capacity": "size", "storage": "size", "readonly": "read_only"},
}

var hookBlock = &blockType{
	name:    "hook",
	labels:  []labelType{{"name", "the hook's name"}},
	doc:     "A command that runs with each deploy, such as a migration.",
	example: "hook \"migrate\" {\n  when = \"before\"\n  run  = [\"./server\", \"migrate\"]\n}",
	attrs: []schema.Attribute{
		{Name: "when", Type: typeChoice, Choices: []string{"before", "after"}, Required: true, Doc: "Whether it runs before the new release is started, or after it serves. A deploy ends where a hook fails.", Example: `"before"`},
		{Name: "run", Type: schema.Strings, Required: true, Doc: "The command, word by word, without a shell.", Example: `["./server", "migrate"]`},
		{Name: "where", Type: typeChoice, Choices: []string{"release", "machine"}, Default: `"release"`, Doc: "In the release, once, with the service's environment, secrets and volumes; or on the machine that deploys, in the manifest's folder.", Example: `"release"`},
		{Name: "timeout", Type: typeDuration, Default: fmt.Sprintf("%q", "10m"), Doc: "How long it may take.", Example: `"10m"`},
		{Name: "env", Type: typeEnv, Default: "{}", Doc: "Environment variables beside those of the service.", Example: `{ MODE = "migrate" }`},
		enabled,
	},
	unique:  true,
	foreign: map[string]string{"command": "run", "cmd": "run", "exec": "run", "script": "run", "on": "when", "stage": "when", "phase": "when", "in": "where", "environment": "env", "disabled": "enabled"},
}

var serviceBlock = &blockType{
	name:    "service",
	labels:  []labelType{{"name", "the service's name"}},
	doc:     "One deployable HTTP server.",
	example: `service "api" { ... }`,
	attrs: []schema.Attribute{
		{Name: "port", Type: schema.Int, Default: fmt.Sprint(DefaultPort), Doc: "Where the app listens; it is given to it as $PORT.", Example: "8080"},
		{Name: "env", Type: typeEnv, Default: "{}", Doc: "The service's environment variables: strings, numbers and bools. null removes a name.", Example: `{ LOG_LEVEL = "info" }`},
		{Name: "cpu", Type: typeCPU, Default: "the target's default", Doc: "The limit of one instance, as a Kubernetes quantity.", Example: `"250m"`},
		{Name: "memory", Type: typeMemory, Default: "the target's default", Doc: "The limit of one instance, as a Kubernetes quantity.", Example: `"512Mi"`},
		{Name: "timeout", Type: typeDuration, Default: "the target's default", Doc: "How long one request may take.", Example: `"30s"`},
		{Name: "background", Type: schema.Bool, Default: "false", Doc: "Whether the app works between requests as well, and so needs an instance that always runs.", Example: "true"},
		{Name: "domain", Type: typeDomain, Default: "the target's own address", Doc: "The host name under which the service is public.", Example: `"api.example.com"`},
		{Name: "target", Type: typeTargets, Default: "target.local.container", Doc: "Where the service is deployed: a target, or a list of them.", Example: "target.local.container"},
		{Name: "depends_on", Type: typeServices, Default: "the services that the block refers to", Doc: "The services that are deployed before this one.", Example: "[service.db]"},
		{Name: "for_each", Type: typeItems, Doc: "Makes one service of the block for each item of a map or a set, named after the block and the item's key: service \"worker\" becomes worker-eu and worker-us. Expressions in the block use each.key and each.value.", Example: `toset(["eu", "us"])`},
	},
	blocks: []*blockType{buildBlock, healthBlock, scaleBlock, deployBlock, secretBlock, scheduleBlock, onBlock, volumeBlock, hookBlock},
	unique: true,
	foreign: map[string]string{"environment": "env", "environment_variables": "env", "variables": "env", "envs": "env",
		"healthcheck": "health", "health_check": "health", "probe": "health", "readiness_probe": "health", "liveness_probe": "health",
		"replicas": "scale", "instances": "scale", "scaling": "scale", "autoscaling": "scale", "autoscale": "scale", "count": "for_each",
		"ports": "port", "expose": "port", "listen": "port", "container_port": "port",
		"ram": "memory", "mem": "memory", "mem_limit": "memory", "memory_size": "memory", "memory_mb": "memory", "cpus": "cpu", "cores": "cpu", "image": "build", "builder": "build",
		"cron": "schedule", "cronjob": "schedule", "secrets": "secret", "volumes": "volume", "mount": "volume", "hooks": "hook", "migrate": "hook", "queue": "on", "trigger": "on", "event": "on", "events": "on",
		"targets": "target", "platform": "target", "depends": "depends_on", "needs": "depends_on", "links": "depends_on", "foreach": "for_each", "worker": "background",
		"domains": "domain", "host": "domain", "hostname": "domain", "custom_domain": "domain", "rollout": "deploy", "canary": "deploy", "deployment": "deploy", "strategy": "deploy"},
}

var validationBlock = &blockType{
	name:    "validation",
	doc:     "A condition that a variable's value has to fulfil.",
	example: "validation {\n  condition     = var.replicas > 0\n  error_message = \"At least one replica is needed.\"\n}",
	attrs: []schema.Attribute{
		{Name: "condition", Type: typeAny, Required: true, Doc: "An expression that is true for a value that is allowed.", Example: "true"},
		{Name: "error_message", Type: schema.String, Required: true, Doc: "What is wrong with a value for which the condition is false, as a sentence.", Example: `"The value is out of range."`},
	},
	foreign: map[string]string{"message": "error_message", "error": "error_message", "check": "condition", "rule": "condition"},
}

var variableBlock = &blockType{
	name:    "variable",
	labels:  []labelType{{"name", "the variable's name"}},
	doc:     "A value that expressions use as var.NAME.",
	example: `variable "log_level" { default = "info" }`,
	attrs: []schema.Attribute{
		{Name: "type", Type: typeType, Default: "any", Doc: "The type of the value: string, number, bool, list(...), set(...), map(...), object({...}), tuple([...]).", Example: "string"},
		{Name: "default", Type: typeAny, Doc: "The value where nothing else gives one. The function env reads it from an environment variable.", Example: `env("LOG_LEVEL", "info")`},
		{Name: "description", Type: schema.String, Doc: "What the variable is for.", Example: `"Lowest level that is logged."`},
		{Name: "sensitive", Type: schema.Bool, Default: "false", Doc: "Whether the value is never shown. It can only be used in env.", Example: "true"},
	},
	blocks:  []*blockType{validationBlock},
	unique:  true,
	foreign: map[string]string{"value": "default", "desc": "description", "doc": "description", "secret": "sensitive", "validate": "validation"},
}

var localsBlock = &blockType{
	name:         "locals",
	doc:          "Values with a name, which expressions use as local.NAME.",
	example:      "locals { name = value }",
	anyAttribute: true,
}

var targetBlock = &blockType{
	name:    "target",
	labels:  []labelType{{"plugin", "the kind of target"}, {"name", "the target's name"}},
	doc:     "A place to run services, with what is its own. Expressions use it as target.PLUGIN.NAME. The targets target.local.container and target.local.function always exist.",
	example: "target \"kubernetes\" \"cluster\" {\n  namespace = \"shop\"\n}",
	byLabel: true,
	unique:  true,
}

// An environment overrides what these blocks say, by the same path.
var (
	serviceOverride = overriding(serviceBlock)
	targetOverride  = overriding(targetBlock)
)

// overriding is a block type in which nothing is required, at any depth.
func overriding(t *blockType) *blockType {
	o := *t
	o.override = true
	o.blocks = make([]*blockType, len(t.blocks))
	for i, inner := range t.blocks {
		o.blocks[i] = overriding(inner)
	}
	o.variants = make([]*blockType, len(t.variants))
	for i, variant := range t.variants {
		o.variants[i] = overriding(variant)
	}
	return &o
}

var environmentBlock = &blockType{
	name:    "environment",
	labels:  []labelType{{"name", "the environment's name"}},
	doc:     "What differs in one environment, which a command names with --env. A service or a target block in it overrides attributes and blocks of the one outside by the same path; maps are merged.",
	example: "environment \"prod\" {\n  service \"api\" {\n    scale { min = 2 }\n  }\n}",
	attrs: []schema.Attribute{
		{Name: "variables", Type: typeAny, Default: "{}", Doc: "Values of variables.", Example: `{ log_level = "warn" }`},
		{Name: "target", Type: typeTargets, Default: "target.local.container", Doc: "Where the services are deployed that name no target of their own.", Example: "target.local.container"},
	},
	blocks:  []*blockType{serviceOverride, targetOverride},
	unique:  true,
	foreign: map[string]string{"variable": "variables", "vars": "variables", "var": "variables", "targets": "target", "env": "service", "services": "service"},
}

// language is the manifest as a whole.
var language = blockType{
	doc: "One project.",
	attrs: []schema.Attribute{
		{Name: "project", Type: typeName, Required: true, Doc: "The project's name: lower-case letters, digits and hyphens, at most 40.", Example: `"shop"`},
	},
	blocks: []*blockType{variableBlock, localsBlock, serviceBlock, targetBlock, environmentBlock},
	foreign: map[string]string{"name": "project", "services": "service", "local": "locals", "var": "variable", "vars": "variable", "app": "service", "env": "environment",
		"provider": "target", "platform": "target", "stage": "environment", "profile": "environment", "workspace": "environment", "targets": "target", "environments": "environment", "variables": "variable"},
}

// block returns the type of an inner block, or nil.
func (t *blockType) block(name string) *blockType {
	for _, b := range t.blocks {
		if b.name == name {
			return b
		}
	}
	return nil
}

// attribute returns the attribute of that name.
func (t *blockType) attribute(name string) (schema.Attribute, bool) {
	return schema.Block{Attributes: t.attrs}.Attribute(name)
}

func (t *blockType) attributeNames() []string { return schema.Block{Attributes: t.attrs}.Names() }

func (t *blockType) blockNames() []string {
	names := make([]string, 0, len(t.blocks))
	for _, b := range t.blocks {
		names = append(names, b.name)
	}
	return names
}

// variantNames are the first labels of the variants, in their order.
func (t *blockType) variantNames() []string {
	switch t.name {
	case "on":
		return []string{"queue", "object"}
	}
	return nil
}

// subject is the block in a sentence.
func (t *blockType) subject() string {
	if t.name == "" {
		return "A manifest"
	}
	return article(t.name) + " block"
}

// takes says in a sentence what the block takes.
func (t *blockType) takes() string {
	subject := t.subject()
	var parts []string
	if names := t.attributeNames(); len(names) == 1 {
		parts = append(parts, "the attribute "+names[0])
	} else if len(names) > 1 {
		parts = append(parts, "the attributes "+enumerate(names, "and"))
	}
	if names := t.blockNames(); len(names) == 1 {
		parts = append(parts, "the block "+names[0])
	} else if len(names) > 1 {
		parts = append(parts, "the blocks "+enumerate(names, "and"))
	}
	if len(parts) == 0 {
		return subject + " takes nothing."
	}
	return subject + " takes " + strings.Join(parts, ", and ") + "."
}

func article(noun string) string {
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "An " + noun
	}
	return "A " + noun
}

// jsonExample is a block of this type in the JSON syntax.
func (t *blockType) jsonExample() string {
	text := "{ ... }"
	for i := len(t.labels) - 1; i >= 0; i-- {
		text = fmt.Sprintf("{ %q: %s }", strings.ToUpper(t.labels[i].name), text)
	}
	return fmt.Sprintf("%q: %s", t.name, text)
}

// withSettings is a block with what its builder or plugin takes beside what all of
// its kind take.
func withSettings(common *blockType, settings schema.Block) *blockType {
	t := *common
	t.attrs = append(append([]schema.Attribute(nil), common.attrs...), settings.Attributes...)
	t.doc = settings.Doc
	t.byLabel = false
	return &t
}
