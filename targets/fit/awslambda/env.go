package awslambda

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/twofoldhq/twofold/build/runtimes"
	"github.com/twofoldhq/twofold/targets"
)

// reserved are the variables that Lambda sets and a function cannot. Source:
// Environment, "Defined runtime environment variables".
var reserved = []string{
	"_HANDLER", "_X_AMZN_TRACE_ID",
	"AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
	"AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
	"AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
	"AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	"AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_MAX_CONCURRENCY",
	"LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
}

// wrapper is the variable with which a managed runtime starts the adapter.
const wrapper = "AWS_LAMBDA_EXEC_WRAPPER"

var variableName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]+$`)

// Runtimes returns the managed runtimes.
func Runtimes() []string { return runtimes.Names() }

// CheckEnv returns the variables that Lambda does not take by their names.
func CheckEnv(w targets.Workload) []targets.Finding {
	var found []targets.Finding
	for name := range w.Env {
		f := targets.Finding{Severity: targets.Error, Path: "env." + name, Source: Environment}
		switch {
		case slices.Contains(reserved, name):
			f.Summary = fmt.Sprintf("Lambda sets %s itself", name)
			f.Fix = fmt.Sprintf("Give the variable another name, such as APP_%s.", trimmed(name))
			f.Limit = "the names of Lambda's own variables are reserved"
		case name == wrapper && w.Runtime != "":
			f.Summary = name + " starts the adapter of a bundle"
			f.Fix = fmt.Sprintf("Remove it from env, and start what it names from the build's start command. Lambda has one such variable, and twofold uses it for the runtime %s.", w.Runtime)
			f.Limit = "one wrapper script a function"
			f.Source = Wrapper
		case !variableName.MatchString(name):
			f.Summary = fmt.Sprintf("Lambda takes no variable named %s", name)
			f.Fix = fmt.Sprintf("Give the variable another name, such as APP_%s.", trimmed(name))
			f.Limit = "two or more letters, digits and _, a letter first"
		default:
			continue
		}
		found = append(found, f)
	}
	return found
}

func trimmed(name string) string {
	for len(name) > 0 && name[0] == '_' {
		name = name[1:]
	}
	if name == "" {
		return "VALUE"
	}
	return name
}
