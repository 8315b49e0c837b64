package lambda

import (
	"slices"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
)

// guide is where what this version does not do is written.
const guide = "AWS Lambda, https://github.com/twofoldhq/twofold/blob/main/docs/targets/lambda.md"

// checkForm reports a service that would have to run as an image.
func (s settings) checkForm(w targets.Workload) []targets.Finding {
	if s.forms[0] == release.Bundle && (len(w.Forms) == 0 || slices.Contains(w.Forms, release.Bundle)) {
		return nil
	}
	return []targets.Finding{{
		Severity: targets.Error,
		Summary:  "this version of twofold deploys bundles to AWS Lambda, and not images",
		Fix:      "Remove form = \"image\" from the target block, and use a builder that makes a bundle, such as go or command.",
		Limit:    "bundles only",
		Source:   guide,
	}}
}
