package manifest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// maxFileRead is the size of the largest file that an expression may read, in
// bytes: what it holds ends in the environment of a service.
const maxFileRead = 1 << 20

// fileReader reads files of the manifest's folder, and of nowhere else.
type fileReader struct {
	// fsys is nil until the folder is opened.
	fsys    fs.FS
	dir     string
	content map[string]string
}

func (r *fileReader) open() error {
	if r.fsys != nil {
		return nil
	}
	root, err := os.OpenRoot(r.dir)
	if err != nil {
		return err
	}
	r.fsys = root.FS()
	return nil
}

// clean returns the path as a name below the folder.
func (r *fileReader) clean(name string) (string, error) {
	slashed := filepath.ToSlash(name)
	cleaned := path.Clean(slashed)
	if name == "" || path.IsAbs(slashed) || filepath.IsAbs(name) || !fs.ValidPath(cleaned) {
		return "", fmt.Errorf("%q is not in the manifest's folder. Only files of this folder and below can be read, by a relative path", name)
	}
	return cleaned, nil
}

func (r *fileReader) read(name string) (string, error) {
	cleaned, err := r.clean(name)
	if err != nil {
		return "", err
	}
	if known, ok := r.content[cleaned]; ok {
		return known, nil
	}
	if err := r.open(); err != nil {
		return "", err
	}
	info, err := fs.Stat(r.fsys, cleaned)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("there is no file %q in the manifest's folder", name)
	case err != nil && strings.Contains(err.Error(), "escapes from parent"):
		return "", fmt.Errorf("%q is a link that leads out of the manifest's folder. Only files of this folder and below can be read", name)
	case err != nil:
		return "", fmt.Errorf("the file %q cannot be read: %w", name, plain(err))
	case info.IsDir():
		return "", fmt.Errorf("%q is a folder, and a file is wanted", name)
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%q is not a file", name)
	}
	f, err := r.fsys.Open(cleaned)
	if err != nil {
		return "", fmt.Errorf("the file %q cannot be read: %w", name, plain(err))
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxFileRead+1))
	if err != nil {
		return "", fmt.Errorf("the file %q cannot be read: %w", name, plain(err))
	}
	if len(content) > maxFileRead {
		return "", fmt.Errorf("the file %q is bigger than %d MiB, the most that an expression reads", name, maxFileRead>>20)
	}
	r.content[cleaned] = string(content)
	return string(content), nil
}

// plain drops the operation and the path of an error, which were named already.
func plain(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

func (r *fileReader) text(name string) (string, error) {
	content, err := r.read(name)
	if err == nil && !utf8.ValidString(content) {
		err = fmt.Errorf("the file %q is not text in UTF-8. Use filebase64(%q)", name, name)
	}
	return content, err
}

// addFileFunctions adds the functions that read files.
func (l *loader) addFileFunctions(functions map[string]function.Function) {
	functions["file"] = textFunction([]string{"path"}, cty.String, func(s []string) (cty.Value, error) {
		content, err := l.files.text(s[0])
		return cty.StringVal(content), err
	})
	functions["filebase64"] = textFunction([]string{"path"}, cty.String, func(s []string) (cty.Value, error) {
		content, err := l.files.read(s[0])
		return cty.StringVal(base64.StdEncoding.EncodeToString([]byte(content))), err
	})
	functions["fileexists"] = textFunction([]string{"path"}, cty.Bool, func(s []string) (cty.Value, error) {
		cleaned, err := l.files.clean(s[0])
		if err != nil {
			return cty.False, err
		}
		if err := l.files.open(); err != nil {
			return cty.False, err
		}
		info, err := fs.Stat(l.files.fsys, cleaned)
		return cty.BoolVal(err == nil && info.Mode().IsRegular()), nil
	})
	functions["templatefile"] = l.templateFile()
}

// templateFile evaluates a file as a template; its names are those of the second
// argument alone.
func (l *loader) templateFile() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{
			{Name: "path", Type: cty.String},
			{Name: "values", Type: cty.DynamicPseudoType},
		},
		Type: function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name, values := args[0].AsString(), args[1]
			if t := values.Type(); !t.IsObjectType() && !t.IsMapType() {
				return cty.NilVal, function.NewArgErrorf(1, "the second argument is a map with what the template uses")
			}
			content, err := l.files.text(name)
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			return l.renderTemplate(name, content, values.AsValueMap())
		},
	})
}

func (l *loader) renderTemplate(name, content string, values map[string]cty.Value) (cty.Value, error) {
	src := []byte(content)
	tokens, _ := hclsyntax.LexTemplate(src, name, hcl.InitialPos)
	if d := guardTokens(tokens); d != nil {
		return cty.NilVal, fmt.Errorf("the template %q: %s", name, sentence(d.Summary+". "+d.Detail))
	}
	expr, problems := hclsyntax.ParseTemplate(src, name, hcl.InitialPos)
	if problems.HasErrors() {
		return cty.NilVal, templateProblem(name, problems[0])
	}
	for _, t := range expr.Variables() {
		if _, ok := values[t.RootName()]; !ok {
			return cty.NilVal, fmt.Errorf("line %d of the template %q uses %q, and the second argument does not have it. %s", t.SourceRange().Start.Line, name, t.RootName(), didYouMean(t.RootName(), keysOf(values), "It has"))
		}
	}
	functions := standardFunctions()
	l.meter.install(expr)
	v, problems := expr.Value(&hcl.EvalContext{Variables: values, Functions: functions})
	for _, p := range problems {
		if call, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](p); ok {
			var thrown function.PanicError
			if err := call.FunctionCallError(); errors.As(err, &thrown) {
				return cty.NilVal, err
			}
		}
	}
	if problems.HasErrors() {
		return cty.NilVal, templateProblem(name, problems[0])
	}
	text, ok := textOf(v)
	if !ok {
		return cty.NilVal, fmt.Errorf("the template %q does not make text", name)
	}
	return cty.StringVal(text), nil
}

func templateProblem(name string, p *hcl.Diagnostic) error {
	line := 1
	if p.Subject != nil {
		line = p.Subject.Start.Line
	}
	words := Diagnostic{Summary: p.Summary, Detail: p.Detail}
	for _, w := range syntaxWords {
		if w.summary == p.Summary && strings.Contains(p.Detail, w.inDetail) {
			words.Summary, words.Detail = w.newSummary, w.newDetail
			break
		}
	}
	return fmt.Errorf("line %d of the template %q: %s. %s", line, name, words.Summary, strings.TrimSuffix(words.Detail, "."))
}
