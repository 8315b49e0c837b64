package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// manyServices is a manifest of that many services in two environments, on three
// kinds of targets.
func manyServices(services int) string {
	var b strings.Builder
	b.WriteString(`project = "shop"

variable "level" { default = "info" }

locals {
  region = "eu-west-1"
  common = { REGION = local.region, LEVEL = var.level }
}

target "kubernetes" "cluster" { namespace = "shop" }
target "lambda" "functions" { region = local.region }
`)
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
    start = "8s"
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
    NAME      = "service-%d-${upper(local.region)}"
    REGION    = local.common.REGION
  }
  secret "DATABASE_URL" { from = "shop/database-url" }
  schedule "nightly" {
    cron = "0 3 * * *"
    path = "/tasks/nightly"
  }
}
`, i, i, 8000+i%1000, i)
	}
	b.WriteString("\nenvironment \"prod\" {\n  variables = { level = \"warn\" }\n  target    = target.kubernetes.cluster\n")
	for i := 0; i < services; i += 10 {
		fmt.Fprintf(&b, "  service \"service-%d\" {\n    target = target.lambda.functions\n  }\n", i)
	}
	b.WriteString("}\n")
	return b.String()
}

// BenchmarkCheck is the whole command: the manifest is read, evaluated and checked
// in two environments.
func BenchmarkCheck(b *testing.B) {
	for _, services := range []int{50, 500, 5000} {
		b.Run(fmt.Sprintf("%d services", services), func(b *testing.B) {
			b.Setenv("TWOFOLD_STATE_DIR", b.TempDir())
			dir := b.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "twofold.hcl"), []byte(manyServices(services)), 0o644); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				var problems strings.Builder
				if code := Main([]string{"twofold", "check", "--manifest", dir}, Streams{Out: io.Discard, Err: &problems}); code != exitDone {
					b.Fatalf("exit code %d: %.2000s", code, problems.String())
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(services), "µs/service")
		})
	}
}
