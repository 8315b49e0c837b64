package manifest

import (
	"testing"
	"time"
)

func TestParseCPU(t *testing.T) {
	for text, want := range map[string]int64{
		"250m": 250, "1.5": 1500, "2": 2000, "0.001": 1, ".5": 500, "1.": 1000, "1000000": 1e9,
		"": 0, "0": 0, "0m": 0, "0.5m": 0, "1e3": 0, "-1": 0, "+1": 0, " 1": 0, "1k": 0, "1Mi": 0, "m": 0, ".": 0, "1000001": 0, "٣": 0,
	} {
		got, problem := parseCPU(text)
		if got != want || (problem == "") != (want != 0) {
			t.Errorf("%q is %d (%s), want %d", text, got, problem, want)
		}
	}
}

func TestParseMemory(t *testing.T) {
	for text, want := range map[string]int64{
		"512Mi": 512 << 20, "1G": 1e9, "1Gi": 1 << 30, "1.5Gi": 3 << 29, "1048576": 1 << 20, "2048Ki": 2 << 20, "2000k": 2e6,
		"8191Pi": 8191 << 50, "0.5Gi": 1 << 29,
		"": 0, "0": 0, "512": 0, "512m": 0, "512MB": 0, "512 Mi": 0, "1Ki": 0, "8192Pi": 0, "-1Gi": 0, "1e9": 0, "0x10": 0, "1.0000001Mi": 0,
	} {
		got, problem := parseMemory(text)
		if got != want || (problem == "") != (want != 0) {
			t.Errorf("%q is %d (%s), want %d", text, got, problem, want)
		}
	}
}

func TestMemoryProposesWhatWasMeant(t *testing.T) {
	for text, want := range map[string]string{
		"512MB": "512Mi", "512mb": "512Mi", "512 Mi": "512Mi", "1GiB": "1Gi", "1.5 gb": "1.5Gi", "2t": "2Ti", "64K": "64Ki",
		"lots": "", "MB": "", "5 potatoes": "", "512": "",
	} {
		if got := betterMemory(text); got != want {
			t.Errorf("%q proposes %q, want %q", text, got, want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30s": 30 * time.Second, "1m30s": 90 * time.Second, "1.5h": 90 * time.Minute, "100ms": 100 * time.Millisecond,
		"": 0, "0s": 0, "0": 0, "-1s": 0, "30": 0, "1d": 0, "soon": 0, "999999999h": 0,
	} {
		got, problem := parseDuration(text)
		if got != want || (problem == "") != (want != 0) {
			t.Errorf("%q is %v (%s), want %v", text, got, problem, want)
		}
	}
}

func TestDurationProposesWhatWasMeant(t *testing.T) {
	for text, want := range map[string]string{
		"30": "30s", "5min": "5m", "5 minutes": "5m", "1 hour": "1h", "1d": "24h", "2 days": "48h", "200 msec": "200ms", "10 Sec": "10s",
		"soon": "", "5 lightyears": "", "": "", "-3": "",
	} {
		got := betterDuration(text)
		if got != want {
			t.Errorf("%q proposes %q, want %q", text, got, want)
		}
		if got == "" {
			continue
		}
		if _, problem := parseDuration(got); problem != "" {
			t.Errorf("%q proposes %q, which is wrong: %s", text, got, problem)
		}
	}
}

func TestCheckName(t *testing.T) {
	for name, better := range map[string]string{
		"shop": "", "a": "", "a-1": "", "a1234567890123456789012345678901234567-9": "",
	} {
		if problem := checkName(name); problem != better {
			t.Errorf("%q: %s", name, problem)
		}
	}
	for name, better := range map[string]string{
		"Shop": "shop", "my shop": "my-shop", "My_API": "my-api", "api-": "api", "-api": "api", "2nd": "", "9": "", "ä": "", "a.b": "a-b", "a__b": "a-b",
	} {
		if checkName(name) == "" {
			t.Errorf("%q is taken", name)
		}
		if got := betterName(name); got != better {
			t.Errorf("%q proposes %q, want %q", name, got, better)
		}
		if better != "" && checkName(better) != "" {
			t.Errorf("%q is proposed and wrong", better)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"build", "cpu", "env", "health", "memory", "port", "scale", "timeout", "concurrency", "max", "min", "go"}
	for given, want := range map[string]string{
		"prot": "port", "pot": "port", "ports": "port", "Port": "port", "memroy": "memory", "memmory": "memory", "time_out": "timeout", "timout": "timeout",
		"concurency": "concurrency", "helth": "health", "healht": "health", "evn": "env", "envs": "env", "mx": "max", "mim": "min", "og": "go", "scal": "scale",
		"colour": "", "x": "", "": "", "image": "", "secret": "", "volume": "", "domain": "", "region": "", "command": "", "args": "", "cat": "",
	} {
		if got := nearest(given, names); got != want {
			t.Errorf("%q is near to %q, want %q", given, got, want)
		}
	}
}
