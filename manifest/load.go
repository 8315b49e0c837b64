package manifest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/zclconf/go-cty/cty/function"
)

// Options say what to load. The zero value looks for a manifest and knows no
// builder and no target but the local ones.
type Options struct {
	// Path is a manifest, or a folder in which twofold.hcl or twofold.hcl.json
	// lies; "" looks in the working folder and then in its parents. A folder's
	// other *.hcl and *.hcl.json files are parts of the manifest; a file that is
	// named is read alone.
	Path string
	// Builders is what each build block takes, Plugins what each target block.
	Builders, Plugins []schema.Block
	// Environment is the one to evaluate; "" is DefaultEnvironment, which need not
	// be declared.
	Environment string
	// Variables are values as "name=value", VariableFiles files of values. Later
	// ones win over earlier ones, and variables over files.
	Variables, VariableFiles []string
	// Partial: a variable may have no value, for a command that asks for names
	// alone. What depends on it is not set in the result; Target.Unknown says so of
	// targets.
	Partial bool
	// Env looks up what env("NAME") reads, and TWOFOLD_VAR_name; nil is the
	// environment of the process.
	Env func(name string) (value string, ok bool)
	// Git returns facts about the repository of a folder; nil asks git.
	Git func(dir string) (Git, error)

	// files are those that the function file reads; nil is the manifest's folder.
	files fs.FS
	// limits bound the cost of each environment; nil is the usual ones.
	limits *meter
}

// DefaultEnvironment is the environment of a command that names none.
const DefaultEnvironment = "default"

// Load reads a manifest and evaluates one environment. The diagnostics are never
// nil and hold every problem; the manifest is nil if there is an error among
// them. Load writes nothing, and runs nothing but git, if git.* is used.
func Load(o Options) (*Manifest, *Diagnostics) {
	s, d := open(o)
	if s == nil {
		return nil, d
	}
	return s.load(o)
}

// LoadAll evaluates every environment: first DefaultEnvironment, then those that
// the manifest declares, in the order of the text. A variable without a value is
// no error here; whatever depends on it is not looked at, and not set in the
// result. The manifests are nil if there is an error in any of them.
func LoadAll(o Options) ([]*Manifest, *Diagnostics) {
	s, d := open(o)
	if s == nil {
		return nil, d
	}
	return s.loadAll(o)
}

// text is the files of a manifest.
type text struct {
	// path is the absolute path of the main file, dir its folder.
	path, dir string
	files     []source
}

// source is one file; name is how messages call it.
type source struct {
	name    string
	content []byte
}

func open(o Options) (*text, *Diagnostics) {
	paths, problem := locate(o.Path)
	if problem != nil {
		return nil, fileProblem(problem)
	}
	s := &text{path: paths[0], dir: filepath.Dir(paths[0])}
	total := 0
	for _, path := range paths {
		shown := shownAs(path)
		content, problem := read(path, shown)
		if problem != nil {
			return nil, fileProblem(problem)
		}
		if total += len(content); total > maxFile && len(paths) > 1 {
			return nil, fileProblem(&Diagnostic{
				Summary: "The manifest is too big",
				Detail:  fmt.Sprintf("All *.hcl files of its folder together have more than %d MiB, which is the limit. Name one file with --manifest FILE to read it alone.", maxFile>>20),
			})
		}
		s.files = append(s.files, source{shown, content})
	}
	return s, nil
}

// fileProblem makes diagnostics of what concerns the file as a whole.
func fileProblem(d *Diagnostic) *Diagnostics {
	d.Severity = SeverityError
	return &Diagnostics{list: []Diagnostic{*d}}
}

// loader holds the state of a load, which may evaluate several environments.
type loader struct {
	diags    *Diagnostics
	builders []schema.Block
	plugins  []schema.Block
	kinds    map[string]*blockType // of the build and target blocks
	analyses map[hclsyntax.Expression]*analysis

	// What the text says, whatever the environment.
	root           *node
	declared       []*declaration
	declaredByName map[string]*declaration
	given          map[string]given

	// What one environment makes of it.
	scope   scope
	lenient bool
	meter   *meter
	// private: what is evaluated is the value of a sensitive variable; input is what
	// messages call it.
	private bool
	input   string

	// functions are for all expressions, inputFunctions for the values of
	// variables.
	functions, inputFunctions map[string]function.Function
	lookupEnv                 func(string) (string, bool)
	environ                   func() []string
	git                       func() (Git, error)
	files                     *fileReader
	// checking is the file of the name that is looked at.
	checking string
	// reading is the type of the block that is being read.
	reading *blockType
}

func (s *text) load(o Options) (*Manifest, *Diagnostics) {
	l, trees := s.begin(o)
	if l.root == nil {
		return nil, l.diags
	}
	l.lenient = o.Partial
	m := l.manifest(s, o.Environment, o.limits)
	l.diags.settle(trees)
	if l.diags.HasErrors() {
		return nil, l.diags
	}
	return m, l.diags
}

func (s *text) loadAll(o Options) ([]*Manifest, *Diagnostics) {
	l, trees := s.begin(o)
	if l.root == nil {
		return nil, l.diags
	}
	l.lenient = true
	names := []string{DefaultEnvironment}
	for i, n := range l.root.all("environment") {
		if i == maxEnvironments {
			l.report(Diagnostic{Summary: "Too many environments", Detail: fmt.Sprintf("A manifest has at most %d of them, and this is one more.", maxEnvironments)}, n.block.header)
			break
		}
		if name := n.label(0); name != DefaultEnvironment {
			names = append(names, name)
		}
	}
	var all []*Manifest
	services := 0
	for _, name := range names {
		l.diags.environment = name
		m := l.manifest(s, name, o.limits)
		all = append(all, m)
		if services += len(m.Services); services > maxEvaluated {
			l.report(Diagnostic{Summary: "Too many services", Detail: fmt.Sprintf("All environments together have at most %d of them.", maxEvaluated)}, l.root.all("environment")[0].block.header)
			break
		}
	}
	l.diags.settle(trees)
	if l.diags.HasErrors() {
		return nil, l.diags
	}
	return all, l.diags
}

const (
	// maxEnvironments is how many environments a manifest may declare, and
	// maxEvaluated how many services all of them may have together.
	maxEnvironments = 100
	maxEvaluated    = 10 * maxServices
)

// begin parses the files and reads what does not depend on the environment. The
// loader has no root if there is nothing to evaluate.
func (s *text) begin(o Options) (*loader, []*parsed) {
	l := newLoader(s, o)
	var trees []*parsed
	whole := &block{}
	for _, file := range s.files {
		tree := parse(file.content, file.name, isJSONName(file.name), l.diags)
		if tree == nil || tree.broken >= 0 {
			l.hideBroken(file.name, file.content)
		}
		if tree == nil {
			l.hideDetails()
			l.diags.sort()
			return l, nil
		}
		trees = append(trees, tree)
		whole.join(tree.root)
	}
	root := l.check(whole, &language)
	l.declareVariables(root.all("variable"))
	l.hideSensitive(whole)
	l.hideDetails()
	l.readGiven(o)
	l.root = root
	return l, trees
}

// join adds the content of another file.
func (b *block) join(other *block) {
	if b.header.Filename == "" {
		b.header, b.whole, b.end = other.header, other.whole, other.end
	}
	b.attrs = append(b.attrs, other.attrs...)
	b.blocks = append(b.blocks, other.blocks...)
	b.refused = append(b.refused, other.refused...)
}

func newLoader(s *text, o Options) *loader {
	l := &loader{
		diags: newDiagnostics(s.files...), builders: o.Builders, plugins: o.Plugins,
		kinds: map[string]*blockType{}, analyses: map[hclsyntax.Expression]*analysis{},
		declaredByName: map[string]*declaration{}, given: map[string]given{},
		lookupEnv: o.Env, environ: func() []string { return nil }, meter: newMeter(),
	}
	if l.lookupEnv == nil {
		l.lookupEnv, l.environ = os.LookupEnv, environmentNames
	}
	askGit := o.Git
	if askGit == nil {
		askGit = readGit
	}
	l.git = func() (Git, error) { return askGit(s.dir) }
	l.files = &fileReader{fsys: o.files, dir: s.dir, content: map[string]string{}}
	l.functions = standardFunctions()
	l.inputFunctions = standardFunctions()
	l.inputFunctions["env"] = envFunction(l.lookupEnv)
	l.addFileFunctions(l.functions)
	l.addFileFunctions(l.inputFunctions)
	return l
}

func environmentNames() []string {
	var names []string
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		names = append(names, name)
	}
	return names
}

// report adds an error at a place.
func (l *loader) report(d Diagnostic, at hcl.Range) {
	d.Severity = SeverityError
	l.place(d, at)
}

// reportMissing adds an error about something that is not there, which a text
// with syntax errors may well hold.
func (l *loader) reportMissing(d Diagnostic, at hcl.Range) {
	d.needsWhole = true
	l.report(d, at)
}

func (l *loader) warn(d Diagnostic, at hcl.Range) {
	d.Severity = SeverityWarning
	l.place(d, at)
}

func (l *loader) place(d Diagnostic, at hcl.Range) {
	if d.order == orderFile {
		d.order = orderValue
	}
	switch {
	case at.Filename != "":
		place := rangeOf(l.diags.inFile(at))
		d.Range = &place
	case d.origin != "":
		d.File = d.origin
	default:
		d.File = l.diags.files[0]
	}
	l.diags.add(d)
}

func isJSONName(file string) bool { return strings.HasSuffix(file, ".json") }
