package manifest

import (
	"fmt"
	"strings"
	"testing"
)

// generated is a manifest of that many services, as a generator or a big team
// writes it.
func generated(services int) []byte {
	var b strings.Builder
	b.WriteString("project = \"shop\"\n\nvariable \"level\" { default = \"info\" }\n\nlocals {\n  region = \"eu-west-1\"\n  common = { REGION = local.region, LEVEL = var.level }\n}\n")
	for i := range services {
		fmt.Fprintf(&b, `
service "service-%d" {
  build "go" {
    package = "./cmd/service-%d"
    tags    = ["netgo"]
  }
  port = %d
  health {
    path  = "/healthz"
    start = "20s"
  }
  cpu     = "250m"
  memory  = "512Mi"
  timeout = "30s"
  scale {
    min = 0
    max = 20
  }
  env = {
    LOG_LEVEL = var.level
    NAME      = "service-${%d}-${upper(local.region)}"
    REGION    = local.common.REGION
  }
}
`, i, i, 8000+i%1000, i)
	}
	return []byte(b.String())
}

func BenchmarkLoad(b *testing.B) {
	for _, services := range []int{50, 500, 5000} {
		b.Run(fmt.Sprintf("%d services", services), func(b *testing.B) {
			src := generated(services)
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				if _, d := load(src, "twofold.hcl", "twofold.hcl", Options{Builders: testBuilders()}); d.HasErrors() {
					b.Fatal(d)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(services), "µs/service")
		})
	}
}

// BenchmarkProblems is for a manifest in which everything is wrong.
func BenchmarkProblems(b *testing.B) {
	for _, services := range []int{50, 500, 5000} {
		b.Run(fmt.Sprintf("%d services", services), func(b *testing.B) {
			src := []byte(strings.NewReplacer("memory ", "memroy ", "var.level\n", "var.lvel\n").Replace(string(generated(services))))
			for b.Loop() {
				_, d := load(src, "twofold.hcl", "twofold.hcl", Options{Builders: testBuilders()})
				if d.Len() != 2*services {
					b.Fatal(d.Len(), d)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(services), "µs/service")
		})
	}
}
