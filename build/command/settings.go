package command

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/build/pattern"
	"github.com/twofoldhq/twofold/build/runtimes"
	"github.com/twofoldhq/twofold/build/tree"
	"github.com/twofoldhq/twofold/manifest/schema"
)

// settings are the attributes of the build block, checked.
type settings struct {
	start, run []string
	dir        string // absolute
	output     string // as the manifest has it, clean, slash-separated
	runtime    string
	inputs     []input // empty: all of dir
	exclude    pattern.List
	env        map[string]string
	// beside: the manifest's folder itself is the app tree.
	beside bool
	// set says which attributes the manifest sets, and holds their values.
	set schema.Values
}

// input is one entry of inputs.
type input struct {
	// at is the file or folder to look at, relative to dir; match chooses below
	// it. A nil match takes all.
	at    string
	match pattern.List
}

func read(req build.Request) (settings, error) {
	v := req.Settings
	s := settings{
		start:   v.Strings("start"),
		run:     v.Strings("run"),
		dir:     filepath.Join(req.Dir, filepath.FromSlash(v.String("dir"))),
		output:  path.Clean(filepath.ToSlash(v.String("output"))),
		runtime: v.String("runtime"),
		env:     v.StringMap("env"),
		set:     v,
	}
	s.beside = s.dir == filepath.Clean(req.Dir) && s.output == "."
	if len(s.start) == 0 || s.start[0] == "" {
		return s, s.wrong("start", "There is no start command", `Say how the app is started, such as start = ["node", "server.js"].`)
	}
	if v.Has("run") && (len(s.run) == 0 || s.run[0] == "") {
		return s, s.wrong("run", "The command is empty", "Leave run out if nothing has to be run.")
	}
	if strings.ContainsAny(s.start[0], " \t") && len(s.start) == 1 {
		return s, s.wrong("start", "The command is one word", `Each word is an element of its own, such as ["node", "server.js"].`)
	}
	if info, err := os.Stat(s.dir); err != nil || !info.IsDir() {
		return s, s.wrong("dir", "There is no such folder", fmt.Sprintf("%s is where the command should run.", s.dir))
	}
	if s.runtime != "" {
		if err := runtimes.Check(s.runtime); err != nil {
			return s, s.wrong("runtime", "There is no such runtime", err.Error()+".")
		}
	}
	return s, s.readPaths()
}

func (s *settings) readPaths() (err error) {
	if !filepath.IsLocal(filepath.FromSlash(s.output)) {
		return s.wrong("output", "The output is outside of dir", "Name a folder below "+s.dir+".")
	}
	if s.exclude, err = pattern.Parse(s.set.Strings("exclude")); err != nil {
		return s.wrong("exclude", "This is not a pattern", err.Error()+".")
	}
	for _, in := range s.set.Strings("inputs") {
		i, err := parseInput(filepath.ToSlash(in))
		if err != nil {
			return s.wrong("inputs", "This is not a pattern", err.Error()+".")
		}
		s.inputs = append(s.inputs, i)
	}
	if len(s.run) > 0 && len(s.inputs) == 0 && s.inPlace() {
		return s.wrong("output", "The output is the folder of the sources",
			"So inputs has to say which files the command reads; or let the command write to a folder of its own, and name that as output.")
	}
	return nil
}

// parseInput splits an entry into the folder to look at and the pattern below it.
func parseInput(in string) (input, error) {
	in = strings.TrimSuffix(in, "/")
	const special = `*?[\`
	if in == "" {
		return input{}, fmt.Errorf("an entry is empty")
	}
	if !strings.ContainsAny(in, special) {
		return input{at: path.Clean(in)}, nil
	}
	var folder []string
	rest := strings.Split(strings.TrimPrefix(in, "./"), "/")
	for len(rest) > 1 && !strings.ContainsAny(rest[0], special) {
		folder, rest = append(folder, rest[0]), rest[1:]
	}
	// The slash in front ties the pattern to the folder.
	match, err := pattern.Parse([]string{"/" + strings.Join(rest, "/")})
	return input{at: path.Join(append(folder, ".")...), match: match}, err
}

// inPlace reports whether sources and output lie in one folder.
func (s settings) inPlace() bool { return s.output == "." }

// eachPlatform reports whether the command runs once for each platform.
func (s settings) eachPlatform() bool {
	return strings.Contains(s.output, "{os}") || strings.Contains(s.output, "{arch}")
}

// digest stands for all settings that the command's output depends on.
func (s settings) digest(p build.Platform) string {
	// Maps are written in the order of their keys.
	text, err := json.Marshal(map[string]any{
		"run": s.run, "dir": s.dir, "output": s.output, "env": s.env, "platform": p.String(),
		"inputs": s.set.Strings("inputs"), "exclude": s.set.Strings("exclude"),
	})
	if err != nil {
		return "" // strings and maps of strings cannot fail
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// leftOut reports whether a path is neither an input nor part of the tree.
func (s settings) leftOut(p string, folder bool) bool {
	return tree.SkipAlways(p, folder) || s.manifestOrSecret(p, folder) || s.exclude.Match(p, folder)
}

// manifestOrSecret names the files that lie beside an app's code and must not get
// into a release: the manifest, so that a changed deployment is not a changed
// release, and the files that hold secrets by convention.
func (s settings) manifestOrSecret(p string, folder bool) bool {
	if p == "twofold.hcl" || p == "twofold.hcl.json" {
		return true
	}
	if s.beside && !folder && !strings.Contains(p, "/") && (strings.HasSuffix(p, ".hcl") || strings.HasSuffix(p, ".hcl.json")) {
		return true
	}
	name := path.Base(p)
	return name == ".env" || strings.HasPrefix(name, ".env.") && strings.HasSuffix(name, ".local")
}

// wrong is an error in an attribute, or in the block if the manifest leaves the
// attribute to its default.
func (s settings) wrong(attribute, summary, detail string) error {
	if !s.set.Has(attribute) {
		attribute = ""
	}
	return &schema.Error{Attribute: attribute, Summary: summary, Detail: detail}
}
