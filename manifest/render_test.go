package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// oneProblem makes diagnostics about the first place of text in src.
func oneProblem(src, text, detail string) *Diagnostics {
	d := newDiagnostics(source{"twofold.hcl", []byte(src)})
	at := strings.Index(src, text)
	d.add(Diagnostic{
		Severity: SeverityError, Summary: "Wrong", Detail: detail,
		Range: &Range{File: "twofold.hcl", Start: positionOf([]byte(src), at), End: positionOf([]byte(src), at+len(text))},
	})
	return d
}

func written(t *testing.T, d *Diagnostics, o TextOptions) string {
	t.Helper()
	var b bytes.Buffer
	if err := d.WriteText(&b, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTextUnderlinesTheOffendingColumns(t *testing.T) {
	tests := []struct {
		name, src, text string
		want            string // the snippet
	}{
		{"plain", "port = 80\n", "80", "  1 | port = 80\n    |        ^^\n"},
		{"tabs become spaces", "\tcpu\t= 80", "80", "  1 |     cpu = 80\n    |           ^^\n"},
		{"wide characters take two columns", `x = "健康" + y`, "y", "  1 | x = \"健康\" + y\n    |              ^\n"},
		{"the mark of wide characters is as wide", `x = "健康"`, "健康", "  1 | x = \"健康\"\n    |      ^^^^\n"},
		{"a combining accent takes none", "x = \"e\u0301\" + y", "y", "  1 | x = \"e\u0301\" + y\n    |           ^\n"},
		{"an emoji of several parts takes two", "x = \"👩‍🚀\" + y", "y", "  1 | x = \"👩‍🚀\" + y\n    |            ^\n"},
		{"a flag takes two", "x = \"🇩🇪\" + y", "y", "  1 | x = \"🇩🇪\" + y\n    |            ^\n"},
		{"several lines are marked on the first", "a = [\n  1,\n]\n", "[\n  1,\n]", "  1 | a = [\n    |     ^\n"},
		{"the end of the file", "a = ", "", "  1 | a =\n    | ^\n"},
		{"carriage returns are not shown", "a = 1\r\nb = 2\r\n", "2", "  2 | b = 2\n    |     ^\n"},
		{"terminal escapes are made visible", "a = \"\x1b[31m\"", "\x1b[31m", "  1 | a = \"<U+001B>[31m\"\n    |      ^^^^^^^^^^^^\n"},
		{"reversed text is made visible", "a = \"\u202eb\"", "b", "  1 | a = \"<U+202E>b\"\n    |              ^\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			text := written(t, oneProblem(test.src, test.text, ""), TextOptions{})
			_, snippet, _ := strings.Cut(text, "\n\n")
			if diff := cmp.Diff(test.want, snippet); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTextCutsLongLinesAroundTheOffendingText(t *testing.T) {
	for _, at := range []int{0, 10, 60, 100, 500, 100_000, 999_990} {
		src := strings.Repeat("a", at) + "WRONG" + strings.Repeat("b", 1_000_000-at)
		text := written(t, oneProblem(src, "WRONG", ""), TextOptions{Width: 60})
		lines := strings.Split(text, "\n")
		code, marks := lines[3], lines[4]
		if len(code) > 60 {
			t.Errorf("at %d: a line of %d columns", at, len(code))
		}
		if i := strings.Index(code, "WRONG"); i < 0 || i != strings.Index(marks, "^^^^^") {
			t.Errorf("at %d: the mark is not below the text:\n%s\n%s", at, code, marks)
		}
	}
}

func TestTextMarksAsMuchAsFits(t *testing.T) {
	text := written(t, oneProblem("a = "+strings.Repeat("x", 500), strings.Repeat("x", 500), ""), TextOptions{Width: 40})
	for _, line := range strings.Split(text, "\n") {
		if len(line) > 40 {
			t.Errorf("a line of %d columns: %s", len(line), line)
		}
	}
	if !strings.Contains(text, "^^^^^^^^^^") {
		t.Errorf("nothing is marked:\n%s", text)
	}
}

func TestTextWrapsSentencesAndKeepsCode(t *testing.T) {
	detail := "A sentence of some words that is wrapped.\n\n    code = \"is never wrapped, however long it is\"\n\nLast."
	text := written(t, oneProblem("a", "a", detail), TextOptions{Width: 30})
	want := `
  A sentence of some words
  that is wrapped.

      code = "is never wrapped, however long it is"

  Last.
`
	if !strings.HasSuffix(text, want) {
		t.Errorf("got:\n%s", text)
	}
}

func TestTextHasColourOnlyWhenAsked(t *testing.T) {
	d := oneProblem("port = 80", "80", "Do this.")
	if text := written(t, d, TextOptions{}); strings.Contains(text, "\x1b") {
		t.Errorf("escapes without colour: %q", text)
	}
	want := "\x1b[1;31mError: \x1b[0m\x1b[1mWrong\x1b[0m\n" +
		"  \x1b[34mtwofold.hcl:1:8\x1b[0m\n\n" +
		"\x1b[34m  1 |\x1b[0m port = \x1b[1;31m80\x1b[0m\n" +
		"\x1b[34m    |\x1b[0m        \x1b[1;31m^^\x1b[0m\n\n" +
		"  Do this.\n"
	if diff := cmp.Diff(want, written(t, d, TextOptions{Color: true})); diff != "" {
		t.Error(diff)
	}
}

func TestTextStopsAfterAHundredProblems(t *testing.T) {
	d := newDiagnostics(source{"twofold.hcl", nil})
	for i := range 250 {
		d.add(Diagnostic{Severity: SeverityError, Summary: fmt.Sprintf("Problem %d", i)})
	}
	text := written(t, d, TextOptions{})
	if strings.Count(text, "Error: ") != 100 || !strings.HasSuffix(text, "... and 150 more\n") {
		t.Errorf("%d problems, and at the end %q", strings.Count(text, "Error: "), text[len(text)-40:])
	}
}

func TestRangesOutsideOfTheFileDoNotPanic(t *testing.T) {
	for _, r := range []Range{
		{Start: Position{Line: 9, Column: 9, Byte: 99}, End: Position{Byte: 100}},
		{Start: Position{Byte: -5}, End: Position{Byte: -9}},
		{Start: Position{Line: 1, Byte: 2}, End: Position{Byte: 1}},
	} {
		r.File = "twofold.hcl"
		d := newDiagnostics(source{"twofold.hcl", []byte("a = 1")})
		d.add(Diagnostic{Severity: SeverityError, Summary: "Wrong", Range: &r, Notes: []Note{{"here", r}}})
		written(t, d, TextOptions{})
		if _, err := json.Marshal(d); err != nil {
			t.Error(err)
		}
	}
}

func TestJSONHoldsWhatTheTextShows(t *testing.T) {
	src := "project = \"shop\"\nservice \"a\" {\n  build \"go\" {}\n  port = 1\n  port = 2\n}\n"
	_, d := load([]byte(src), "/p/twofold.hcl", "twofold.hcl", Options{Builders: testBuilders()})
	got, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want := `[
  {
    "severity": "error",
    "summary": "The attribute \"port\" is set twice",
    "detail": "Remove one of the two.",
    "in": "service \"a\"",
    "file": "twofold.hcl",
    "range": {
      "start": {
        "line": 5,
        "column": 3,
        "byte": 60
      },
      "end": {
        "line": 5,
        "column": 7,
        "byte": 64
      }
    },
    "snippet": {
      "start_line": 5,
      "code": "  port = 2",
      "highlight_start": 2,
      "highlight_end": 6
    },
    "notes": [
      {
        "message": "it is set here first",
        "file": "twofold.hcl",
        "range": {
          "start": {
            "line": 4,
            "column": 3,
            "byte": 49
          },
          "end": {
            "line": 4,
            "column": 7,
            "byte": 53
          }
        },
        "snippet": {
          "start_line": 4,
          "code": "  port = 1",
          "highlight_start": 2,
          "highlight_end": 6
        }
      }
    ]
  }
]`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	if empty, err := json.Marshal(&Diagnostics{}); err != nil || string(empty) != "[]" {
		t.Errorf("no diagnostics are %s, %v", empty, err)
	}
}

func TestErrorIsOneLine(t *testing.T) {
	d := oneProblem("a = 1", "1", "Detail.")
	if d.Error() != "twofold.hcl:1:5: Wrong" {
		t.Error(d.Error())
	}
	d.Append(oneProblem("a = 1", "a", ""))
	if d.Error() != "twofold.hcl:1:5: Wrong (and 1 more error)" || d.Len() != 2 {
		t.Error(d.Error())
	}
	d.add(Diagnostic{Severity: SeverityWarning, Summary: "Hm"})
	d.Append(oneProblem("a = 1", "a", ""))
	if d.Error() != "twofold.hcl:1:5: Wrong (and 2 more errors)" {
		t.Error(d.Error())
	}
	warning := &Diagnostics{}
	warning.add(Diagnostic{Severity: SeverityWarning, Summary: "Hm"})
	if warning.HasErrors() || warning.Err() != nil || d.Err() != error(d) {
		t.Error("a warning is an error, or an error is none")
	}
}
