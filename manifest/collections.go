package manifest

import (
	"errors"
	"fmt"
	"sort"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// The functions of collections that HCL's other users have and cty's standard
// library does not. They follow Terraform's in what they return.

func collectionFunctions() map[string]function.Function {
	return map[string]function.Function{
		"alltrue": truth(true), "anytrue": truth(false), "index": indexOf(), "length": length(), "matchkeys": matchKeys(),
		"one": one(), "sum": sum(), "transpose": transpose(),
	}
}

// truth is alltrue, which is true for an empty list, or anytrue, which is not.
func truth(all bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.List(cty.Bool)}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			unknown := false
			for it := args[0].ElementIterator(); it.Next(); {
				_, v := it.Element()
				switch {
				case !v.IsKnown():
					unknown = true
				case (!v.IsNull() && v.True()) != all:
					return cty.BoolVal(!all), nil
				}
			}
			if unknown {
				return cty.UnknownVal(cty.Bool), nil
			}
			return cty.BoolVal(all), nil
		},
	})
}

// indexOf returns where in a list a value is.
func indexOf() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{
			{Name: "list", Type: cty.DynamicPseudoType},
			{Name: "value", Type: cty.DynamicPseudoType, AllowNull: true},
		},
		Type: func(args []cty.Value) (cty.Type, error) {
			if t := args[0].Type(); !t.IsListType() && !t.IsTupleType() && t != cty.DynamicPseudoType {
				return cty.NilType, function.NewArgErrorf(0, "a list is wanted, and this is %s", describe(args[0]))
			}
			return cty.Number, nil
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			for it := args[0].ElementIterator(); it.Next(); {
				i, v := it.Element()
				equal, err := stdlib.Equal(v, args[1])
				switch {
				case err != nil:
					return cty.NilVal, err
				case !equal.IsKnown():
					return cty.UnknownVal(cty.Number), nil
				case equal.True():
					return i, nil
				}
			}
			return cty.NilVal, errors.New("the value is not in the list")
		},
	})
}

// length counts the elements of a collection, or the characters of a text.
func length() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowDynamicType: true, AllowUnknown: true}},
		Type: func(args []cty.Value) (cty.Type, error) {
			switch t := args[0].Type(); {
			case t == cty.String, t == cty.DynamicPseudoType, t.IsCollectionType(), t.IsTupleType(), t.IsObjectType():
				return cty.Number, nil
			}
			return cty.NilType, function.NewArgErrorf(0, "a list, a map or a text is wanted, and this is %s", describe(args[0]))
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			switch t := args[0].Type(); {
			case t == cty.DynamicPseudoType:
				return cty.UnknownVal(cty.Number), nil
			case t == cty.String:
				return stdlib.Strlen(args[0])
			case t.IsObjectType():
				return cty.NumberIntVal(int64(len(t.AttributeTypes()))), nil
			}
			return args[0].Length(), nil
		},
	})
}

// matchKeys returns those values whose key, at the same place of another list, is
// one of the wanted.
func matchKeys() function.Function {
	list := cty.List(cty.DynamicPseudoType)
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "values", Type: list}, {Name: "keys", Type: list}, {Name: "wanted", Type: list}},
		Type: func(args []cty.Value) (cty.Type, error) {
			if _, unsafe := convert.Unify([]cty.Type{args[1].Type(), args[2].Type()}); unsafe == nil {
				return cty.NilType, errors.New("the keys and the wanted ones differ in type")
			}
			return args[0].Type(), nil
		},
		Impl: func(args []cty.Value, want cty.Type) (cty.Value, error) {
			if !args[0].IsWhollyKnown() || !args[1].IsWhollyKnown() || !args[2].IsWhollyKnown() {
				return cty.UnknownVal(want), nil
			}
			if args[0].LengthInt() != args[1].LengthInt() {
				return cty.NilVal, fmt.Errorf("there are %d values and %d keys; both lists are as long as each other", args[0].LengthInt(), args[1].LengthInt())
			}
			kind, _ := convert.Unify([]cty.Type{args[1].Type(), args[2].Type()})
			keys, err := convert.Convert(args[1], kind)
			if err != nil {
				return cty.NilVal, err
			}
			wanted, err := convert.Convert(args[2], kind)
			if err != nil {
				return cty.NilVal, err
			}
			// A set finds a key at once, where comparing all with all would not.
			set := cty.SetValEmpty(kind.ElementType())
			if wanted.LengthInt() > 0 {
				set = cty.SetVal(wanted.AsValueSlice())
			}
			var found []cty.Value
			values := args[0].AsValueSlice()
			for i, key := range keys.AsValueSlice() {
				if set.HasElement(key).True() {
					found = append(found, values[i])
				}
			}
			if len(found) == 0 {
				return cty.ListValEmpty(want.ElementType()), nil
			}
			return cty.ListVal(found), nil
		},
	})
}

// one returns the only element, or null for an empty collection.
func one() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}},
		Type: func(args []cty.Value) (cty.Type, error) {
			switch t := args[0].Type(); {
			case t.IsListType(), t.IsSetType():
				return t.ElementType(), nil
			case t.IsTupleType():
				switch types := t.TupleElementTypes(); len(types) {
				case 0:
					return cty.DynamicPseudoType, nil
				case 1:
					return types[0], nil
				default:
					return cty.NilType, tooMany(len(types))
				}
			case t == cty.DynamicPseudoType:
				return t, nil
			}
			return cty.NilType, function.NewArgErrorf(0, "a list or a set is wanted, and this is %s", describe(args[0]))
		},
		Impl: func(args []cty.Value, want cty.Type) (cty.Value, error) {
			length := args[0].Length()
			if !length.IsKnown() {
				return cty.UnknownVal(want), nil
			}
			switch n := args[0].LengthInt(); n {
			case 0:
				return cty.NullVal(want), nil
			case 1:
				it := args[0].ElementIterator()
				it.Next()
				_, v := it.Element()
				return v, nil
			default:
				return cty.NilVal, tooMany(n)
			}
		},
	})
}

func tooMany(n int) error {
	return function.NewArgErrorf(0, "it has %d elements, and at most one is wanted", n)
}

// sum adds numbers up.
func sum() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.List(cty.Number)}},
		Type:   function.StaticReturnType(cty.Number),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if !args[0].IsWhollyKnown() {
				return cty.UnknownVal(cty.Number), nil
			}
			total := cty.Zero
			for it := args[0].ElementIterator(); it.Next(); {
				_, v := it.Element()
				if v.IsNull() {
					return cty.NilVal, function.NewArgErrorf(0, "one of the numbers is null")
				}
				next, err := stdlib.Add(total, v)
				if err != nil {
					return cty.NilVal, err
				}
				total = next
			}
			return total, nil
		},
	})
}

// transpose swaps the keys and the values of a map of lists.
func transpose() function.Function {
	kind := cty.Map(cty.List(cty.String))
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "map", Type: kind}},
		Type:   function.StaticReturnType(kind),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if !args[0].IsWhollyKnown() {
				return cty.UnknownVal(kind), nil
			}
			turned := map[string][]string{}
			for it := args[0].ElementIterator(); it.Next(); {
				key, list := it.Element()
				if list.IsNull() {
					return cty.NilVal, function.NewArgErrorf(0, "the list of %q is null", key.AsString())
				}
				for inner := list.ElementIterator(); inner.Next(); {
					_, v := inner.Element()
					if v.IsNull() {
						return cty.NilVal, function.NewArgErrorf(0, "an item of %q is null", key.AsString())
					}
					turned[v.AsString()] = append(turned[v.AsString()], key.AsString())
				}
			}
			if len(turned) == 0 {
				return cty.MapValEmpty(cty.List(cty.String)), nil
			}
			values := make(map[string]cty.Value, len(turned))
			for name, keys := range turned {
				sort.Strings(keys)
				items := make([]cty.Value, len(keys))
				for i, key := range keys {
					items[i] = cty.StringVal(key)
				}
				values[name] = cty.ListVal(items)
			}
			return cty.MapVal(values), nil
		},
	})
}
