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
	// anyAttribute: the attributes are names that the manifest chooses.
	anyAttribute bool
	// byLabel: what the block takes depends on its first label.
	byLabel bool
	// later are the attributes and blocks that a later version takes.
	later []laterItem
	// foreign maps names that other tools use to those of this block.
	foreign map[string]string
}

type labelType struct {
	name, doc string
}

// laterItem is what the language has and this version does not take.
type laterItem struct {
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
}

var healthBlock = &blockType{
	name:    "health",
	doc:     "When an instance is ready.",
	example: `health { path = "/healthz" }`,
	attrs: []schema.Attribute{
		{Name: "path", Type: schema.String, Default: fmt.Sprintf("%q", DefaultHealthPath), Doc: "The path that answers with 2xx when the app is ready.", Example: `"/healthz"`},
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
	},
	blocks: []*blockType{buildBlock, healthBlock, scaleBlock},
	later: []laterItem{
		{"secret", "secrets"}, {"schedule", "schedules"}, {"on", "event triggers"}, {"volume", "volumes"}, {"hook", "hooks"},
		{"depends_on", "the order of deploys"}, {"for_each", "generated services"}, {"target", "the choice of a target"},
	},
	foreign: map[string]string{"environment": "env", "environment_variables": "env", "variables": "env", "envs": "env",
		"healthcheck": "health", "health_check": "health", "probe": "health", "readiness_probe": "health", "liveness_probe": "health",
		"replicas": "scale", "instances": "scale", "scaling": "scale", "autoscaling": "scale", "autoscale": "scale", "count": "scale",
		"ports": "port", "expose": "port", "listen": "port", "container_port": "port",
		"ram": "memory", "mem": "memory", "mem_limit": "memory", "memory_size": "memory", "memory_mb": "memory", "cpus": "cpu", "cores": "cpu", "image": "build", "builder": "build", "cron": "schedule"},
}

var variableBlock = &blockType{
	name:    "variable",
	labels:  []labelType{{"name", "the variable's name"}},
	doc:     "A value that expressions use as var.NAME.",
	example: `variable "log_level" { default = "info" }`,
	attrs: []schema.Attribute{
		{Name: "type", Type: typeType, Default: "any", Doc: "The type of the value: string, number, bool, list(...), set(...), map(...), object({...}), tuple([...]).", Example: "string"},
		{Name: "default", Type: typeAny, Doc: "The value. The function env reads it from an environment variable.", Example: `env("LOG_LEVEL", "info")`},
		{Name: "description", Type: schema.String, Doc: "What the variable is for.", Example: `"Lowest level that is logged."`},
	},
	later:   []laterItem{{"sensitive", "sensitive variables"}, {"validation", "validation of variables"}},
	foreign: map[string]string{"value": "default", "desc": "description", "doc": "description"},
}

var localsBlock = &blockType{
	name:         "locals",
	doc:          "Values with a name, which expressions use as local.NAME.",
	example:      "locals { name = value }",
	anyAttribute: true,
}

// language is the manifest as a whole.
var language = blockType{
	doc: "One project.",
	attrs: []schema.Attribute{
		{Name: "project", Type: typeName, Required: true, Doc: "The project's name: lower-case letters, digits and hyphens, at most 40.", Example: `"shop"`},
	},
	blocks:  []*blockType{variableBlock, localsBlock, serviceBlock},
	later:   []laterItem{{"target", "targets"}, {"environment", "environments"}},
	foreign: map[string]string{"name": "project", "services": "service", "local": "locals", "var": "variable", "vars": "variable", "app": "service", "env": "environment"},
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

func (t *blockType) laterItem(name string) (laterItem, bool) {
	for _, l := range t.later {
		if l.name == name {
			return l, true
		}
	}
	return laterItem{}, false
}

func (t *blockType) attributeNames() []string { return schema.Block{Attributes: t.attrs}.Names() }

func (t *blockType) blockNames() []string {
	names := make([]string, 0, len(t.blocks))
	for _, b := range t.blocks {
		names = append(names, b.name)
	}
	return names
}

// takes says in a sentence what the block takes.
func (t *blockType) takes() string {
	subject := "A manifest"
	if t.name != "" {
		subject = article(t.name) + " block"
	}
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

// buildType is the type of a build block of one builder.
func buildType(builder schema.Block) *blockType {
	t := *buildBlock
	t.attrs = append(append([]schema.Attribute(nil), buildBlock.attrs...), builder.Attributes...)
	t.doc = builder.Doc
	t.byLabel = false
	return &t
}
