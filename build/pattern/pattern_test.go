package pattern

import "testing"

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		folder, want  bool
	}{
		{"*.map", "a.map", false, true},
		{"*.map", "x/y/a.map", false, true},
		{"*.map", "a.mapx", false, false},
		{"tests/", "tests", true, true},
		{"tests/", "src/tests", true, true},
		{"tests/", "tests", false, false},
		{"/tests", "tests", false, true},
		{"/tests", "src/tests", false, false},
		{"./tests", "src/tests", false, false},
		{"./tests", "tests", true, true},
		{"src/*.js", "src/a.js", false, true},
		{"src/*.js", "src/x/a.js", false, false},
		{"src/**/*.js", "src/a.js", false, true},
		{"src/**/*.js", "src/x/y/a.js", false, true},
		{"src/**", "src/x/y", false, true},
		{"src/**", "src", true, false},
		{"**/gen", "gen", true, true},
		{"**/gen", "a/b/gen", true, true},
		{"a?c", "abc", false, true},
		{"[ab].txt", "b.txt", false, true},
		{`\*.txt`, "*.txt", false, true},
		{`\*.txt`, "a.txt", false, false},
		{"a/**/**/b", "a/x/b", false, true},
	} {
		l, err := Parse([]string{c.pattern})
		if err != nil {
			t.Errorf("%q: %v", c.pattern, err)
			continue
		}
		if got := l.Match(c.path, c.folder); got != c.want {
			t.Errorf("%q on %q (folder: %v): got %v", c.pattern, c.path, c.folder, got)
		}
	}
}

func TestMatchBelowTakesWhatIsInAFolder(t *testing.T) {
	l, err := Parse([]string{"node_modules/", "/dist"})
	if err != nil {
		t.Fatal(err)
	}
	for p, want := range map[string]bool{
		"node_modules/a/b.js":   true,
		"x/node_modules/b.js":   true,
		"dist/a":                true,
		"x/dist/a":              false,
		"src/node_modules_not":  false,
		"src/index.js":          false,
		"lib/node_modules":      false, // a file of that name
		"lib/node_modules/file": true,
	} {
		if got := l.MatchBelow(p); got != want {
			t.Errorf("%s: got %v", p, got)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, p := range []string{"", "/", "!a", "../a", "a/../b", "a//b", "[a"} {
		if l, err := Parse([]string{p}); err == nil {
			t.Errorf("%q: got %v", p, l)
		}
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("src/**/*.js", "src/a/b.js")
	f.Add("**/**/a", "a")
	f.Add(`\`, "[")
	f.Fuzz(func(t *testing.T, pattern, path string) {
		if len(pattern) > 40 || len(path) > 40 {
			return
		}
		l, err := Parse([]string{pattern})
		if err != nil {
			return
		}
		if l.Match(path, false) && !l.MatchBelow(path) {
			t.Errorf("%q matches %q but nothing below it", pattern, path)
		}
	})
}
