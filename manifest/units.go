package manifest

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strings"
	"time"
)

// A quantity is written as in Kubernetes: a decimal number, then a suffix for
// thousandths, a power of 1000 or a power of 1024.
// Source: k8s.io/apimachinery/pkg/api/resource.
var quantityPattern = regexp.MustCompile(`^([0-9]{1,18}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$`)

var quantityScale = map[string]*big.Rat{
	"": big.NewRat(1, 1), "m": big.NewRat(1, 1000),
	"k": big.NewRat(1e3, 1), "M": big.NewRat(1e6, 1), "G": big.NewRat(1e9, 1), "T": big.NewRat(1e12, 1), "P": big.NewRat(1e15, 1),
	"Ki": big.NewRat(1<<10, 1), "Mi": big.NewRat(1<<20, 1), "Gi": big.NewRat(1<<30, 1), "Ti": big.NewRat(1<<40, 1), "Pi": big.NewRat(1<<50, 1),
}

func parseQuantity(s string) (*big.Rat, string, bool) {
	m := quantityPattern.FindStringSubmatch(s)
	if m == nil {
		return nil, "", false
	}
	r, ok := new(big.Rat).SetString(m[1])
	if !ok {
		return nil, "", false
	}
	return r.Mul(r, quantityScale[m[2]]), m[2], true
}

const cpuWanted = "Write cores, such as \"0.5\" or \"2\", or thousandths of a core, such as \"250m\"."

// parseCPU reads "250m" or "1.5" as thousandths of a core. problem is what is
// wrong with it, as sentences, or "".
func parseCPU(s string) (millis int64, problem string) {
	r, suffix, ok := parseQuantity(s)
	if !ok || (suffix != "" && suffix != "m") {
		return 0, fmt.Sprintf("%q is not an amount of CPU. %s", s, cpuWanted)
	}
	r.Mul(r, big.NewRat(1000, 1))
	if !r.IsInt() {
		return 0, fmt.Sprintf("%q is finer than a thousandth of a core. %s", s, cpuWanted)
	}
	if !r.Num().IsInt64() || r.Num().Int64() > 1e6*1000 {
		return 0, fmt.Sprintf("%q is more than any machine has. %s", s, cpuWanted)
	}
	if r.Sign() == 0 {
		return 0, "It must be more than zero. " + cpuWanted
	}
	return r.Num().Int64(), ""
}

const memoryWanted = "Write a number with Mi or Gi (powers of 1024) or M or G (powers of 1000), such as \"512Mi\"."

// minMemory is the smallest memory that is not taken for a missing unit.
const minMemory = 1 << 20

// parseMemory reads "512Mi" or "1G" as bytes. problem is what is wrong with
// it, as sentences, or "".
func parseMemory(s string) (bytes int64, problem string) {
	r, suffix, ok := parseQuantity(s)
	if !ok {
		if better := betterMemory(s); better != "" {
			return 0, fmt.Sprintf("%q is not an amount of memory. Did you mean %q?", s, better)
		}
		return 0, fmt.Sprintf("%q is not an amount of memory. %s", s, memoryWanted)
	}
	number := strings.TrimSuffix(s, suffix)
	switch {
	case suffix == "m":
		return 0, fmt.Sprintf("The suffix m means thousandths: %q is not a whole number of bytes worth having. Did you mean %q?", s, number+"Mi")
	case r.Sign() == 0:
		return 0, "It must be more than zero. " + memoryWanted
	case suffix == "" && r.Cmp(big.NewRat(minMemory, 1)) < 0:
		return 0, fmt.Sprintf("Without a unit, %s is in bytes, which is too little for any program. Did you mean %q?", s, number+"Mi")
	case r.Cmp(big.NewRat(minMemory, 1)) < 0:
		return 0, fmt.Sprintf("%q is less than 1Mi, which is too little for any program. %s", s, memoryWanted)
	case !r.IsInt():
		return 0, fmt.Sprintf("%q is not a whole number of bytes. Use a smaller unit, for example Mi instead of Gi.", s)
	case !r.Num().IsInt64():
		return 0, fmt.Sprintf("%q is more than any machine has. %s", s, memoryWanted)
	}
	return r.Num().Int64(), ""
}

var memoryLike = regexp.MustCompile(`^([0-9]{1,12}(?:\.[0-9]{1,6})?) *([kKmMgGtT])?[iI]?(?:[bB]|[bB]ytes?)?$`)

// betterMemory returns what "512MB", "512 mb" or "1GiB" most likely means.
func betterMemory(s string) string {
	m := memoryLike.FindStringSubmatch(s)
	if m == nil || m[2] == "" {
		return ""
	}
	return m[1] + strings.ToUpper(m[2]) + "i"
}

const durationWanted = "Write a number with a unit: ms, s, m or h, such as \"30s\" or \"1m30s\"."

// parseDuration reads a Go duration above zero. problem is what is wrong with
// it, as sentences, or "".
func parseDuration(s string) (d time.Duration, problem string) {
	d, err := time.ParseDuration(s)
	if err != nil {
		if better := betterDuration(s); better != "" {
			return 0, fmt.Sprintf("%q is not a duration. Did you mean %q?", s, better)
		}
		return 0, fmt.Sprintf("%q is not a duration. %s", s, durationWanted)
	}
	if d <= 0 {
		return 0, "It must be more than zero. " + durationWanted
	}
	return d, ""
}

var durationLike = regexp.MustCompile(`^([0-9]{1,9}) *([a-z]*)$`)

// betterDuration returns what "30", "5 min" or "1d" most likely means.
func betterDuration(s string) string {
	m := durationLike.FindStringSubmatch(strings.ToLower(strings.TrimSpace(s)))
	if m == nil {
		return ""
	}
	switch m[2] {
	case "", "s", "sec", "secs", "second", "seconds":
		return m[1] + "s"
	case "ms", "msec", "millis", "milliseconds":
		return m[1] + "ms"
	case "m", "min", "mins", "minute", "minutes":
		return m[1] + "m"
	case "h", "hr", "hour", "hours":
		return m[1] + "h"
	case "d", "day", "days":
		var days int64
		if _, err := fmt.Sscan(m[1], &days); err == nil && days <= math.MaxInt64/24/int64(time.Hour) {
			return fmt.Sprintf("%dh", days*24)
		}
	}
	return ""
}
