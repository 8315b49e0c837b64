package kubernetes

import (
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/twofoldhq/twofold/targets"
)

func check(w targets.Workload) []targets.Finding {
	return append(checkSecrets(w), checkVolumes(w)...)
}

// from is how a secret is named: the Secret and the key in it, or the Secret
// alone, whose key is then the variable's name. Both are as Kubernetes takes
// them. Source: secretPage.
//
// It is compiled when it is first used: every command starts with this package.
var from = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(/[A-Za-z0-9._-]{1,253})?$`)
})

func checkSecrets(w targets.Workload) []targets.Finding {
	var found []targets.Finding
	for _, s := range w.Secrets {
		if from().MatchString(s.From) {
			continue
		}
		found = append(found, targets.Finding{
			Severity: targets.Error,
			Path:     "secret." + s.Name + ".from",
			Summary:  "it names no Secret and no key of one",
			Fix:      fmt.Sprintf("Write from = %q, the Secret's name and the key in it.", betterSecret(s)),
			Limit:    "SECRET/KEY: lower-case letters, digits, - and . for the Secret, letters, digits and -_. for the key",
			Source:   secretPage,
		})
	}
	return found
}

// betterSecret returns the nearest name that can be: the last part is the key.
func betterSecret(s targets.Secret) string {
	trimmed := strings.Trim(s.From, "/")
	secret, key := trimmed, s.Name
	if i := strings.LastIndexByte(trimmed, '/'); i >= 0 {
		secret, key = trimmed[:i], trimmed[i+1:]
	}
	allowed := func(chars string) func(rune) rune {
		return func(r rune) rune {
			if strings.ContainsRune(chars, r) {
				return r
			}
			return '-'
		}
	}
	const lower = "abcdefghijklmnopqrstuvwxyz0123456789-."
	secret = strings.Map(allowed(lower), strings.ToLower(secret))
	secret = strings.Trim(secret[:min(len(secret), 253)], "-.")
	key = strings.Map(allowed(lower+"ABCDEFGHIJKLMNOPQRSTUVWXYZ_"), key)
	if secret == "" {
		secret = "secrets"
	}
	if key == "" {
		key = s.Name
	}
	return secret + "/" + key[:min(len(key), 253)]
}

func checkVolumes(w targets.Workload) []targets.Finding {
	var found []targets.Finding
	report := func(severity targets.Severity, path, summary, fix, limit, source string) {
		found = append(found, targets.Finding{Severity: severity, Path: path, Summary: summary, Fix: fix, Limit: limit, Source: source})
	}
	for _, v := range w.Volumes {
		path := "volume." + v.Name
		if strings.Contains(v.Path, ":") {
			report(targets.Error, path+".path", "a mount path holds no colon",
				fmt.Sprintf("Write path = %q, and let the app use it.", strings.ReplaceAll(v.Path, ":", "-")),
				"a mount path without :", mountPage)
		}
		if v.Size == 0 {
			report(targets.Warning, path+".size", "a volume without a size",
				fmt.Sprintf("Write size = %q, or as much as the app needs. Without it twofold asks for %s.", targets.MemoryText(DefaultVolumeSize), targets.MemoryText(DefaultVolumeSize)),
				"a claim for storage names its size", claimPage)
		}
		if max(w.Scale.Min, w.Scale.Max) > 1 && !v.ReadOnly {
			report(targets.Warning, path, "many storage classes mount a volume on one node at a time",
				"Write scale { max = 1 }, or see that the cluster's default storage class mounts volumes on many nodes (ReadWriteMany): otherwise instances on other nodes do not start.",
				"ReadWriteOnce: a volume is mounted by one node", claimPage)
		}
	}
	return found
}
