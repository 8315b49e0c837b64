package manifest

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// call evaluates an expression that may use secret, a marked text, and later, an
// unknown one.
func call(t *testing.T, src string) (cty.Value, hcl.Diagnostics) {
	t.Helper()
	expr, problems := hclsyntax.ParseExpression([]byte(src), "", hcl.InitialPos)
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	return expr.Value(&hcl.EvalContext{
		Functions: standardFunctions(),
		Variables: map[string]cty.Value{
			"secret": cty.StringVal("pw").Mark(sensitiveMark),
			"later":  cty.UnknownVal(cty.String),
		},
	})
}

func TestFunctionsReturn(t *testing.T) {
	tests := []struct{ src, want string }{
		{`alltrue([])`, `true`},
		{`alltrue([true, "true"])`, `true`},
		{`alltrue([true, null])`, `false`},
		{`anytrue([])`, `false`},
		{`anytrue([false, null])`, `false`},
		{`index(["a", "b", "b"], "b")`, `1`},
		{`length("héllo")`, `5`},
		{`length({ a = 1, b = [] })`, `2`},
		{`length([])`, `0`},
		{`matchkeys(["i", "j", "k"], [1, 2, 1], [1])`, `["i", "k"]`},
		{`matchkeys(["i"], ["a"], [])`, `[]`},
		{`matchkeys([1, 2], ["a", "b"], ["b", "c"])`, `[2]`},
		{`one([])`, `null`},
		{`one(toset(["a"]))`, `"a"`},
		{`sum([])`, `0`},
		{`sum(["1", 2.5])`, `3.5`},
		{`transpose({})`, `{}`},
		{`transpose({ b = ["x"], a = ["x"] })`, `{ x = ["a", "b"] }`},
		{`basename("a/b/")`, `"b"`},
		{`dirname("a")`, `"."`},
		{`strcontains("abc", "")`, `true`},
		{`urldecode(urlencode("a b/ü&"))`, `"a b/ü&"`},
		{`timecmp("2026-03-01T12:00:00+02:00", "2026-03-01T10:00:00Z")`, `0`},
		{`md5("")`, `"d41d8cd98f00b204e9800998ecf8427e"`},
		{`sha1("abc")`, `"a9993e364706816aba3e25717850c26c9cd0d89d"`},
		{`sha256("abc")`, `"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"`},
		{`substr(sha512("abc"), 0, 32)`, `"ddaf35a193617abacc417349ae204131"`},
		{`cidrhost("10.0.0.0/16", -2)`, `"10.0.255.254"`},
		{`cidrhost("2001:db8::/32", 1)`, `"2001:db8::1"`},
		{`cidrsubnet("2001:db8::/32", 16, 3)`, `"2001:db8:3::/48"`},
		{`cidrsubnet("10.0.0.0/8", 0, 0)`, `"10.0.0.0/8"`},
		{`yamldecode(yamlencode({ a = [1, true, null, "x: y"], b = { c = "2" } }))`, `{ a = [1, true, null, "x: y"], b = { c = "2" } }`},
		{`yamldecode("base: &b\n  x: 1\nuse:\n  <<: *b\n  z: 2\n")`, `{ base = { x = 1 }, use = { x = 1, z = 2 } }`},
	}
	for _, test := range tests {
		v, problems := call(t, test.src)
		if problems.HasErrors() {
			t.Errorf("%s: %v", test.src, problems)
		} else if got := inOneLine(v); got != test.want {
			t.Errorf("%s is %s, want %s", test.src, got, test.want)
		}
	}
}

func TestFunctionsRefuse(t *testing.T) {
	tests := []struct{ src, want string }{
		{`index(["a"], "b")`, "not in the list"},
		{`index({ a = 1 }, 1)`, "a list is wanted, and this is a map"},
		{`length(5)`, "a list, a map or a text is wanted"},
		{`matchkeys(["a"], ["b", "c"], ["b"])`, "1 values and 2 keys"},
		{`one(["a", "b"])`, "2 elements"},
		{`one("a")`, "a list or a set is wanted"},
		{`sum([1, null])`, "null"},
		{`sum(["x"])`, "number"},
		{`transpose({ a = null })`, "null"},
		{`urldecode("%zz")`, "not URL-encoded"},
		{`urldecode("%ff")`, "UTF-8"},
		{`timecmp("today", "2026-03-01T10:00:00Z")`, "not a time such as"},
		{`cidrhost("10.0.0.0", 1)`, "10.0.0.0/16"},
		{`cidrhost("10.0.0.0/30", 9)`, "has no address"},
		{`cidrhost("10.0.0.0/30", 1.5)`, "whole number"},
		{`cidrnetmask("2001:db8::/32")`, "IPv6"},
		{`cidrsubnet("10.0.0.0/16", 20, 0)`, "has no part"},
		{`cidrsubnet("10.0.0.0/16", 2, 4)`, "has no part"},
		{`cidrsubnet("10.0.0.0/16", -1, 0)`, "at least 0"},
		{`yamldecode("a: [")`, "the text is not YAML"},
		{`yamldecode("a: 1\n---\nb: 2")`, "the text is not YAML"},
	}
	for _, test := range tests {
		v, problems := call(t, test.src)
		if !problems.HasErrors() {
			t.Errorf("%s is %s", test.src, inOneLine(v))
		} else if !strings.Contains(problems.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.src, problems, test.want)
		}
	}
}

// A function that loses the mark of a sensitive value would show it.
func TestFunctionsKeepMarksAndUnknowns(t *testing.T) {
	exprs := []string{
		`alltrue([NAME == "x"])`, `anytrue([NAME == "x"])`, `index(["a", NAME], NAME)`, `length(NAME)`, `one([NAME])`,
		`matchkeys([NAME], ["a"], ["a"])`, `matchkeys(["a"], [NAME], ["a"])`, `transpose({ a = [NAME] })`,
		`sum([1, length(NAME)])`, `strcontains(NAME, "a")`, `basename(NAME)`, `dirname(NAME)`, `urldecode(NAME)`,
		`md5(NAME)`, `sha1(NAME)`, `sha256(NAME)`, `sha512(NAME)`, `yamlencode({ a = [NAME] })`, `yamldecode(NAME)`,
	}
	for _, e := range exprs {
		v, problems := call(t, strings.ReplaceAll(e, "NAME", "secret"))
		if problems.HasErrors() || !v.ContainsMarked() {
			t.Errorf("%s of a sensitive value is %#v, %v", e, v, problems)
		}
		v, problems = call(t, strings.ReplaceAll(e, "NAME", "later"))
		if problems.HasErrors() || v.IsWhollyKnown() && e != `index(["a", NAME], NAME)` {
			t.Errorf("%s of an unknown value is %#v, %v", e, v, problems)
		}
	}
}

func TestYAMLThatWouldExplodeIsRefused(t *testing.T) {
	laughs := "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		name := string(rune('0' + i + 1))
		before := "*a" + string(rune('0'+i))
		laughs += "a" + name + ": &a" + name + " [" + strings.Repeat(before+", ", 8) + before + "]\n"
	}
	var indented strings.Builder
	for i := range 1000 {
		indented.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	tests := map[string]string{
		"aliases":       laughs,
		"flow":          strings.Repeat("[", 100_000),
		"flow in quote": "\"" + "\n" + strings.Repeat("{a: ", 100_000),
		"dashes":        strings.Repeat("- ", 100_000) + "x",
		"questions":     strings.Repeat("? ", 100_000) + "x",
		"tabs":          strings.Repeat("-\t", 100_000) + "x",
		"indented":      indented.String() + strings.Repeat(" ", 1000) + "b: 1",
		"big":           strings.Repeat("a", maxFileRead+1),
	}
	decode := yamlDecode()
	for name, text := range tests {
		start := time.Now()
		v, err := decode.Call([]cty.Value{cty.StringVal(text)})
		if err == nil {
			t.Errorf("%s is %v", name, v.Type().FriendlyName())
		}
		t.Logf("%s took %v", name, time.Since(start).Round(time.Millisecond))
	}
}

// FuzzYAML: whatever the bytes, yamldecode ends, within the stack and with a value
// that does not nest too deep.
func FuzzYAML(f *testing.F) {
	for _, seed := range []string{"a: [1, {b: c}]", "- - - x", "&a [*a]", "a: &x 1\nb: *x", "<<: {a: 1}", "? a\n: b", "|\n  text [\n", "!!binary aGk=", "1e999999"} {
		f.Add(seed)
	}
	decode := yamlDecode()
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<16 {
			return
		}
		v, err := decode.Call([]cty.Value{cty.StringVal(text)})
		if err == nil && depth(v) > maxValueDepth {
			t.Fatalf("it nests %d deep", depth(v))
		}
	})
}

func depth(v cty.Value) int {
	if v, _ = v.Unmark(); !v.IsKnown() || v.IsNull() || !v.CanIterateElements() {
		return 0
	}
	deepest := 0
	for it := v.ElementIterator(); it.Next(); {
		_, inner := it.Element()
		deepest = max(deepest, depth(inner))
	}
	return deepest + 1
}
