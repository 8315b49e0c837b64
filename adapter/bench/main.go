// Command bench measures what the adapter costs, beside aws-lambda-go's handler in
// one process, and beside an adapter made of net/http and encoding/json. All serve
// the same app below the same fake runtime API, in turns, in one run.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 10, "how often each side takes its turn")
	calls := flag.Int("calls", 300, "events a turn")
	starts := flag.Int("starts", 20, "starts of each side")
	adapter := flag.String("adapter", "..", "the folder of the adapter's sources")
	flag.Parse()
	if err := run(*adapter, *rounds, *calls, *starts); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// webAdapter names the program of AWS' own Lambda Web Adapter, which is then measured
// too: cargo install lambda_web_adapter --version 0.9.1 --root DIR makes it at
// DIR/bin/lambda-adapter.
const webAdapter = "LAMBDA_WEB_ADAPTER"

// payload is one kind of event.
type payload struct {
	name string
	body []byte
	// share of the calls of a turn are made with it: large ones take long.
	share float64
}

func payloads() []payload {
	text := bytes.Repeat([]byte(`{"id":12345,"name":"a name","tags":["x","y"],"text":"some words that say little"},`), 2000)
	binary := make([]byte, 100<<10)
	seed := uint32(1)
	for i := range binary {
		seed = seed*1664525 + 1013904223
		binary[i] = byte(seed >> 24)
	}
	return []payload{
		{"1 KB of JSON", text[:1<<10], 1}, {"100 KB of JSON", text[:100<<10], 1}, {"100 KB, binary", binary, 1},
		// As an event it has little more than that: 6 MB is the most that Lambda takes.
		{"5 MB of text", bytes.Repeat([]byte("a line of some words that say little, without quotes\n"), 5_000_000/53), 0.05},
	}
}

// event returns an event of an HTTP API as it comes from the platform.
func event(p payload) []byte {
	body, encoded, kind := string(p.body), false, "application/json"
	if strings.HasSuffix(p.name, "binary") {
		body, encoded, kind = base64.StdEncoding.EncodeToString(p.body), true, "application/octet-stream"
	}
	data, _ := json.Marshal(map[string]any{
		"version": "2.0", "routeKey": "$default", "rawPath": "/echo/items", "rawQueryString": "page=1&sort=name",
		"cookies": []string{"session=0123456789abcdef", "theme=dark"},
		"headers": map[string]string{
			"accept": "*/*", "accept-encoding": "gzip, deflate, br", "accept-language": "en-GB,en;q=0.9", "content-type": kind,
			"content-length": fmt.Sprint(len(p.body)), "host": "id.execute-api.eu-west-1.amazonaws.com",
			"user-agent":      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
			"x-amzn-trace-id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700", "x-forwarded-for": "192.0.2.1",
			"x-forwarded-port": "443", "x-forwarded-proto": "https",
		},
		"requestContext": map[string]any{
			"accountId": "123456789012", "apiId": "id", "domainName": "id.execute-api.eu-west-1.amazonaws.com", "domainPrefix": "id",
			"http":      map[string]string{"method": "POST", "path": "/echo/items", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "Mozilla/5.0"},
			"requestId": "JKJaXmPLvHcESHA=", "routeKey": "$default", "stage": "$default", "time": "10/Mar/2026:05:16:23 +0000", "timeEpoch": 1583817383220,
		},
		"body": body, "isBase64Encoded": encoded,
	})
	return data
}

// figures are what is measured of one side.
type figures struct {
	times  [][]time.Duration // by payload
	starts []time.Duration
	own    int // KiB, as app and after
	app    int
	after  int // own after the large events
	size   int64
}

func run(adapter string, rounds, calls, starts int) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	sides, err := build(adapter, dir)
	if err != nil {
		return err
	}
	all := payloads()
	results := make([]figures, len(sides))
	instances := make([]*instance, len(sides))
	for i, s := range sides {
		info, err := os.Stat(s.program)
		if err != nil {
			return err
		}
		results[i].size = info.Size()
		results[i].times = make([][]time.Duration, len(all))
	}
	var alone []time.Duration
	for range starts {
		took, err := startAlone(filepath.Join(dir, "echo"))
		if err != nil {
			return err
		}
		alone = append(alone, took)
		for i, s := range sides {
			inst, err := launch(s, dir)
			if err != nil {
				return err
			}
			results[i].starts = append(results[i].starts, inst.start)
			inst.stop()
		}
	}
	for i, s := range sides {
		if instances[i], err = launch(s, dir); err != nil {
			return err
		}
		defer instances[i].stop()
	}
	for n, p := range all {
		data := event(p)
		if p.share < 1 {
			for i, inst := range instances {
				results[i].own, results[i].app = inst.memory()
			}
		}
		for round := range rounds + 1 {
			for i, inst := range instances {
				for range max(int(float64(calls)*p.share), 1) {
					a, took, err := inst.invoke(data)
					if err != nil {
						return err
					}
					if round == 0 { // warm-up, and the only one that is checked
						if err := check(a.body, p.body); err != nil {
							return fmt.Errorf("%s: %s: %w", inst.side.name, p.name, err)
						}
						continue
					}
					results[i].times[n] = append(results[i].times[n], took)
				}
			}
		}
	}
	for i, inst := range instances {
		results[i].after, _ = inst.memory()
	}
	report(sides, all, results)
	fmt.Printf("the app alone, exec to its first connection, p50: %.0f µs\n", quantile(alone, 0.50))
	return nil
}

// check makes sure that the app's answer came through whole.
func check(answer, want []byte) error {
	var a struct {
		StatusCode      int
		Body            string
		IsBase64Encoded bool
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		return err
	}
	got := []byte(a.Body)
	if a.IsBase64Encoded {
		var err error
		if got, err = base64.StdEncoding.DecodeString(a.Body); err != nil {
			return err
		}
	}
	if a.StatusCode != 200 || !bytes.Equal(got, want) {
		return fmt.Errorf("the answer is %.200s", answer)
	}
	return nil
}

// build compiles the sides as they would be shipped.
func build(adapter, dir string) ([]side, error) {
	for out, source := range map[string]string{"adapter": adapter, "echo": "./echo", "inprocess": "./inprocess", "proxy": "./proxy"} {
		cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid=", "-o", filepath.Join(dir, out), ".")
		cmd.Dir = source
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if text, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("go build %s: %w\n%s", source, err, text)
		}
	}
	echo := filepath.Join(dir, "echo")
	sides := []side{
		{name: "aws-lambda-go, one process", program: filepath.Join(dir, "inprocess")},
		{name: "adapter + app", program: filepath.Join(dir, "adapter"), app: echo},
		{name: "net/http proxy + app", program: filepath.Join(dir, "proxy"), app: echo},
	}
	if program := os.Getenv(webAdapter); program != "" {
		sides = append(sides, side{name: "Lambda Web Adapter + app", program: program, app: echo, extension: true})
	}
	return sides, nil
}

func report(sides []side, all []payload, results []figures) {
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', tabwriter.AlignRight)
	line := func(cells ...string) { fmt.Fprintln(w, strings.Join(cells, "\t")+"\t") }
	head := []string{""}
	for _, s := range sides {
		head = append(head, s.name, "ratio")
	}
	line(head...)
	row := func(name string, value func(f figures) float64, format func(float64) string) {
		cells := []string{name}
		for _, f := range results {
			cells = append(cells, format(value(f)), fmt.Sprintf("%.2fx", value(f)/value(results[0])))
		}
		line(cells...)
	}
	micros := func(v float64) string { return fmt.Sprintf("%.0f µs", v) }
	for n, p := range all {
		row(p.name+", p50", func(f figures) float64 { return quantile(f.times[n], 0.50) }, micros)
		row(p.name+", p99", func(f figures) float64 { return quantile(f.times[n], 0.99) }, micros)
	}
	row("exec to first next, p50", func(f figures) float64 { return quantile(f.starts, 0.50) }, micros)
	row("resident, without the app", func(f figures) float64 { return float64(f.own) }, func(v float64) string { return fmt.Sprintf("%.1f MB", v/1024) })
	row("the same, after events of 5 MB", func(f figures) float64 { return float64(f.after) }, func(v float64) string { return fmt.Sprintf("%.1f MB", v/1024) })
	row("resident, with the app", func(f figures) float64 { return float64(f.own + f.app) }, func(v float64) string { return fmt.Sprintf("%.1f MB", v/1024) })
	row("program", func(f figures) float64 { return float64(f.size) }, func(v float64) string { return fmt.Sprintf("%.2f MB", v/1e6) })
	w.Flush()
}

// quantile returns the q-quantile in microseconds.
func quantile(times []time.Duration, q float64) float64 {
	sorted := slices.Sorted(slices.Values(times))
	return float64(sorted[int(q*float64(len(sorted)-1))].Nanoseconds()) / 1e3
}
