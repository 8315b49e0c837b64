package manifest

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// hidden is a part of every sensitive value of these tests.
const hidden = "hunter2"

// wantHidden checks that there are problems and that no output holds a sensitive
// value.
func wantHidden(t *testing.T, d *Diagnostics) {
	t.Helper()
	if !d.HasErrors() {
		t.Fatal("it loads")
	}
	var output bytes.Buffer
	for _, o := range []TextOptions{{}, {Color: true, Width: 200}} {
		if err := d.WriteText(&output, o); err != nil {
			t.Fatal(err)
		}
	}
	data, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	output.Write(data)
	output.WriteString(d.Error())
	if strings.Contains(output.String(), hidden) {
		t.Errorf("a sensitive value is shown:\n%s", output.String())
	}
}

// TestSensitiveValuesAreInNoMessage makes each kind of mistake with a sensitive
// value, or beside one.
func TestSensitiveValuesAreInNoMessage(t *testing.T) {
	const variable = "variable \"password\" {\n  sensitive = true\n  default   = \"hunter2\"\n}\n"
	service := func(body string) string {
		return "project = \"shop\"\n" + variable + "service \"web\" {\n  build \"go\" {}\n" + body + "\n}\n"
	}
	for name, src := range map[string]string{
		"a step into text":          service("env = { A = var.password.x }"),
		"a step into a map":         small + "variable \"m\" {\n  sensitive = true\n  default = { hunter2 = 1 }\n}\nlocals { a = var.m.x }\n",
		"a step into a typed map":   small + "variable \"m\" {\n  sensitive = true\n  type = map(string)\n  default = { hunter2 = 1 }\n}\nlocals { a = var.m.x }\n",
		"an index":                  small + "variable \"m\" {\n  sensitive = true\n  default = { hunter2 = 1 }\n}\nlocals { a = var.m[\"x\"] }\n",
		"a function":                service("env = { A = tonumber(var.password) }"),
		"a file":                    service("env = { A = file(var.password) }"),
		"a template's value":        service("env = { A = templatefile(\"config.tpl\", { level = \"x\", ports = var.password }) }"),
		"a template's name":         service("env = { A = templatefile(var.password, {}) }"),
		"an operator":               service("env = { A = var.password + 1 }"),
		"a condition":               service("env = { A = var.password ? 1 : 2 }"),
		"a name of the environment": service("env = { (var.password) = 1 }"),
		"names of a map":            service("env = { for k in [\"${var.password} x\"] : k => 1 }"),
		"for_each":                  service("for_each = toset([var.password])"),
		"for_each over a map":       service("for_each = { for k in [var.password] : k => 1 }"),
		"a port":                    service("port = var.password"),
		"a setting":                 small + variable + "service \"b\" {\n  build \"go\" { env = { A = \"x${var.password}\" } }\n}\n",
		"a cron":                    service("schedule \"a\" {\n cron = var.password\n path = \"/x\"\n}"),
		"a validation's value":      small + strings.Replace(variable, "}\n", "  validation {\n    condition     = var.password\n    error_message = \"x\"\n  }\n}\n", 1),
		"a validation's message":    small + strings.Replace(variable, "}\n", "  validation {\n    condition     = var.password == \"\"\n    error_message = \"It is ${var.password}.\"\n  }\n}\n", 1),
		"a failing validation":      small + strings.Replace(variable, "}\n", "  validation {\n    condition     = var.password == \"\"\n    error_message = \"It is wrong.\"\n  }\n}\n", 1),
		"a type":                    small + strings.Replace(variable, "sensitive", "type = number\n  sensitive", 1),
		"a list type":               small + "variable \"p\" {\n  sensitive = true\n  type = map(number)\n  default = { hunter2 = \"hunter2\" }\n}\n",
		"an unquoted default":       small + "variable \"p\" {\n  sensitive = true\n  default = hunter2\n}\n",
		"a call in a default":       small + "variable \"p\" {\n  sensitive = true\n  default = hunter2(\"x\")\n}\n",
		"a failing call":            small + "variable \"p\" {\n  sensitive = true\n  default = tonumber(\"hunter2\")\n}\n",
		"a failing template":        small + "variable \"p\" {\n  sensitive = true\n  default = \"x${[\"hunter2\"]}\"\n}\n",
		"a misspelled default":      small + "variable \"p\" {\n  sensitive = true\n  defualt = \"hunter2\"\n}\n",
		"a second default":          small + "variable \"p\" {\n  sensitive = true\n  default = \"x\"\n  default = \"hunter2\"\n}\n",
		"a block default":           small + "variable \"p\" {\n  sensitive = true\n  default { value = \"hunter2\" }\n}\n",
		"a wrong sensitive":         small + "variable \"p\" {\n  sensitive = \"quite\"\n  type = number\n  default = \"hunter2\"\n}\n",
		"the name secret":           small + "variable \"p\" {\n  secret = true\n  type = number\n  default = \"hunter2\"\n}\n",
		"a second label":            small + "variable \"p\" \"q\" {\n  sensitive = true\n  default = \"hunter2\"\n  defualt = \"hunter2\"\n}\n",
		"a broken default":          small + "variable \"p\" {\n  sensitive = true\n  default = hunter2 hunter2\n}\n",
		"a number in a default":     small + "variable \"p\" {\n  sensitive = true\n  default = 12hunter2\n}\n",
		"an open default":           small + "variable \"p\" {\n  sensitive = true\n  default = \"hunter2\n}\n",
		"a deep default":            small + "variable \"p\" {\n  sensitive = true\n  default = \"hunter2${" + strings.Repeat("[", 200) + "}\"\n}\n",
		"an environment":            small + variable + "environment \"prod\" {\n  variables = { password = \"hunter2\" }\n  variables = { password = \"hunter2\" }\n}\n",
		"a misspelled name":         small + variable + "environment \"default\" {\n  variables = { passwrod = \"hunter2\" }\n}\n",
		"a broken environment":      small + variable + "environment \"prod\" {\n  variables = { password = hunter2 hunter2 }\n}\n",
		"an environment's type":     small + strings.Replace(variable, "sensitive", "type = string\n  sensitive", 1) + "environment \"default\" {\n  variables = { password = [\"hunter2\"] }\n}\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, d := loadText(src)
			wantHidden(t, d)
			_, d = oneFile([]byte(src), "/project/twofold.hcl", "twofold.hcl").loadAll(testOptions())
			wantHidden(t, d)
		})
	}
	for name, src := range map[string]string{
		"one line":     `{"project":"shop","variable":{"p":{"sensitive":true,"default":"hunter2","x":1}}}`,
		"syntax":       `{"project":"shop","variable":{"p":{"sensitive":true,"default":"hunter2" x`,
		"a keyword":    "{\"variable\":{\"p\":{\"sensitive\":true,\n\"default\":hunter2}}}",
		"a wrong type": `{"project":"shop","variable":{"p":{"sensitive":true,"type":"number","default":"hunter2"}}}`,
		"a template":   `{"project":"shop","variable":{"p":{"sensitive":true,"default":"hunter2${"}}}`,
	} {
		t.Run("JSON "+name, func(t *testing.T) {
			_, d := load([]byte(src), "twofold.hcl.json", "twofold.hcl.json", testOptions())
			wantHidden(t, d)
		})
	}
}

func TestSensitiveValuesFromOutsideAreInNoMessage(t *testing.T) {
	src := small + "variable \"password\" {\n  sensitive = true\n  type = number\n}\n" + "variable \"tokens\" {\n  sensitive = true\n  type = list(number)\n  default = []\n}\n"
	for name, lines := range map[string]string{
		"a type":            "password = \"hunter2\"",
		"a misspelled name": "passwrod = \"hunter2\"\npassword = 1",
		"without quotes":    "password = hunter2",
		"a number":          "password = 12hunter2",
		"two words":         "password = hunter2 hunter2",
		"an open text":      "password = \"hunter2",
		"a colon":           "password: hunter2",
		"a function":        "password = tonumber(\"hunter2\")",
		"a block":           "password {\n  hunter2 = 1\n}",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "prod.vars.hcl")
			write(t, path, lines)
			o := testOptions()
			o.VariableFiles = []string{path}
			_, d := load([]byte(src), "twofold.hcl", "twofold.hcl", o)
			wantHidden(t, d)
		})
	}
	t.Run("JSON", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "prod.vars.hcl.json")
		write(t, path, `{"password": hunter2}`)
		o := testOptions()
		o.VariableFiles = []string{path}
		_, d := load([]byte(src), "twofold.hcl", "twofold.hcl", o)
		wantHidden(t, d)
	})
	for _, given := range []string{"password=hunter2", "tokens=hunter2", "tokens=[\"hunter2\"]", "tokens={hunter2", "password=\xffhunter2"} {
		t.Run("--var "+given, func(t *testing.T) {
			o := testOptions()
			o.Variables = []string{"password=1", given}
			_, d := load([]byte(src), "twofold.hcl", "twofold.hcl", o)
			wantHidden(t, d)
		})
	}
}

func TestASensitiveValueIsNamedInTheService(t *testing.T) {
	m, d := loadText(small + `
variable "password" {
  sensitive = true
  default   = "hunter2"
}
variable "tokens" {
  sensitive = true
  type      = map(string)
  default   = { a = "hunter2" }
}
locals { url = "postgres://${var.password}@db" }
service "api" {
  build "go" {}
  env = merge({ PLAIN = "x", URL = local.url }, { LENGTH = length(var.password), TOKEN = var.tokens["a"] })
  hook "migrate" {
    when = "before"
    run  = ["./migrate"]
    env  = { URL = local.url, MODE = "x" }
  }
}
`)
	if d.HasErrors() {
		t.Fatal(d)
	}
	s := m.Services[1]
	if got := strings.Join(s.Sensitive, " "); got != "LENGTH TOKEN URL" {
		t.Errorf("the service has the sensitive names %s", got)
	}
	if got := strings.Join(s.Hooks[0].Sensitive, " "); got != "URL" {
		t.Errorf("the hook has the sensitive names %s", got)
	}
}
