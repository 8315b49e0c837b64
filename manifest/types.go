package manifest

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"
)

// readType reads the type of a variable.
func (l *loader) readType(a *attribute) (cty.Type, *typeexpr.Defaults, bool) {
	if a == nil {
		return cty.DynamicPseudoType, nil, true
	}
	want, defaults, problems := typeexpr.TypeConstraintWithDefaults(typeExpression(a.expr))
	if !problems.HasErrors() {
		return want, defaults, true
	}
	at := a.place()
	detail := "Use string, number, bool, any, list(string), set(string), map(string), object({ name = string }) or tuple([string])."
	if problems[0].Subject != nil {
		at = *problems[0].Subject
		keyword := hcl.ExprAsKeyword(typeExpression(a.expr))
		if keyword == "" {
			keyword = strings.Trim(string(at.SliceBytes(l.diags.sources[at.Filename])), `"`)
		}
		if near := nearest(keyword, []string{"string", "number", "bool", "any", "list", "set", "map", "object", "tuple"}); near != "" {
			detail = fmt.Sprintf("Did you mean %q?", near)
		} else if known, ok := map[string]string{"int": "number", "integer": "number", "float": "number", "boolean": "bool", "str": "string", "text": "string", "array": "list(string)", "list": "list(string)", "map": "map(string)", "dict": "map(string)"}[keyword]; ok {
			detail = fmt.Sprintf("Did you mean %q?", known)
		}
	}
	l.report(Diagnostic{Summary: "Not a type", Detail: detail}, at)
	return cty.DynamicPseudoType, nil, false
}
