package main

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// configName is the file at the bundle's root that says how to start the app.
const configName = "twofold.json"

// defaultStartTimeout is how long the app may take until it is ready. Lambda ends
// an init phase after 10 s; the rest is for reporting the failure before that.
const defaultStartTimeout = 9500 * time.Millisecond

// defaultSecretsRefresh is after what time the values of secrets are read again.
const defaultSecretsRefresh = 5 * time.Minute

// maxLoops bounds how many events are worked on at a time: 1600 is the most that an
// environment of Lambda Managed Instances may be given.
const maxLoops = 1600

// appConfig is the content of the config file: release.AppConfig, declared again
// because the adapter imports nothing but the standard library.
type appConfig struct {
	// command is run in the folder dir, relative to the bundle's root, or absolute
	// in an image.
	command []string
	dir     string
	env     []variable
	port    int
	health  string
}

type variable struct{ name, value string }

// settings is all that the adapter has been told.
type settings struct {
	// runtimeAPI is the host and port of the platform's runtime API.
	runtimeAPI string
	// command starts the app in the folder dir, which is absolute.
	command []string
	dir     string
	// env is the app's whole environment.
	env          []string
	port         int
	health       string
	eventsPath   string
	startTimeout time.Duration
	// root is the folder that holds the config file.
	root string
	// secrets says that the function has some, and secretsRefresh after what time
	// their values are read again; 0 is never.
	secrets        bool
	secretsRefresh time.Duration
	// triggers say where the events of each source go; errorStatuses are those that
	// fail the invocation.
	triggers []trigger
	// stream says that the platform in front takes streamed answers.
	stream        bool
	errorStatuses []statusRange
	// contextFields says that HTTP requests get fields of the request's and of Lambda's
	// context, and traceparent that they get the trace in the form of W3C.
	contextFields, traceparent bool
	// concurrency is how many events the platform hands over at a time.
	concurrency int
	// snapshots says that the platform takes a snapshot of the environment once it has
	// started; checkpointPath and restorePath, if set, are asked before and after.
	snapshots                   bool
	checkpointPath, restorePath string
}

// readSettings reads the config file of the bundle at $LAMBDA_TASK_ROOT, or, if
// there is none, in the folder of the adapter itself, and lays the environment's
// values over it.
func readSettings(environ []string, executable string, readFile func(string) ([]byte, error)) (settings, error) {
	env := environment(environ)
	s := settings{
		runtimeAPI:   env.get("AWS_LAMBDA_RUNTIME_API"),
		eventsPath:   "/events",
		startTimeout: defaultStartTimeout,

		secrets: env.get("TWOFOLD_SECRETS") != "", secretsRefresh: defaultSecretsRefresh,
	}
	root, data, err := readConfigFile(env.get("LAMBDA_TASK_ROOT"), filepath.Dir(executable), readFile)
	if err != nil {
		return s, err
	}
	c, err := parseConfig(data)
	if err != nil {
		return s, errors.New(filepath.Join(root, configName) + ": " + err.Error())
	}
	s.root, s.command, s.port, s.health = root, c.command, c.port, c.health
	s.dir = c.dir
	if !filepath.IsAbs(s.dir) {
		s.dir = filepath.Join(root, c.dir)
	}
	if err := s.override(env); err != nil {
		return s, err
	}
	s.env = env.forApp(c.env, s.port)
	return s, nil
}

func readConfigFile(taskRoot, own string, readFile func(string) ([]byte, error)) (root string, data []byte, err error) {
	if taskRoot != "" {
		if data, err = readFile(filepath.Join(taskRoot, configName)); err == nil {
			return taskRoot, data, nil
		}
	}
	if data, err = readFile(filepath.Join(own, configName)); err == nil {
		return own, data, nil
	}
	return "", nil, errors.New("the bundle has no readable " + configName + " at its root: " + err.Error())
}

// override lays the values of the environment over those of the config file.
func (s *settings) override(env environment) error {
	if v := env.get("PORT"); v != "" {
		port, err := strconv.Atoi(v)
		if err != nil || !isPort(port) {
			return errors.New("PORT is not a number from 1 to 65535")
		}
		s.port = port
	}
	for _, path := range [...]struct {
		name string
		to   *string
	}{
		{"TWOFOLD_HEALTH_PATH", &s.health}, {"TWOFOLD_EVENTS_PATH", &s.eventsPath},
		{"TWOFOLD_CHECKPOINT_PATH", &s.checkpointPath}, {"TWOFOLD_RESTORE_PATH", &s.restorePath},
	} {
		v := env.get(path.name)
		if v == "" {
			continue
		}
		if !isPath(v) {
			return errors.New(path.name + " is not a path that begins with a slash")
		}
		*path.to = v
	}
	for _, one := range [...]struct {
		name string
		to   *bool
	}{{"TWOFOLD_CONTEXT_HEADERS", &s.contextFields}, {"TWOFOLD_TRACEPARENT", &s.traceparent}} {
		switch env.get(one.name) {
		case "", "0", "off", "false":
		case "1", "on", "true":
			*one.to = true
		default:
			return errors.New(one.name + " is neither on nor off")
		}
	}
	s.snapshots = env.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"
	s.concurrency = 1
	if n, err := strconv.Atoi(env.get("AWS_LAMBDA_MAX_CONCURRENCY")); err == nil && n > 1 {
		s.concurrency = min(n, maxLoops)
	}
	if v := env.get("TWOFOLD_TRIGGERS"); v != "" {
		var err error
		if s.triggers, err = parseTriggers([]byte(v)); err != nil {
			return errors.New("TWOFOLD_TRIGGERS: " + err.Error())
		}
	}
	if v := env.get("TWOFOLD_ERROR_STATUSES"); v != "" {
		var err error
		if s.errorStatuses, err = parseStatuses(v); err != nil {
			return errors.New("TWOFOLD_ERROR_STATUSES: " + err.Error())
		}
	}
	switch v := env.get("TWOFOLD_RESPONSE_MODE"); v {
	case "", "buffered":
	case "stream":
		s.stream = true
	default:
		return errors.New("TWOFOLD_RESPONSE_MODE is neither buffered nor stream")
	}
	if v := env.get("TWOFOLD_START_TIMEOUT"); v != "" {
		d, err := time.ParseDuration(v)
		if err != nil || d <= 0 {
			return errors.New(`TWOFOLD_START_TIMEOUT is not a duration such as "30s"`)
		}
		s.startTimeout = d
	}
	if v := env.get("TWOFOLD_SECRETS_REFRESH"); v != "" {
		d, err := time.ParseDuration(v)
		if err != nil || d < 0 {
			return errors.New(`TWOFOLD_SECRETS_REFRESH is not a duration such as "5m", or 0 for never`)
		}
		s.secretsRefresh = d
	}
	return nil
}

func isPort(n int) bool { return n > 0 && n < 1<<16 }

// isPath reports whether p can stand in a request line as it is.
func isPath(p string) bool {
	if !strings.HasPrefix(p, "/") {
		return false
	}
	for i := 0; i < len(p); i++ {
		if p[i] <= ' ' || p[i] == 0x7f {
			return false
		}
	}
	return true
}

// environment is a list of "NAME=value".
type environment []string

func (e environment) get(name string) string {
	v, _ := e.lookup(name)
	return v
}

func (e environment) lookup(name string) (string, bool) {
	for _, v := range e {
		if len(v) > len(name) && v[len(name)] == '=' && v[:len(name)] == name {
			return v[len(name)+1:], true
		}
	}
	return "", false
}

// platformDefaults are the variables that Lambda sets although no deployment asked
// for them, and that a function may set itself (developer guide, "Using Lambda
// environment variables", unreserved variables).
var platformDefaults = [...]string{
	"LANG", "PATH", "LD_LIBRARY_PATH", "NODE_PATH", "PYTHONPATH", "GEM_PATH", "GEM_HOME", "RUBYLIB", "TZ",
}

// forApp returns the app's environment. Everything the platform set is kept. The
// release's own variables are added, with the precedence they have in the image:
// the deployment's variables win over them, the platform's defaults do not.
func (e environment) forApp(own []variable, port int) []string {
	skip := map[string]bool{"PORT": true}
	var added []string
	for _, v := range own {
		if v.name == "PORT" {
			continue
		}
		if _, set := e.lookup(v.name); set && !isPlatformDefault(v.name) {
			continue
		}
		skip[v.name] = true
		added = append(added, v.name+"="+v.value)
	}
	env := make([]string, 0, len(e)+len(added)+1)
	for _, v := range e {
		if name, _, ok := strings.Cut(v, "="); !ok || !skip[name] {
			env = append(env, v)
		}
	}
	env = append(env, added...)
	return append(env, "PORT="+strconv.Itoa(port))
}

func isPlatformDefault(name string) bool {
	for _, d := range platformDefaults {
		if d == name {
			return true
		}
	}
	return false
}

// parseConfig reads the content of a config file. Members it does not know are
// left alone, for a newer twofold may have written it.
func parseConfig(data []byte) (appConfig, error) {
	var cfg appConfig
	c := openObject(data)
	for {
		name, value, ok := c.next()
		if !ok {
			break
		}
		var err error
		switch {
		case nameIs(name, "command"):
			cfg.command, err = stringList(value)
		case nameIs(name, "dir"):
			cfg.dir = string(stringOf(value))
		case nameIs(name, "env"):
			cfg.env, err = variables(value)
		case nameIs(name, "port"):
			cfg.port, err = strconv.Atoi(string(value))
		case nameIs(name, "health"):
			cfg.health = string(stringOf(value))
		}
		if err != nil {
			return cfg, errors.New(string(name) + " is not what it should be")
		}
	}
	switch {
	case !c.complete():
		return cfg, errors.New("not well-formed JSON")
	case len(cfg.command) == 0 || cfg.command[0] == "":
		return cfg, errors.New("it names no command")
	case !isPort(cfg.port):
		return cfg, errors.New("port is not a number from 1 to 65535")
	case !isPath(cfg.health):
		return cfg, errors.New("health is not a path that begins with a slash")
	}
	return cfg, nil
}

var errNotStrings = errors.New("not strings")

func stringList(data []byte) ([]string, error) {
	var all []string
	l := openList(data)
	for {
		value, ok := l.next()
		if !ok {
			break
		}
		if !isString(value) {
			return nil, errNotStrings
		}
		all = append(all, string(stringOf(value)))
	}
	if !l.complete() {
		return nil, errNotStrings
	}
	return all, nil
}

func variables(data []byte) ([]variable, error) {
	if isNull(data) {
		return nil, nil
	}
	var all []variable
	c := openObject(data)
	for {
		name, value, ok := c.next()
		if !ok {
			break
		}
		if !isString(value) {
			return nil, errNotStrings
		}
		all = append(all, variable{string(appendUnquoted(nil, name)), string(stringOf(value))})
	}
	if !c.complete() {
		return nil, errNotStrings
	}
	return all, nil
}
