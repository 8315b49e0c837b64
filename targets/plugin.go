package targets

import (
	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/release"
)

// Plugin is a kind of target: what the first label of a target block names.
type Plugin struct {
	// Settings is what the block takes. Its label is the plugin's name.
	Settings schema.Block
	// Describe returns what a target of that name and with those settings takes.
	// It reads nothing and connects to nothing. An error in the settings is a
	// *schema.Error.
	Describe func(name string, settings schema.Values) (Info, error)
	// Open returns the target. It is nil for a plugin that this version checks
	// services for and does not deploy to.
	Open func(name string, settings schema.Values) (Target, error)
}

// Workload is what a service asks of a target, as far as it is known before
// anything is built. The zero value of a field says that the manifest does not
// set it.
type Workload struct {
	Service string
	// Forms are those that the service's builder makes; Platforms are those that
	// the manifest asks for. Runtime is the language runtime that the app needs,
	// in the names of package build/runtimes, or "". Base says that the app tree
	// is laid upon an image that the manifest names.
	Forms     []release.Kind
	Platforms []build.Platform
	Runtime   string
	Base      bool
	// Deployment holds the rest. Release and Events are nil, and what is not set
	// in the manifest is zero: also Port, Health and Start.
	Deployment
	// Unknown names the variables of the environment whose values are known only
	// after a deploy.
	Unknown []string
	// Background: the app works between requests.
	Background bool
	// Runs names the hooks that run as a one-off of the release.
	Runs []string
	// Built are the sizes of what was built last, or nil.
	Built *Sizes
}

// Sizes are in bytes.
type Sizes struct {
	// Image is what a host transfers, layers compressed; Bundle is the zip;
	// Unpacked is what the zip holds. The largest platform counts.
	Image, Bundle, Unpacked int64
}

// Severity says whether a finding stops a deploy.
type Severity string

// The severities of findings.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Finding is one way in which a service does not fit a target.
type Finding struct {
	Severity Severity `json:"severity"`
	// Path is the attribute or block of the service, such as "timeout",
	// "scale.min", "env.NAME", "secret.NAME", "volume.data.path",
	// "schedule.nightly.cron", "on.queue.orders"; "" is the service.
	Path string `json:"path"`
	// Summary is a few words without a full stop that name the limit.
	Summary string `json:"summary"`
	// Fix says in sentences which change mends it, with the nearest allowed value
	// where there is one.
	Fix string `json:"fix"`
	// Limit is the limit itself, such as "128 MB to 10240 MB"; Source is where
	// it is written: the title of a page and its address.
	Limit  string `json:"limit"`
	Source string `json:"source"`
}
