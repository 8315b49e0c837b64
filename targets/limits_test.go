package targets

import (
	"testing"
	"time"
)

func TestNearest(t *testing.T) {
	l := Limit{Min: 128, Max: 1000, Step: 64}
	for v, want := range map[int64]int64{1: 128, 127: 128, 129: 192, 192: 192, 999: 1000, 5000: 1000} {
		if got, ok := l.Nearest(v); got != want || ok != (v == want) {
			t.Errorf("nearest to %d is %d (allowed %v), want %d", v, got, ok, want)
		}
	}
	if got, ok := (Limit{}).Nearest(7); got != 7 || !ok {
		t.Errorf("no limit allows 7: got %d, %v", got, ok)
	}
}

func TestTextIsAsAManifestWritesIt(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{MemoryText(512 << 20), "512Mi"}, {MemoryText(10240 << 20), "10Gi"}, {MemoryText(500e6), "500M"},
		{MemoryText(1e9), "1G"}, {MemoryText(1<<20 + 1), "1048577"}, {MemoryText(0), "0"}, {MemoryText(1536 << 10), "1536Ki"},
		{CPUText(250), "250m"}, {CPUText(2000), "2"}, {CPUText(0), "0"},
		{DurationText(15 * time.Minute), "15m"}, {DurationText(90 * time.Second), "1m30s"}, {DurationText(2 * time.Hour), "2h"},
		{DurationText(time.Hour + time.Second), "1h0m1s"}, {DurationText(10 * time.Minute), "10m"}, {DurationText(0), "0s"},
		{DurationText(20 * time.Hour), "20h"}, {DurationText(500 * time.Millisecond), "500ms"},
		{SizeText(4096), "4096 bytes"}, {SizeText(50 << 20), "50 MiB"}, {SizeText(10 << 30), "10 GiB"}, {SizeText(3<<20 + 1<<19), "3.5 MiB"},
		{UnitMemory.Value(1 << 20), `"1Mi"`}, {UnitNumber.Value(10), "10"},
		{Limit{Max: 1}.Text(UnitNumber), "at most 1"}, {Limit{Min: 5, Max: 5}.Text(UnitNumber), "5"}, {Limit{Step: 64}.Text(UnitNumber), "in steps of 64"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
