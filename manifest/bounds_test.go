package manifest

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// inBounds notes how long something took. What never ends is ended by the time
// limit of the tests.
func inBounds(t *testing.T, start time.Time) {
	t.Helper()
	t.Logf("it took %v", time.Since(start).Round(time.Millisecond))
}

// TestHostileBlocksEndWithAnError gives the whole language what would take it
// forever, or all memory.
func TestHostileBlocksEndWithAnError(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute; make test runs it")
	}
	repeated := func(n int, f string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.ReplaceAll(f, "#", fmt.Sprint(i)))
		}
		return b.String()
	}
	const head = "project = \"shop\"\n"
	for name, src := range map[string]string{
		"for_each over a million":      head + "service \"a\" {\n  for_each = toset(range(1000000))\n  build \"go\" {}\n}\n",
		"for_each over a million keys": head + "service \"a\" {\n  for_each = { for p in setproduct(range(1000), range(1000)) : \"k${p[0]}-${p[1]}\" => 1 }\n  build \"go\" {}\n}\n",
		"a million items for toset":    head + "service \"a\" {\n  for_each = toset(flatten([for a in range(1000) : [for b in range(1000) : \"${a}-${b}\"]]))\n  build \"go\" {}\n}\n",
		"items of many types":          head + "service \"a\" {\n  for_each = toset(flatten([for a in range(1000) : [for b in range(50) : [a, \"x\", true]]]))\n  build \"go\" {}\n}\n",
		"distinct":                     head + "locals {\n a = distinct(flatten([for a in range(1000) : [for b in range(50) : \"${a}-${b}\"]]))\n}\nservice \"a\" {\n build \"go\" {}\n}\n",
		"many services":                head + repeated(20_000, "service \"s#\" {\n build \"go\" {}\n}\n"),
		"many for_each":                head + repeated(20, "service \"s#\" {\n for_each = toset([for n in range(1000) : \"n${n}\"])\n build \"go\" {}\n}\n"),
		"groups that need groups":      head + repeated(2, "service \"s#\" {\n for_each = toset([for n in setproduct(range(60), range(60)) : \"n${n[0]}-${n[1]}\"])\n build \"go\" {}\n depends_on = [service.s0]\n}\n"),
		"groups that refer to groups":  head + repeated(2, "service \"s#\" {\n for_each = toset([for n in setproduct(range(60), range(60)) : \"n${n[0]}-${n[1]}\"])\n build \"go\" {}\n env = { A = join(\",\", values(service.s0)[*].url) }\n}\n"),
		"a circle of services":         head + "service \"s0\" {\n build \"go\" {}\n depends_on = [\"s9999\"]\n}\n" + strings.ReplaceAll(repeated(9_999, "service \"s@#\" {\n build \"go\" {}\n depends_on = [\"s#\"]\n}\n"), "s@", "t") + "x = 1\n",
		"many environments":            head + "service \"a\" {\n build \"go\" {}\n}\n" + repeated(5_000, "environment \"e#\" {}\n"),
		"many unknown variables":       head + repeated(20_000, "variable \"v#\" { default = 1 }\n") + "locals {\n" + repeated(20_000, "  a# = var.w#\n") + "}\n",
		"many unknown names":           head + repeated(20_000, "variable \"v#\" { default = 1 }\n") + "environment \"default\" {\n  variables = {\n" + repeated(20_000, "  w# = 1\n") + "}\n}\n",
		"many unknown services":        head + repeated(9_000, "service \"s#\" {\n build \"go\" {}\n depends_on = [\"x#\"]\n}\n"),
		"many unknown overrides":       head + "service \"a\" {\n build \"go\" {}\n}\nenvironment \"default\" {\n" + repeated(20_000, "  service \"s#\" {}\n") + "}\n",
		"many volumes":                 head + "service \"a\" {\n build \"go\" {}\n" + repeated(20_000, " volume \"v#\" { path = \"/mnt/v#\" }\n") + "}\nenvironment \"default\" {\n  service \"a\" {\n" + repeated(20_000, " volume \"v#\" { size = \"1\" }\n") + "}\n}\n",
		"many sensitive variables":     head + repeated(10_000, "variable \"v#\" {\n sensitive = true\n type = number\n default = \"x\"\n}\n"),
		"deep environments":            strings.Repeat("environment \"a\" {\n service \"a\" {\n", 30_000),
		"deep targets":                 head + "service \"a\" {\n build \"go\" {}\n target = " + strings.Repeat("[", 30_000) + "\n}\n",
		"try hides nothing":            head + "locals {\n a = try(templatefile(\"loop.tpl\", {}), \"x\")\n}\nservice \"a\" {\n build \"go\" {}\n env = { A = local.a }\n}\n",
		"can hides nothing":            head + "locals {\n a = can([for a in range(1000): [for b in range(1000): [for c in range(1000): c]]])\n}\nservice \"a\" {\n build \"go\" {}\n}\n",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			all, d := loadAllText(src)
			if all != nil || !d.HasErrors() {
				t.Fatal("it loads")
			}
			for _, diag := range d.All() {
				if diag.Summary == internalError || strings.Contains(diag.Detail, "panic") {
					t.Fatal(diag.Detail)
				}
			}
			written(t, d, TextOptions{})
			inBounds(t, start)
		})
	}
}

func TestALongChainOfServicesIsOrdered(t *testing.T) {
	var src strings.Builder
	src.WriteString("project = \"shop\"\nservice \"s0\" {\n build \"go\" {}\n}\n")
	const last = maxServices - 1
	for i := last; i > 0; i-- {
		fmt.Fprintf(&src, "service \"s%d\" {\n build \"go\" {}\n depends_on = [service.s%d]\n}\n", i, i-1)
	}
	start := time.Now()
	m, d := loadText(src.String())
	if d.HasErrors() {
		t.Fatal(d)
	}
	if order := m.Order(); len(order) != maxServices || order[0].Name != "s0" || order[last].Name != fmt.Sprintf("s%d", last) {
		t.Errorf("%d services, the first is %s", len(order), order[0].Name)
	}
	inBounds(t, start)
}

func TestACircleOfAllServicesIsOneProblem(t *testing.T) {
	var src strings.Builder
	src.WriteString("project = \"shop\"\n")
	for i := range maxServices {
		fmt.Fprintf(&src, "service \"s%d\" {\n build \"go\" {}\n depends_on = [service.s%d]\n}\n", i, (i+1)%maxServices)
	}
	start := time.Now()
	m, d := loadText(src.String())
	wantProblem(t, m, d, `The service "s0" needs itself`, "s0 -> s1 -> s2 -> s3 -> s4 -> ... -> s0")
	inBounds(t, start)
}

func TestALongListIsConvertedQuickly(t *testing.T) {
	start := time.Now()
	src := small + "locals {\n  a = length(toset(flatten([for a in range(1000) : [for b in range(50) : \"${a}-${b}\"]])))\n}\nvariable \"l\" {\n  type = list(any)\n  default = [" + strings.Repeat("1,", 100_000) + "]\n}\n"
	if _, d := loadText(src); d.HasErrors() {
		t.Fatal(d)
	}
	inBounds(t, start)
}

func TestFilesThatAreNoneEndWithAnError(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "twofold.hcl"), small+"variable \"a\" { default = 1 }\nlocals { a = file(\"pipe.txt\") }\n")
	for _, name := range []string{"pipe.txt", "pipe.vars.hcl", "pipe.hcl"} {
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dir, "big.vars.hcl"), "a = \""+strings.Repeat("x", maxFile)+"\"\n")
	write(t, filepath.Join(dir, "deep.vars.hcl"), "a = "+strings.Repeat("[", 50_000)+"\n")
	for _, test := range []struct{ file, want string }{
		{"pipe.vars.hcl", "is a pipe"}, {"big.vars.hcl", "The file of values is too big"}, {"deep.vars.hcl", "nests too deep"},
		{"missing.vars.hcl", "does not exist"}, {".", "is a folder"},
	} {
		_, d := Load(Options{Path: dir, Builders: testBuilders(), VariableFiles: []string{filepath.Join(dir, test.file)}})
		text := strings.Join(strings.Fields(written(t, d, TextOptions{Width: 100})), " ")
		for _, want := range []string{test.want, `"pipe.txt" is not a file`} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in:\n%s", want, text)
			}
		}
		if strings.Contains(text, "--manifest") {
			t.Errorf("a file of values is called a manifest:\n%s", text)
		}
	}
}

func TestTheFilesOfAFolderTogetherAreBounded(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "twofold.hcl"), small)
	for i := range 3 {
		write(t, filepath.Join(dir, fmt.Sprintf("%d.hcl", i)), "# "+strings.Repeat("x", maxFile/2)+"\n")
	}
	m, d := Load(Options{Path: dir, Builders: testBuilders()})
	wantProblem(t, m, d, "The manifest is too big", "--manifest FILE")
}
