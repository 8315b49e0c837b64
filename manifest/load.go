package manifest

import (
	"bytes"
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/zclconf/go-cty/cty/function"
)

// Options say what to load. The zero value looks for a manifest and knows no
// builder.
type Options struct {
	// Path is a manifest, or a folder in which twofold.hcl or twofold.hcl.json
	// lies; "" looks in the working folder and then in its parents.
	Path string
	// Builders is what each build block takes.
	Builders []schema.Block
	// Env looks up what env("NAME") reads; nil is the environment of the process.
	Env func(name string) (value string, ok bool)
}

// Load reads a manifest. The diagnostics are never nil and hold every problem;
// the manifest is nil if there is an error among them. Load writes nothing and
// runs nothing.
func Load(o Options) (*Manifest, *Diagnostics) {
	file, problem := locate(o.Path)
	if problem != nil {
		return nil, fileProblem(problem)
	}
	shown := shownAs(file)
	src, problem := read(file, shown)
	if problem != nil {
		return nil, fileProblem(problem)
	}
	return load(src, file, shown, o)
}

// fileProblem makes diagnostics of what concerns the file as a whole.
func fileProblem(d *Diagnostic) *Diagnostics {
	d.Severity = SeverityError
	return &Diagnostics{list: []Diagnostic{*d}}
}

// loader holds the state of one Load.
type loader struct {
	source   []byte
	shown    string // the name of the file in messages
	diags    *Diagnostics
	builders []schema.Block
	kinds    map[string]*blockType // of the build blocks, by builder
	scope    scope
	meter    *meter
	// functions are for all expressions, defaultFunctions for defaults.
	functions, defaultFunctions map[string]function.Function
	// reading is the type of the block that is being read.
	reading *blockType
}

func load(src []byte, file, shown string, o Options) (*Manifest, *Diagnostics) {
	return loadWithin(newMeter(), src, file, shown, o)
}

func loadWithin(limits *meter, src []byte, file, shown string, o Options) (*Manifest, *Diagnostics) {
	diags := newDiagnostics(shown, src)
	tree := parse(src, shown, isJSONName(file), diags)
	if tree == nil {
		diags.sort()
		return nil, diags
	}
	l := newLoader(src, shown, diags, o)
	l.meter = limits
	m := l.manifest(tree.root)
	diags.settle(tree, src)
	if diags.HasErrors() {
		return nil, diags
	}
	m.File, m.Dir, m.shown, m.source = file, dirOf(file), shown, src
	return m, diags
}

func newLoader(src []byte, shown string, diags *Diagnostics, o Options) *loader {
	l := &loader{
		source: src, shown: shown, diags: diags, builders: o.Builders, kinds: map[string]*blockType{},
		scope: scope{vars: map[string]*named{}, locals: map[string]*named{}, open: true},
	}
	lookup := o.Env
	if lookup == nil {
		lookup = os.LookupEnv
	}
	l.functions = standardFunctions()
	l.defaultFunctions = standardFunctions()
	l.defaultFunctions["env"] = envFunction(lookup)
	return l
}

// manifest reads the tree. What it returns is whole only if nothing was
// reported.
func (l *loader) manifest(root *block) *Manifest {
	m := &Manifest{ranges: map[string]ranges{}}
	c := l.check(root, &language)
	l.readVariables(c.blocks["variable"])
	l.readLocals(c.blocks["locals"])
	m.Project = l.project(c.attrs["project"])
	first := map[string]*block{}
	for _, b := range c.blocks["service"] {
		name := b.labels[0].text
		if before, twice := first[name]; twice {
			l.twice("service", name, b, before)
		} else {
			first[name] = b
			if problem := checkName(name); problem != "" {
				l.report(Diagnostic{Summary: fmt.Sprintf("Invalid service name %q", name), Detail: problem}, b.labels[0].at)
			}
		}
		s, places := l.service(b)
		m.Services = append(m.Services, s)
		m.ranges[name] = places
	}
	if len(c.blocks["service"]) == 0 && !root.mentions("service") {
		l.reportMissing(Diagnostic{
			Summary: "The manifest has no service",
			Detail:  "Add one, for example:\n\n    service \"web\" {\n      build \"go\" { package = \".\" }\n    }",
		}, root.header)
	}
	return m
}

func (l *loader) project(a *attribute) string {
	name, ok := l.string(a)
	if !ok {
		if a != nil && isNullLiteral(a) {
			l.invalid(a, a.place(), "It is null, and a name is wanted, such as \"shop\".")
		}
		return ""
	}
	if problem := checkName(name); problem != "" {
		l.report(Diagnostic{Summary: fmt.Sprintf("Invalid project name %q", name), Detail: problem}, a.place())
	}
	return name
}

// twice reports a labelled block whose name is taken.
func (l *loader) twice(kind, name string, b, before *block) {
	l.report(Diagnostic{
		Summary: fmt.Sprintf("There are two %ss %q", kind, name),
		Detail:  "Rename or remove one of the two.",
		Notes:   []Note{{"the first one is here", rangeOf(before.header)}},
	}, b.header)
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
	if at.Filename != "" {
		place := rangeOf(at)
		d.Range = &place
	}
	d.File = l.shown
	l.diags.add(d)
}

// settle sorts the diagnostics, names the block that each lies in, and drops
// what may only be a consequence of a syntax error.
func (d *Diagnostics) settle(tree *parsed, source []byte) {
	blocks := tree.root.blocks
	sort.Slice(blocks, func(i, j int) bool { return blocks[i].whole.Start.Byte < blocks[j].whole.Start.Byte })
	reliable := lineStart(source, tree.broken)
	if i := innermost(blocks, tree.broken); i >= 0 {
		reliable = blocks[i].whole.Start.Byte
	}
	kept := d.list[:0]
	for _, diag := range d.list {
		if diag.order == orderValue && tree.broken >= 0 && (diag.needsWhole || diag.place() >= reliable) {
			continue
		}
		if diag.Range != nil {
			if i := innermost(blocks, diag.Range.Start.Byte); i >= 0 && !within(blocks[i].header, diag.Range.Start.Byte) {
				diag.In = describeBlock(blocks[i])
			}
		}
		kept = append(kept, diag)
	}
	d.list = kept
	d.sort()
}

// lineStart returns where the line of a byte starts.
func lineStart(src []byte, at int) int {
	if at < 0 {
		return at
	}
	return bytes.LastIndexByte(src[:min(at, len(src))], '\n') + 1
}

// innermost returns the index of the sorted block that holds the byte, or -1.
func innermost(blocks []*block, at int) int {
	i := sort.Search(len(blocks), func(i int) bool { return blocks[i].whole.Start.Byte > at }) - 1
	if i >= 0 && at < blocks[i].whole.End.Byte {
		return i
	}
	return -1
}

func within(r hcl.Range, at int) bool { return r.Start.Byte <= at && at < r.End.Byte }

func isJSONName(file string) bool { return strings.HasSuffix(file, ".json") }
