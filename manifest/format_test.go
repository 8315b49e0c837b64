package manifest

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFormat(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"indents, aligns and ends with one line break",
			"project=\"shop\"\nservice   \"api\"{\nbuild \"go\" { package=\"./cmd\" }\nport=80\nmemory = \"1Gi\" # much\n}\n\n\n",
			"project = \"shop\"\nservice \"api\" {\n  build \"go\" { package = \"./cmd\" }\n  port   = 80\n  memory = \"1Gi\" # much\n}\n"},
		{"adds the last line break", "a = 1", "a = 1\n"},
		{"CRLF and byte order mark", "\uFEFFa=1\r\nb=2\r\n", "a = 1\nb = 2\n"},
		{"one blank line at most, none at the edges of braces and brackets",
			"\n\na = 1\n\n\n\nb {\n\n  c = [\n\n    1,\n\n\n    2,\n\n  ]\n  e = { # f\n\n    g = 1\n \t\n  }\n\n}\n",
			"a = 1\n\nb {\n  c = [\n    1,\n\n    2,\n  ]\n  e = { # f\n    g = 1\n  }\n}\n"},
		{"a blank line between the blocks of the file",
			"a {\n  b = 1\n}\n# about c\nc {\n  d {\n    e = 1\n  }\n  f {\n    g = 1\n  }\n} # end\nh {}\ni {}\nj = 1\nk {\n}\n",
			"a {\n  b = 1\n}\n\n# about c\nc {\n  d {\n    e = 1\n  }\n  f {\n    g = 1\n  }\n} # end\n\nh {}\ni {}\nj = 1\nk {\n}\n"},
		{"a comment stays where it is",
			"a {\n}\n# of a\n\nb {\n\n  # c\n\n  # d\n\n} /* e\n\n\n f */\ng {\n}\n",
			"a {\n}\n# of a\n\nb {\n  # c\n\n  # d\n} /* e\n\n\n f */\n\ng {\n}\n"},
		{"blank lines in text stay",
			"a = <<EOT\n\n\n{\n\n${ {\n\n\nb = \"\" } }\n\n}\nEOT\n\n\nc = \"${ [\n\n\n1] }\"\n",
			"a = <<EOT\n\n\n{\n\n${ {\n\n\nb = \"\" } }\n\n}\nEOT\n\nc = \"${[\n\n\n1]}\"\n"},
		{"what cannot be parsed stays", "a = = 1\r\n", "a = = 1\r\n"},
		{"JSON stays", "{\"a\":1}", "{\"a\":1}"},
		{"binary stays", "\x00\xff", "\x00\xff"},
		{"empty", "", ""},
		{"only space", "\n\n \n", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, string(Format([]byte(test.src)))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFormatFileSaysWhyAndShowsNoValues(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"twofold.hcl", "a = \"hunter2\" b\n", "hunter2"},
		{"twofold.hcl", "variable \"p\" {\n  sensitive = true\n  default = \"hunter2\" b\n}\n", ""},
		{"env.hcl", "environment \"prod\" {\n  variables = { p = \"hunter2\" b }\n}\n", ""},
		{"env.hcl", "environment \"prod\" {\n  variables = { p = hunter2! }\n}\n", ""},
		{"prod.vars.hcl", "p = \"hunter2\" b\n", ""},
		{"prod.vars.hcl", "p = hunter2;\n", ""},
	}
	for _, test := range tests {
		out, d := FormatFile([]byte(test.src), test.name)
		if !d.HasErrors() || string(out) != test.src {
			t.Errorf("%s: %v, %q", test.src, d, out)
			continue
		}
		text := written(t, d, TextOptions{})
		if !strings.Contains(text, test.name+":") || strings.Contains(text, "hunter2") != (test.want != "") {
			t.Errorf("%s:\n%s", test.src, text)
		}
	}
	if out, d := FormatFile([]byte("a=1"), "x.hcl"); d.Len() != 0 || string(out) != "a = 1\n" {
		t.Errorf("%q, %v", out, d)
	}
	if out, d := FormatFile([]byte("{ "), "x.hcl.json"); d.Len() != 0 || string(out) != "{ " {
		t.Errorf("%q, %v", out, d)
	}
}

// The files that fmt formats are those that Load reads.
func TestFilesAreThoseOfLoad(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"twofold.hcl", "b.hcl", "a.hcl.json", "requests.hcl", "x.vars.hcl", "y.vars.hcl.json", ".hidden.hcl", "other.tf"} {
		write(t, filepath.Join(dir, name), "")
	}
	t.Chdir(dir)
	files, d := Files("")
	if diff := cmp.Diff([]string{"twofold.hcl", "a.hcl.json", "b.hcl"}, files); diff != "" || d.Len() != 0 {
		t.Errorf("%v\n%s", d, diff)
	}
	if files, d = Files("b.hcl"); len(files) != 1 || files[0] != "b.hcl" || d.Len() != 0 {
		t.Errorf("%v, %v", files, d)
	}
	if files, d = Files(t.TempDir()); files != nil || !d.HasErrors() {
		t.Errorf("%v, %v", files, d)
	}
}
