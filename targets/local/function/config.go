package function

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Config describes a function. The zero value of a field is its default.
type Config struct {
	// Name is the function's name. It is required.
	Name string
	// Version is the function's version; "$LATEST" by default.
	Version string
	// Task is the folder on this machine that holds the unpacked bundle. When it
	// is set, New checks that it holds an executable bootstrap.
	Task string
	// TaskRoot is where an instance sees that folder: "/var/task" by default, or
	// Task itself where the launcher gives it no file system of its own.
	TaskRoot string
	// Handler is what a managed runtime would load; "bootstrap" by default.
	Handler string
	// Runtime is "provided.al2023" by default, or a managed runtime, such as
	// "nodejs24.x", for which the bundle's bootstrap is the exec wrapper.
	Runtime string
	// Region is "us-east-1" by default.
	Region string
	// Path is the value of PATH; Lambda's own by default.
	Path string

	// Memory is the limit of one instance in bytes, from 128 MB, the default, to
	// 10,240 MB. The launcher enforces it; here it is reported and checked.
	Memory int64
	// TmpSize is the size of /tmp in bytes, from 512 MB, the default, to 10,240 MB.
	// The launcher enforces it.
	TmpSize int64
	// Architecture is "x86_64" or "arm64", or "" for that of this machine.
	Architecture string

	// Timeout is how long one invocation may take: 3 s by default, at most 900 s.
	Timeout time.Duration
	// Start is how long an instance may take until it asks for its first
	// invocation: 10 s by default, as on Lambda.
	Start time.Duration
	// Idle is how long an instance is kept without an invocation: 5 minutes by
	// default.
	Idle time.Duration
	// Concurrency is the highest number of instances: 10 by default.
	Concurrency int

	// Env is the service's own environment. Lambda's limit of 4 KB holds for it.
	Env map[string]string
	// Launch starts an instance. It is required.
	Launch Launch
	// Log takes whole lines: those of the instances, and Lambda's own. Writes
	// never overlap. The default is to drop them.
	Log io.Writer
}

// Lambda's limits. Source: "Lambda quotas" in the AWS Lambda developer guide.
const (
	mebibyte = 1 << 20

	memoryMin  = 128 * mebibyte
	memoryMax  = 10240 * mebibyte
	tmpMin     = 512 * mebibyte
	tmpMax     = 10240 * mebibyte
	timeoutMax = 900 * time.Second
	envMax     = 4096

	// payloadMax bounds an event and a buffered answer. 6 MB is documented; the
	// errors that Lambda itself returns name this number.
	payloadMax = 6*mebibyte + 100
	// streamMax bounds a streamed answer.
	streamMax = 200 * mebibyte
)

func (c Config) withDefaults() Config {
	str := func(s *string, d string) {
		if *s == "" {
			*s = d
		}
	}
	str(&c.Version, "$LATEST")
	str(&c.TaskRoot, "/var/task")
	str(&c.Handler, "bootstrap")
	str(&c.Runtime, "provided.al2023")
	str(&c.Region, "us-east-1")
	str(&c.Path, "/usr/local/bin:/usr/bin/:/bin:/opt/bin")
	duration := func(p *time.Duration, d time.Duration) {
		if *p == 0 {
			*p = d
		}
	}
	duration(&c.Timeout, 3*time.Second)
	duration(&c.Start, 10*time.Second)
	duration(&c.Idle, 5*time.Minute)
	if c.Memory == 0 {
		c.Memory = memoryMin
	}
	if c.TmpSize == 0 {
		c.TmpSize = tmpMin
	}
	if c.Concurrency == 0 {
		c.Concurrency = 10
	}
	if c.Log == nil {
		c.Log = io.Discard
	}
	return c
}

// validate returns all that Lambda, or this emulation, cannot run.
func (c Config) validate() error {
	var problems []error
	bad := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }

	if !functionName.MatchString(c.Name) {
		bad("the name %q is not a function's name: use 1 to 64 letters, digits, - and _", c.Name)
	}
	if c.Launch == nil {
		bad("no launcher was given")
	}
	if c.Memory < memoryMin || c.Memory > memoryMax {
		bad("memory of %d bytes: Lambda takes 128Mi to 10240Mi; set memory within it", c.Memory)
	}
	if c.TmpSize < tmpMin || c.TmpSize > tmpMax {
		bad("/tmp of %d bytes: Lambda takes 512Mi to 10240Mi", c.TmpSize)
	}
	if c.Timeout < 0 || c.Timeout > timeoutMax {
		bad("timeout %s: Lambda takes at most 900s; set timeout = \"15m\" or less", c.Timeout)
	}
	if c.Start < 0 || c.Idle < 0 || c.Concurrency < 0 {
		bad("start, idle and concurrency must not be negative")
	}
	problems = append(problems, c.validateEnv()...)
	if err := c.validateBootstrap(); err != nil {
		problems = append(problems, err)
	}
	if len(problems) > 0 {
		return fmt.Errorf("function %q: %w", c.Name, errors.Join(problems...))
	}
	return nil
}

var (
	functionName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)
	envName      = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]+$`)
)

// validateEnv applies Lambda's rules for a function's environment. Source:
// "Environment variables" in the AWS Lambda developer guide.
func (c Config) validateEnv() (problems []error) {
	var reserved, malformed []string
	size := 0
	for name, value := range c.Env {
		size += len(name) + len(value)
		if slices.Contains(reservedNames, name) {
			reserved = append(reserved, name)
		} else if !envName.MatchString(name) || strings.ContainsRune(value, 0) {
			malformed = append(malformed, name)
		}
	}
	if len(reserved) > 0 {
		slices.Sort(reserved)
		problems = append(problems, fmt.Errorf("the platform sets %s itself: remove it from the service's env", strings.Join(reserved, ", ")))
	}
	if len(malformed) > 0 {
		slices.Sort(malformed)
		problems = append(problems, fmt.Errorf("the platform takes no variable like %q: a name is two or more letters, digits and _, and begins with a letter", malformed))
	}
	if size > envMax {
		problems = append(problems, fmt.Errorf("the environment has %d bytes and Lambda takes %d in all: move large values into a file of the service", size, envMax))
	}
	return problems
}

func (c Config) validateBootstrap() error {
	if c.Task == "" {
		return nil
	}
	name := filepath.Join(c.Task, "bootstrap")
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("the bundle has no bootstrap at %s", name)
	case err != nil:
		return fmt.Errorf("the bundle's bootstrap: %w", err)
	case !info.Mode().IsRegular() || info.Mode()&0o111 == 0:
		return fmt.Errorf("%s is not an executable file", name)
	}
	return nil
}

// managed reports whether the runtime is one of Lambda's language runtimes.
func (c Config) managed() bool { return !strings.HasPrefix(c.Runtime, "provided.") }

// arn is the function's name in full. The account does not exist.
func (c Config) arn() string {
	return "arn:aws:lambda:" + c.Region + ":" + account + ":function:" + c.Name
}

const account = "000000000000"
