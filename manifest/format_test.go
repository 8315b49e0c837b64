package manifest

import (
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
