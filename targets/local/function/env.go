package function

import (
	"slices"
	"strconv"
	"strings"
)

// reservedNames cannot be set by a service. Source: "Defined runtime environment
// variables" in the AWS Lambda developer guide; PORT is the app contract's.
var reservedNames = []string{
	"_HANDLER", "_X_AMZN_TRACE_ID",
	"AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
	"AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
	"AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
	"AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	"AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_MAX_CONCURRENCY",
	"LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
	"PORT",
}

const runtimeDir = "/var/runtime"

// environment returns the complete environment of an instance, sorted by name:
// what Lambda sets, over that the service's own, over that what is reserved.
func (c Config) environment(api string, port int, stream string) []string {
	env := map[string]string{
		"LANG": "en_US.UTF-8",
		"TZ":   ":UTC",
		"PATH": c.Path,
		"LD_LIBRARY_PATH": strings.Join([]string{
			"/lib64", "/usr/lib64", runtimeDir, runtimeDir + "/lib", c.TaskRoot, c.TaskRoot + "/lib", "/opt/lib",
		}, ":"),
	}
	if c.managed() {
		env["AWS_LAMBDA_EXEC_WRAPPER"] = c.TaskRoot + "/bootstrap"
	}
	for name, value := range c.Env {
		env[name] = value
	}
	for name, value := range map[string]string{
		"AWS_LAMBDA_RUNTIME_API":          api,
		"AWS_LAMBDA_FUNCTION_NAME":        c.Name,
		"AWS_LAMBDA_FUNCTION_VERSION":     c.Version,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.FormatInt(c.Memory/mebibyte, 10),
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/" + c.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME":      stream,
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_REGION":                      c.Region,
		"AWS_DEFAULT_REGION":              c.Region,
		// These are refused by every AWS service. The user's own never get here.
		"AWS_ACCESS_KEY_ID":     "ASIALOCALFUNCTION000",
		"AWS_SECRET_ACCESS_KEY": "local-function-has-no-credentials",
		"AWS_SESSION_TOKEN":     "local-function-has-no-credentials",
		"_HANDLER":              c.Handler,
		"LAMBDA_TASK_ROOT":      c.TaskRoot,
		"LAMBDA_RUNTIME_DIR":    runtimeDir,
		"PORT":                  strconv.Itoa(port),
	} {
		env[name] = value
	}
	if c.managed() {
		// The value has no version of the runtime: "AWS_Lambda_nodejs24.x".
		env["AWS_EXECUTION_ENV"] = "AWS_Lambda_" + c.Runtime
	}
	list := make([]string, 0, len(env))
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	return list
}
