// Package awslambda is what AWS Lambda allows a function: the limits and rules
// that the target lambda and its emulation, local.function, have in common.
package awslambda

import (
	"time"

	"github.com/twofoldhq/twofold/targets"
)

// The pages that state the limits.
const (
	Quotas      = "Lambda quotas, https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"
	Memory      = "Configure Lambda function memory, https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html"
	Lifecycle   = "Understanding the Lambda execution environment lifecycle, https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"
	Concurrency = "Understanding Lambda function scaling, https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html"
	Environment = "Working with Lambda environment variables, https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html"
	Wrapper     = "Modifying the runtime environment, https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html"
)

const mebibyte = 1 << 20

// Limits are Lambda's, each as its page states it.
func Limits() targets.Limits {
	return targets.Limits{
		Memory: targets.Limit{
			Min: 128 * mebibyte, Max: 10240 * mebibyte, Step: mebibyte,
			Note: "An MB of Lambda's is a Mi of the manifest.", Source: Quotas,
		},
		Timeout: targets.Limit{
			Max:  int64(900 * time.Second),
			Note: "Work that takes longer belongs on a container target, or in smaller pieces on a queue.", Source: Quotas,
		},
		Start: targets.Limit{
			Max: int64(10 * time.Second), Soft: true,
			Note:   "An instance that is not ready by then is started once more as part of its first request, under the service's timeout.",
			Source: Lifecycle,
		},
		Request: targets.Limit{Max: 6 * mebibyte, Source: Quotas},
		Answer:  targets.Limit{Max: 6 * mebibyte, Note: "A streamed answer may have 200 MB.", Source: Quotas},
		Env:     targets.Limit{Max: 4096, Note: "Move large values into a file of the service, or into secrets that the app reads.", Source: Quotas},
		Concurrency: targets.Limit{
			Max: 1, Soft: true,
			Note:   "A function's instance takes one request at a time; more requests at once start more instances.",
			Source: Concurrency,
		},
	}
}

// Frozen is the gap that work between requests falls into.
func Frozen() targets.Gap {
	return targets.Gap{
		Summary: "an instance stands still between requests",
		Fix:     "Remove background = true and do the work within a request, move it to a schedule or an on block, or give {service} a container target.",
		Limit:   "an instance is frozen when it has answered",
		Source:  Lifecycle,
	}
}
