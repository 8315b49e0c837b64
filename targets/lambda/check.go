package lambda

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/fit/awslambda"
)

// CPU follows memory: a vCPU at 1769 MB, and six at most. Source: awslambda.Memory.
const (
	memoryOfCore = 1769
	memoryLeast  = 128
	memoryMost   = 10240
	coresMost    = 6000 // thousandths
)

// checkCPU reports a cpu that the memory does not bring.
func checkCPU(w targets.Workload) []targets.Finding {
	f := targets.Finding{Severity: targets.Error, Path: "cpu", Source: awslambda.Memory}
	if w.CPU > coresMost {
		f.Summary = fmt.Sprintf("cpu of %s is more than 6", targets.CPUText(w.CPU))
		f.Fix = fmt.Sprintf("Write cpu = \"6\" and memory = %q, or give %s a container target.", targets.MemoryText(memoryMost*mebibyte), w.Service)
		f.Limit = "at most 6 vCPUs, at 10240 MB"
		return []targets.Finding{f}
	}
	// Rounded up: less memory would bring less than is asked for.
	needed := min((w.CPU*memoryOfCore+999)/1000, memoryMost) * mebibyte
	if max(w.Memory, memoryLeast*mebibyte) >= needed {
		return nil
	}
	f.Limit = "cpu follows memory, with 1 vCPU at 1769 MB"
	if w.Memory == 0 {
		f.Summary = fmt.Sprintf("cpu of %s needs memory of %s", targets.CPUText(w.CPU), targets.MemoryText(needed))
		f.Fix = fmt.Sprintf("Write memory = %q, which brings it, or remove cpu.", targets.MemoryText(needed))
		return []targets.Finding{f}
	}
	brings := w.Memory / mebibyte * 1000 / memoryOfCore
	f.Summary = fmt.Sprintf("cpu of %s needs more memory than %s", targets.CPUText(w.CPU), targets.MemoryText(w.Memory))
	f.Fix = fmt.Sprintf("Write memory = %q, which brings it, or cpu = %q, which memory = %q brings.", targets.MemoryText(needed), targets.CPUText(brings), targets.MemoryText(w.Memory))
	if brings == 0 || w.Memory%mebibyte != 0 || w.Memory < memoryLeast*mebibyte {
		f.Fix = fmt.Sprintf("Write memory = %q, which brings it.", targets.MemoryText(needed))
	}
	return []targets.Finding{f}
}

// apiTimeout is the longest that an HTTP API waits for an integration. Source:
// apiPage.
const apiTimeout = 30 * time.Second

// checkGateway reports a timeout that is cut short before the function.
func (s settings) checkGateway(w targets.Workload) []targets.Finding {
	if s.public != "api" || w.TriggersOnly || w.Timeout <= apiTimeout {
		return nil
	}
	return []targets.Finding{{
		Severity: targets.Error,
		Path:     "timeout",
		Summary:  fmt.Sprintf("an HTTP API does not wait for %s", targets.DurationText(w.Timeout)),
		Fix:      "Write timeout = \"30s\", or public = \"url\" in the target block: a function URL waits for as long as the function may take.",
		Limit:    "at most 30s through an HTTP API",
		Source:   apiPage,
	}}
}

// secretName is what Secrets Manager takes. Source: secretsPage. An ARN names a
// secret too; ssm: begins the name of a parameter, and # the member of a secret that is
// a JSON object.
//
// It is compiled when it is first used: every command starts with this package.
var secretName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([A-Za-z0-9/_+=.@-]{1,512}|ssm:[A-Za-z0-9/_.-]{1,1000}|arn:aws[a-z-]*:(secretsmanager|ssm):[^#]+)(#[^#]+)?$`)
})

func checkSecrets(w targets.Workload) []targets.Finding {
	var found []targets.Finding
	for _, s := range w.Secrets {
		if secretName().MatchString(s.From) {
			continue
		}
		better := strings.Map(func(r rune) rune {
			if secretName().MatchString(string(r)) {
				return r
			}
			return '-'
		}, s.From)
		if len(better) > 512 {
			better = better[:512]
		}
		found = append(found, targets.Finding{
			Severity: targets.Error,
			Path:     "secret." + s.Name + ".from",
			Summary:  "the name of the secret is none that Secrets Manager takes",
			Fix:      fmt.Sprintf("Write from = %q, and store the secret under that name.", better),
			Limit:    "1 to 512 letters, digits and /_+=.@-, or an ARN",
			Source:   secretsPage,
		})
	}
	return found
}

// mountPath is what Lambda takes. Source: filesPage.
var mountPath = regexp.MustCompile(`^/mnt/[a-zA-Z0-9-_.]+$`)

func (s settings) checkVolumes(w targets.Workload) []targets.Finding {
	var found []targets.Finding
	for _, v := range w.Volumes {
		if !mountPath.MatchString(v.Path) || len(v.Path) > 160 {
			found = append(found, targets.Finding{
				Severity: targets.Error,
				Path:     "volume." + v.Name + ".path",
				Summary:  fmt.Sprintf("Lambda mounts nothing at %s", v.Path),
				Fix:      fmt.Sprintf("Write path = %q, and let the app use it; every target can mount there.", "/mnt/"+lastName(v)),
				Limit:    "/mnt/ and one name of letters, digits and -_., 160 characters in all",
				Source:   filesPage,
			})
		}
		if s.volumes[v.Name] == "" {
			found = append(found, targets.Finding{
				Severity: targets.Error,
				Path:     "volume." + v.Name,
				Summary:  "no file system is named for the volume",
				Fix:      fmt.Sprintf("Write volumes = { %s = \"ARN\" } in the target block, with the ARN of an EFS access point, and subnets and security_groups of its VPC.", v.Name),
				Limit:    "a volume is an EFS access point that the function's VPC reaches",
				Source:   efsPage,
			})
		}
		if v.Size != 0 {
			found = append(found, targets.Finding{
				Severity: targets.Warning,
				Path:     "volume." + v.Name + ".size",
				Summary:  "an EFS file system has no size",
				Fix:      "Remove size, or leave it for other targets: the file system grows and shrinks with its files.",
				Limit:    "EFS file systems grow and shrink by themselves",
				Source:   growthPage,
			})
		}
	}
	return found
}

func lastName(v targets.Volume) string {
	name := v.Path[strings.LastIndexByte(v.Path, '/')+1:]
	if !mountPath.MatchString("/mnt/" + name) {
		name = v.Name
	}
	return name[:min(len(name), 160-len("/mnt/"))]
}
