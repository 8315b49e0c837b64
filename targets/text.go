package targets

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Text writes a number of the unit: as a manifest would, where it has an
// attribute for it.
func (u Unit) Text(v int64) string {
	switch u {
	case UnitMemory:
		return MemoryText(v)
	case UnitCPU:
		return CPUText(v)
	case UnitDuration:
		return DurationText(time.Duration(v))
	case UnitBytes:
		return SizeText(v)
	}
	return strconv.FormatInt(v, 10)
}

// Value writes a number of the unit as the value of an attribute: "512Mi" with
// its quotes, 10 without.
func (u Unit) Value(v int64) string {
	if u == UnitMemory || u == UnitCPU || u == UnitDuration {
		return strconv.Quote(u.Text(v))
	}
	return u.Text(v)
}

// MemoryText writes bytes as the shortest quantity that is exact: "512Mi".
func MemoryText(bytes int64) string {
	best := strconv.FormatInt(bytes, 10)
	for _, q := range []struct {
		suffix string
		size   int64
	}{
		{"Gi", 1 << 30}, {"Mi", 1 << 20}, {"G", 1e9}, {"M", 1e6}, {"Ki", 1 << 10}, {"k", 1e3},
	} {
		if bytes != 0 && bytes%q.size == 0 {
			if text := strconv.FormatInt(bytes/q.size, 10) + q.suffix; len(text) < len(best) {
				best = text
			}
		}
	}
	return best
}

// CPUText writes thousandths of a core as a quantity: "250m", "2".
func CPUText(millis int64) string {
	if millis%1000 == 0 {
		return strconv.FormatInt(millis/1000, 10)
	}
	return strconv.FormatInt(millis, 10) + "m"
}

// DurationText writes a duration as a person does: "15m" and not "15m0s".
func DurationText(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// SizeText writes bytes for a person to read: "50 MiB", "4096 bytes". It rounds
// up, so that what is more than a limit also reads as more.
func SizeText(bytes int64) string {
	switch {
	case bytes >= 1<<30 && bytes%(1<<30) == 0:
		return fmt.Sprintf("%d GiB", bytes>>30)
	case bytes >= 1<<20 && bytes%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", bytes>>20)
	case bytes >= 1<<20:
		return fmt.Sprintf("%.1f MiB", math.Ceil(float64(bytes)/(1<<20)*10)/10)
	case bytes == 1:
		return "1 byte"
	}
	return fmt.Sprintf("%d bytes", bytes)
}
