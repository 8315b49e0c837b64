package local

import (
	"fmt"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/fit/awslambda"
	"github.com/twofoldhq/twofold/targets/local/host"
)

const guide = "The local targets, https://github.com/twofoldhq/twofold/blob/main/docs/targets/local.md"

func containerInfo() targets.Info {
	return targets.Info{
		Plugin: "local", Name: "container",
		Doc:       "Runs the image on this machine: with a Docker Engine if one answers, else in a sandbox.",
		Forms:     []release.Kind{release.Image},
		Platforms: []build.Platform{host.Platform()},
		Limits: targets.Limits{
			// MAX_ARG_STRLEN of Linux, 32 pages, with the byte that ends the string.
			Variable: targets.Limit{Max: 131071, Source: "execve(2), https://man7.org/linux/man-pages/man2/execve.2.html"},
		},
		Gaps: map[targets.Feature]targets.Gap{
			targets.FeatureQueue:   noSource("queue", "Send an event yourself: POST its JSON to the block's path at the URL that twofold status shows."),
			targets.FeatureObject:  noSource("bucket", "Send an event yourself: POST its JSON to the block's path at the URL that twofold status shows."),
			targets.FeatureDomain:  noDomain(),
			targets.FeatureRollout: noSteps(),
		},
	}
}

func functionInfo() targets.Info {
	limits := awslambda.Limits()
	// The emulation gives an instance the service's own start time.
	limits.Start = targets.Limit{}
	background := awslambda.Frozen()
	background.Soft = true
	background.Summary = "on Lambda, an instance stands still between requests"
	background.Fix = "Here the work goes on, and on Lambda it would not. " + background.Fix
	const invoke = "Send an event yourself: twofold invoke {service} --to local.function --sample with queue:NAME or object:NAME, or with --event FILE."
	return targets.Info{
		Plugin: "local", Name: "function",
		Doc:       "Runs the bundle on this machine under an emulation of AWS Lambda with a function URL.",
		Forms:     []release.Kind{release.Bundle},
		Platforms: []build.Platform{host.Platform()},
		Limits:    limits,
		Gaps: map[targets.Feature]targets.Gap{
			targets.FeatureQueue:      noSource("queue", invoke),
			targets.FeatureObject:     noSource("bucket", invoke),
			targets.FeatureDomain:     noDomain(),
			targets.FeatureRollout:    noSteps(),
			targets.FeatureBackground: background,
		},
		Check:      awslambda.CheckEnv,
		Operations: targets.Operations{Samples: awslambda.Samples},
	}
}

func noDomain() targets.Gap {
	return targets.Gap{
		Soft:    true,
		Summary: "a local target has no host names",
		Fix:     "Use the URL that twofold status shows.",
		Limit:   "the local targets listen on the loopback address only",
		Source:  guide,
	}
}

func noSteps() targets.Gap {
	return targets.Gap{
		Soft:    true,
		Summary: "a local target moves all traffic at once",
		Fix:     "Leave the block for other targets; here the new release takes all requests when it is healthy.",
		Limit:   "the local targets do not split traffic",
		Source:  guide,
	}
}

func noSource(kind, fix string) targets.Gap {
	return targets.Gap{
		Soft:    true,
		Summary: fmt.Sprintf("there is no %s on this machine", kind),
		Fix:     fix,
		Limit:   "the local targets have no queues and no buckets",
		Source:  guide,
	}
}

// Plugin describes the local targets. They exist without a target block, and a
// block of theirs is an error.
func Plugin(o Options) targets.Plugin {
	return targets.Plugin{
		Settings: schema.Block{Label: "local", Doc: "This machine. local.container and local.function exist without being declared."},
		Describe: func(name string, settings schema.Values) (targets.Info, error) {
			t, err := named(o, name, settings)
			if err != nil {
				return targets.Info{}, err
			}
			return t.Info(), nil
		},
		Open: func(name string, settings schema.Values) (targets.Target, error) {
			return named(o, name, settings)
		},
	}
}

func named(o Options, name string, settings schema.Values) (targets.Target, error) {
	if len(settings) > 0 {
		return nil, &schema.Error{Summary: "the local targets have no settings", Detail: "Remove the target block: local.container and local.function exist without one."}
	}
	for _, t := range Targets(o) {
		if t.Info().Name == name {
			return t, nil
		}
	}
	return nil, &schema.Error{
		Summary: fmt.Sprintf("there is no local target %q", name),
		Detail:  "There are two, local.container and local.function, and they exist without a target block.",
	}
}
