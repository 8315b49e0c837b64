package manifest

import (
	"errors"
	"regexp"
	"strings"

	yaml "github.com/zclconf/go-cty-yaml"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// yamlDecode reads YAML. The parser below it is recursive and follows aliases
// without a limit, so the text is looked at first.
func yamlDecode() function.Function {
	check := func(src cty.Value) error {
		switch text := src.AsString(); {
		case len(text) > maxFileRead:
			return function.NewArgErrorf(0, "the YAML has more than %d MiB", maxFileRead>>20)
		case yamlDepth(text) > maxValueDepth:
			return function.NewArgErrorf(0, "the YAML nests too deep")
		case yamlBound(text) > maxResult:
			return function.NewArgErrorf(0, "the aliases of the YAML repeat too much")
		}
		return nil
	}
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "text", Type: cty.String}},
		Type: func(args []cty.Value) (cty.Type, error) {
			if !args[0].IsKnown() {
				return cty.DynamicPseudoType, nil
			}
			if err := check(args[0]); err != nil {
				return cty.NilType, err
			}
			t, err := yaml.Standard.ImpliedType([]byte(args[0].AsString()))
			if err != nil {
				return cty.NilType, function.NewArgError(0, yamlProblem(err))
			}
			return t, nil
		},
		Impl: func(args []cty.Value, want cty.Type) (cty.Value, error) {
			if err := check(args[0]); err != nil {
				return cty.NilVal, err
			}
			v, err := yaml.Standard.Unmarshal([]byte(args[0].AsString()), want)
			if err != nil {
				return cty.NilVal, function.NewArgError(0, yamlProblem(err))
			}
			return v, nil
		},
	})
}

func yamlProblem(err error) error {
	return errors.New("the text is not YAML: " + strings.TrimPrefix(err.Error(), "yaml: "))
}

// yamlDepth is how deep a YAML text nests, or more: brackets in text count too.
func yamlDepth(text string) int {
	deepest, brackets := 0, 0
	var columns []int // where the blocks begin that the line is in
	for line := range strings.Lines(text) {
		at := 0
		for {
			for at < len(line) && line[at] == ' ' {
				at++
			}
			for len(columns) > 0 && columns[len(columns)-1] >= at {
				columns = columns[:len(columns)-1]
			}
			columns = append(columns, at)
			// "- " and the like begin a block within the line.
			if at+1 >= len(line) || !strings.ContainsRune("-?:", rune(line[at])) || line[at+1] != ' ' && line[at+1] != '\t' {
				break
			}
			at++
			for at < len(line) && line[at] == '\t' {
				at++
			}
		}
		deepest = max(deepest, len(columns)+brackets)
		for _, c := range line {
			switch c {
			case '[', '{':
				brackets++
				deepest = max(deepest, len(columns)+brackets)
			case ']', '}':
				brackets = max(brackets-1, 0)
			}
		}
	}
	return deepest
}

var (
	yamlAnchor = regexp.MustCompile(`&[^\s\[\]{},]`)
	yamlAlias  = regexp.MustCompile(`\*[^\s\[\]{},]`)
)

// yamlBound is the most that a YAML text can grow to when its aliases are
// replaced, in bytes: each anchor may hold aliases of the one before it.
func yamlBound(text string) int {
	anchors, aliases := len(yamlAnchor.FindAllString(text, -1)), len(yamlAlias.FindAllString(text, -1))
	size := len(text)
	for range anchors {
		if aliases == 0 || size > maxResult {
			break
		}
		// The product is greatest where the aliases are spread evenly.
		size = product(size, (aliases+anchors-1)/anchors+1)
	}
	return size
}
