package lambda

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"regexp"
	"strings"

	"github.com/twofoldhq/twofold/targets"
)

// aliasName is the alias that takes a deployment's traffic and triggers. A function
// belongs to one environment, so it has one such alias.
const aliasName = "live"

// The tags of everything that a deployment makes.
const (
	tagProject     = "twofold:project"
	tagService     = "twofold:service"
	tagEnvironment = "twofold:environment"
	tagRelease     = "twofold:release"
)

// nameMost is how long the name of a function or of a role may be. Source: functionPage.
const nameMost = 64

var notInNames = regexp.MustCompile(`[^A-Za-z0-9_-]`)

// functionName is PROJECT-SERVICE-ENVIRONMENT. A name that had to be changed, because
// it is too long or has other characters, ends with a part of the digest of the key, so
// that it is the same each time. Where two keys read alike ("a-b", "c" and "a", "b-c"),
// the tags of the function tell them apart, and the second deploy is refused.
func functionName(k targets.Key) string {
	return fitted(k.Project+"-"+k.Service+"-"+k.Environment, k.Project+"\x00"+k.Service+"\x00"+k.Environment)
}

// roleName is the name of a function's role. A role belongs to no region, and a
// function does.
func roleName(function, region string) string {
	return fitted("twofold-"+function+"-"+region, function+"\x00"+region)
}

func fitted(name, identity string) string {
	clean := notInNames.ReplaceAllString(name, "-")
	if clean == name && len(name) <= nameMost {
		return name
	}
	sum := sha256.Sum256([]byte(identity))
	const digits = 8
	return strings.TrimRight(clean[:min(len(clean), nameMost-digits-1)], "-") + "-" + hex.EncodeToString(sum[:])[:digits]
}

// ownTags say whose something is.
func ownTags(k targets.Key) map[string]string {
	return map[string]string{tagProject: k.Project, tagService: k.Service, tagEnvironment: k.Environment}
}

// withRelease adds the release to tags.
func withRelease(tags map[string]string, digest string) map[string]string {
	all := maps.Clone(tags)
	all[tagRelease] = digest
	return all
}

// keyOf reads the key from tags. It is false for what twofold has not made.
func keyOf(tags map[string]string) (targets.Key, bool) {
	k := targets.Key{Project: tags[tagProject], Service: tags[tagService], Environment: tags[tagEnvironment]}
	return k, k.Project != "" && k.Service != ""
}

// A version says in its description which release it is.
const describedAs = "twofold "

func description(digest string) string { return describedAs + digest }

func releaseOf(description string) string {
	digest, ok := strings.CutPrefix(description, describedAs)
	if !ok {
		return ""
	}
	return digest
}
