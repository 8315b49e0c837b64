package manifest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	yaml "github.com/zclconf/go-cty-yaml"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// standardFunctions are what every expression can call, under the names that
// HCL's other users gave them.
func standardFunctions() map[string]function.Function {
	functions := map[string]function.Function{
		// numbers
		"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "floor": stdlib.FloorFunc, "log": stdlib.LogFunc,
		"max": stdlib.MaxFunc, "min": stdlib.MinFunc, "parseint": stdlib.ParseIntFunc, "pow": stdlib.PowFunc, "signum": stdlib.SignumFunc,
		// text
		"chomp": stdlib.ChompFunc, "endswith": endsWith(), "format": stdlib.FormatFunc, "formatlist": stdlib.FormatListFunc,
		"indent": stdlib.IndentFunc, "join": stdlib.JoinFunc, "lower": stdlib.LowerFunc, "regex": stdlib.RegexFunc,
		"regexall": stdlib.RegexAllFunc, "replace": replace(), "split": stdlib.SplitFunc, "startswith": startsWith(),
		"strcontains": strContains(), "strlen": stdlib.StrlenFunc, "strrev": stdlib.ReverseFunc, "substr": stdlib.SubstrFunc, "title": stdlib.TitleFunc,
		"trim": stdlib.TrimFunc, "trimprefix": stdlib.TrimPrefixFunc, "trimspace": stdlib.TrimSpaceFunc,
		"trimsuffix": stdlib.TrimSuffixFunc, "upper": stdlib.UpperFunc,
		// paths
		"basename": pathFunction(path.Base), "dirname": pathFunction(path.Dir),
		// lists, sets and maps
		"chunklist": stdlib.ChunklistFunc, "coalesce": stdlib.CoalesceFunc, "coalescelist": stdlib.CoalesceListFunc,
		"compact": stdlib.CompactFunc, "concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc, "distinct": stdlib.DistinctFunc,
		"element": stdlib.ElementFunc, "flatten": stdlib.FlattenFunc, "keys": stdlib.KeysFunc, "lookup": stdlib.LookupFunc, "merge": stdlib.MergeFunc, "range": stdlib.RangeFunc,
		"reverse": stdlib.ReverseListFunc, "setintersection": stdlib.SetIntersectionFunc, "setproduct": stdlib.SetProductFunc,
		"setsubtract": stdlib.SetSubtractFunc, "setunion": stdlib.SetUnionFunc, "slice": stdlib.SliceFunc, "sort": stdlib.SortFunc,
		"values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc,
		// encodings
		"base64decode": base64Decode(), "base64encode": base64Encode(), "csvdecode": stdlib.CSVDecodeFunc,
		"jsondecode": stdlib.JSONDecodeFunc, "jsonencode": stdlib.JSONEncodeFunc, "urldecode": urlDecode(), "urlencode": urlEncode(),
		"yamldecode": yamlDecode(), "yamlencode": yaml.YAMLEncodeFunc,
		// time
		"formatdate": stdlib.FormatDateFunc, "timeadd": stdlib.TimeAddFunc, "timecmp": timeCompare(),
		// types
		"tobool": toType(cty.Bool), "tolist": toType(cty.List(cty.DynamicPseudoType)), "tomap": toType(cty.Map(cty.DynamicPseudoType)),
		"tonumber": toType(cty.Number), "toset": toType(cty.Set(cty.DynamicPseudoType)), "tostring": toType(cty.String),
	}
	for _, more := range []map[string]function.Function{collectionFunctions(), digestFunctions(), networkFunctions()} {
		maps.Copy(functions, more)
	}
	for name, f := range functions {
		functions[name] = bounded(name, f)
	}
	functions["can"], functions["try"] = tryfunc.CanFunc, tryfunc.TryFunc
	return functions
}

// foreignFunctions maps names from other languages to ours.
var foreignFunctions = map[string]string{
	"len": "length", "size": "length", "count": "length", "uppercase": "upper", "toupper": "upper", "lowercase": "lower", "tolower": "lower",
	"strip": "trimspace", "concatenate": "join", "sprintf": "format", "printf": "format", "int": "tonumber", "string": "tostring",
	"number": "tonumber", "bool": "tobool", "default": "coalesce", "getenv": "env", "environ": "env", "hasprefix": "startswith",
	"hassuffix": "endswith", "has_prefix": "startswith", "has_suffix": "endswith", "tojson": "jsonencode", "fromjson": "jsondecode",
	"readfile": "file", "read_file": "file", "template": "templatefile", "b64enc": "base64encode", "b64dec": "base64decode", "union": "setunion", "urlquery": "urlencode", "toyaml": "yamlencode", "fromyaml": "yamldecode", "all": "alltrue",
	"any": "anytrue", "includes": "contains", "sha256sum": "sha256", "sha1sum": "sha1", "md5sum": "md5", "sha512sum": "sha512", "basepath": "basename",
}

func functionNames(functions map[string]function.Function) []string {
	names := make([]string, 0, len(functions))
	for name := range functions {
		names = append(names, name)
	}
	return names
}

// envFunction reads an environment variable of the machine that loads the
// manifest; the second argument is the value without it.
func envFunction(lookup func(string) (string, bool)) function.Function {
	return function.New(&function.Spec{
		Params:   []function.Parameter{{Name: "name", Type: cty.String}},
		VarParam: &function.Parameter{Name: "fallback", Type: cty.String, AllowNull: true},
		Type:     function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name := args[0].AsString()
			if len(args) > 2 {
				return cty.NilVal, errors.New("env takes a name and at most one value to use without it")
			}
			if !isIdentifier(name) {
				return cty.NilVal, function.NewArgErrorf(0, "%q is not the name of an environment variable", name)
			}
			value, ok := lookup(name)
			switch {
			case ok && !utf8.ValidString(value):
				return cty.NilVal, fmt.Errorf("the environment variable %s is not UTF-8", name)
			case ok:
				return cty.StringVal(value), nil
			case len(args) == 2:
				return args[1], nil
			}
			return cty.NilVal, fmt.Errorf("the environment variable %s is not set. Set it, or name a value to use without it: env(%q, \"...\")", name, name)
		},
	})
}

func textFunction(names []string, ret cty.Type, f func(s []string) (cty.Value, error)) function.Function {
	params := make([]function.Parameter, len(names))
	for i, name := range names {
		params[i] = function.Parameter{Name: name, Type: cty.String}
	}
	return function.New(&function.Spec{
		Params: params,
		Type:   function.StaticReturnType(ret),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			texts := make([]string, len(args))
			for i, a := range args {
				texts[i] = a.AsString()
			}
			return f(texts)
		},
	})
}

func startsWith() function.Function {
	return textFunction([]string{"str", "prefix"}, cty.Bool, func(s []string) (cty.Value, error) {
		return cty.BoolVal(strings.HasPrefix(s[0], s[1])), nil
	})
}

func endsWith() function.Function {
	return textFunction([]string{"str", "suffix"}, cty.Bool, func(s []string) (cty.Value, error) {
		return cty.BoolVal(strings.HasSuffix(s[0], s[1])), nil
	})
}

func strContains() function.Function {
	return textFunction([]string{"str", "substr"}, cty.Bool, func(s []string) (cty.Value, error) {
		return cty.BoolVal(strings.Contains(s[0], s[1])), nil
	})
}

// pathFunction takes a path apart. Paths in a manifest have slashes on every
// machine.
func pathFunction(part func(string) string) function.Function {
	return textFunction([]string{"path"}, cty.String, func(s []string) (cty.Value, error) {
		return cty.StringVal(part(s[0])), nil
	})
}

// timeCompare returns -1, 0 or 1, as a time is before, at or after another one.
func timeCompare() function.Function {
	return textFunction([]string{"a", "b"}, cty.Number, func(s []string) (cty.Value, error) {
		var times [2]time.Time
		for i := range times {
			var err error
			if times[i], err = time.Parse(time.RFC3339, s[i]); err != nil {
				return cty.NilVal, function.NewArgErrorf(i, "%q is not a time such as 2006-01-02T15:04:05Z", s[i])
			}
		}
		return cty.NumberIntVal(int64(times[0].Compare(times[1]))), nil
	})
}

func base64Encode() function.Function {
	return textFunction([]string{"str"}, cty.String, func(s []string) (cty.Value, error) {
		return cty.StringVal(base64.StdEncoding.EncodeToString([]byte(s[0]))), nil
	})
}

func base64Decode() function.Function {
	return textFunction([]string{"str"}, cty.String, func(s []string) (cty.Value, error) {
		b, err := base64.StdEncoding.DecodeString(s[0])
		switch {
		case err != nil:
			return cty.NilVal, errors.New("the text is not base64")
		case !utf8.Valid(b):
			return cty.NilVal, errors.New("the decoded bytes are not UTF-8 text")
		}
		return cty.StringVal(string(b)), nil
	})
}

func urlEncode() function.Function {
	return textFunction([]string{"str"}, cty.String, func(s []string) (cty.Value, error) {
		return cty.StringVal(url.QueryEscape(s[0])), nil
	})
}

func urlDecode() function.Function {
	return textFunction([]string{"str"}, cty.String, func(s []string) (cty.Value, error) {
		text, err := url.QueryUnescape(s[0])
		switch {
		case err != nil:
			return cty.NilVal, errors.New("the text is not URL-encoded")
		case !utf8.ValidString(text):
			return cty.NilVal, errors.New("the decoded bytes are not UTF-8 text")
		}
		return cty.StringVal(text), nil
	})
}

// replace replaces text, or, where the text to replace stands between slashes,
// what a regular expression matches.
func replace() function.Function {
	return function.New(&function.Spec{
		Params: stdlib.ReplaceFunc.Params(),
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if sub := args[1].AsString(); len(sub) > 1 && strings.HasPrefix(sub, "/") && strings.HasSuffix(sub, "/") {
				return stdlib.RegexReplace(args[0], cty.StringVal(sub[1:len(sub)-1]), args[2])
			}
			return stdlib.Replace(args[0], args[1], args[2])
		},
	})
}

func toType(want cty.Type) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowNull: true, AllowDynamicType: true}},
		Type: func(args []cty.Value) (cty.Type, error) {
			v, err := convert.Convert(args[0], want)
			if err != nil {
				return cty.NilType, function.NewArgErrorf(0, "%s cannot be converted: %s", describe(args[0]), err)
			}
			return v.Type(), nil
		},
		Impl: func(args []cty.Value, ret cty.Type) (cty.Value, error) {
			return convert.Convert(args[0], ret)
		},
	})
}

// maxResult bounds what one call may return, in bytes or elements, where the
// result can be far bigger than the arguments.
const maxResult = 4 << 20

// maxDistinct is how many items distinct takes, which compares all of them with
// each other.
const maxDistinct = 3_000

// bounded refuses arguments from which a function would make a huge result,
// before it does.
func bounded(name string, f function.Function) function.Function {
	check := func(args []cty.Value) error {
		if name == "distinct" && len(args) == 1 {
			if list, _ := args[0].Unmark(); list.IsKnown() && list.CanIterateElements() && list.LengthInt() > maxDistinct {
				return fmt.Errorf("the list has more than %d items. toset(...) removes what is there twice as well, and is quicker", maxDistinct)
			}
		}
		if len(args) == 0 {
			return nil
		}
		plain := make([]cty.Value, len(args))
		for i, a := range args {
			plain[i], _ = a.UnmarkDeep()
			if !plain[i].IsWhollyKnown() || plain[i].IsNull() {
				return nil
			}
		}
		args = plain
		if bound, ok := resultBounds[name]; ok && bound(args) > maxResult {
			return errors.New("the result would be too big")
		}
		if name == "jsondecode" && bracketDepth(args[0].AsString()) > maxValueDepth {
			return function.NewArgErrorf(0, "the JSON nests too deep")
		}
		return nil
	}
	return function.New(&function.Spec{
		Description: f.Description(),
		Params:      f.Params(),
		VarParam:    f.VarParam(),
		Type: func(args []cty.Value) (cty.Type, error) {
			if err := check(args); err != nil {
				return cty.NilType, err
			}
			return f.ReturnTypeForValues(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return f.Call(args) },
	})
}

// resultBounds estimate the size of a result from known, non-null arguments.
var resultBounds = map[string]func(args []cty.Value) int{
	"format":     formatBound,
	"formatlist": formatBound,
	"indent": func(args []cty.Value) int {
		spaces, _ := args[0].AsBigFloat().Int64()
		return product(int(min(max(spaces, 0), maxResult)), 1+strings.Count(args[1].AsString(), "\n"))
	},
	"join": func(args []cty.Value) int {
		elements := 0
		for _, list := range args[1:] {
			elements += list.LengthInt()
		}
		return product(len(args[0].AsString()), elements)
	},
	"replace": func(args []cty.Value) int {
		return product(len(args[0].AsString())+1, len(args[2].AsString()))
	},
	"setproduct": func(args []cty.Value) int {
		total := len(args)
		for _, set := range args {
			if !set.CanIterateElements() {
				return 0
			}
			total = product(total, set.LengthInt())
		}
		return total
	},
}

// formatBound adds up the widths in a format string. A width given as an
// argument (%*d) does not exist in this language.
func formatBound(args []cty.Value) int {
	total := 0
	for _, field := range strings.FieldsFunc(args[0].AsString(), func(r rune) bool { return r < '0' || r > '9' }) {
		width := maxResult + 1
		if len(field) < 8 {
			fmt.Sscan(strings.TrimLeft(field, "0")+"", &width)
			if strings.Trim(field, "0") == "" {
				width = 0
			}
		}
		total = min(total+width, maxResult+1)
	}
	lists := 1
	for _, a := range args[1:] {
		if t := a.Type(); t.IsListType() || t.IsSetType() || t.IsTupleType() {
			lists = max(lists, a.LengthInt())
		}
	}
	return product(total, lists)
}

// product multiplies without overflow; more than maxResult is all the same.
func product(a, b int) int {
	if a > 0 && b > maxResult/a {
		return maxResult + 1
	}
	return a * b
}

// bracketDepth is how deep a JSON text nests, or more where strings hold
// brackets.
func bracketDepth(s string) int {
	depth, deepest := 0, 0
	inString := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}
