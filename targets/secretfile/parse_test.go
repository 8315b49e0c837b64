package secretfile

import (
	"maps"
	"strings"
	"testing"
)

func TestFileIsReadAsDotenvFilesAre(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       map[string]string
	}{
		{"bare", "A=1\nB = two words \n", map[string]string{"A": "1", "B": "two words"}},
		{"comments", "# one\n\nA=1 # two\nB=a#b\n  # three\nC=# four\n", map[string]string{"A": "1", "B": "a#b", "C": ""}},
		{"export", "export A=1\n\texport\tB=2\nexported=3", map[string]string{"A": "1", "B": "2", "exported": "3"}},
		{"single quotes", `A='a "$b" \n c' # x`, map[string]string{"A": `a "$b" \n c`}},
		{"double quotes", `A="a\n\t\"\\\$ \x 'b'"`, map[string]string{"A": "a\n\t\"\\$ \\x 'b'"}},
		{"several lines", "A=\"-----BEGIN\nabc=\n-----END\"\nB='x\ny'\n", map[string]string{"A": "-----BEGIN\nabc=\n-----END", "B": "x\ny"}},
		{"a dollar is a dollar", "A=a$B${C}\nB=2", map[string]string{"A": "a$B${C}", "B": "2"}},
		{"equal signs", "A=postgres://u:p=w@h/d?x=y\n", map[string]string{"A": "postgres://u:p=w@h/d?x=y"}},
		{"Windows", "\xef\xbb\xbfA=1\r\nB='2'\r\n", map[string]string{"A": "1", "B": "2"}},
		{"empty", "", map[string]string{}},
		{"quotes within", `A=it's "so"`, map[string]string{"A": `it's "so"`}},
		{"no value", "A=", map[string]string{"A": ""}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := parse([]byte(test.text))
			if err != nil || !maps.Equal(got, test.want) {
				t.Errorf("got %q, %v; want %q", got, err, test.want)
			}
		})
	}
}

func TestErrorsNameTheLineAndNoValue(t *testing.T) {
	const secret = "hunter2"
	for _, test := range []struct{ name, text, want string }{
		{"no equal sign", "A=1\n" + secret + "\n", "line 2: no \"=\""},
		{"bad name", secret + "-x=1", "line 1: what stands before"},
		{"digit first", "1A=" + secret, "line 1: what stands before"},
		{"open quote", "\nA='" + secret + "\n\n", "line 2: A: the quote ' is not closed"},
		{"text after the quote", "A='x'" + secret, "line 1: A: something follows"},
		{"twice", "A='\n'\nB=1\nA=" + secret, "line 4: A is set on line 1"},
		{"zero byte", "A=" + secret + "\x00", "zero byte"},
	} {
		t.Run(test.name, func(t *testing.T) {
			v, err := parse([]byte(test.text))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %q, error %v; want %q", v, err, test.want)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error shows a part of the file: %v", err)
			}
		})
	}
}

// What was parsed, written in single or double quotes, is parsed to the same.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"A=1\n#x\nexport B='2' # y", "A=\"\\n\\\"\"", "A='\n", "\xef\xbb\xbfA=\r\n", "=", "A==\n \n", "A=\"\\"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		values, err := parse(text)
		if err != nil {
			return
		}
		var b strings.Builder
		for name, value := range values {
			if !isName(name) {
				t.Fatalf("%q is no name", name)
			}
			quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
			if strings.Contains(value, "\r\n") {
				quoted = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", `\r`).Replace(value) + `"`
			}
			b.WriteString(name + "=" + quoted + "\n")
		}
		again, err := parse([]byte(b.String()))
		if err != nil || !maps.Equal(again, values) {
			t.Errorf("%q became %q, %v", values, again, err)
		}
	})
}
