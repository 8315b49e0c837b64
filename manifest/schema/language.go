package schema

// Language is the manifest's language as data: what editors, checkers and the
// reference are made of. It is what twofold schema prints; a field keeps its
// name and its meaning, and new ones may be added.
type Language struct {
	// Manifest is the file as a whole: a block without a name.
	Manifest BlockDoc `json:"manifest"`
	// Types are those that attributes have.
	Types []TypeDoc `json:"types"`
	// References are what expressions refer to.
	References []Root `json:"references"`
	// Functions are in groups, and sorted by name within a group.
	Functions []Function `json:"functions"`
	// Limits are those of a manifest as a whole.
	Limits []LimitDoc `json:"limits"`
}

// BlockDoc is one kind of block.
type BlockDoc struct {
	// Name is "" for the manifest as a whole.
	Name string `json:"name"`
	// Labels are what the labels of the block name, in their order.
	Labels []LabelDoc `json:"labels,omitempty"`
	// Variant is the first label of a block that is one of several kinds.
	Variant string `json:"variant,omitempty"`
	// Doc is one or more sentences, Example is in native syntax.
	Doc     string `json:"doc"`
	Example string `json:"example,omitempty"`
	// Once: there is at most one such block in the block around it. Otherwise there
	// may be one for each combination of labels; locals may be repeated.
	Once bool `json:"once,omitempty"`
	// AnyAttribute: the attributes are names that the manifest chooses.
	AnyAttribute bool `json:"any_attribute,omitempty"`
	// Attributes are common to all variants, where there are some.
	Attributes []Attribute `json:"attributes,omitempty"`
	Blocks     []BlockDoc  `json:"blocks,omitempty"`
	// Variants are what the block takes beside Attributes by its first label.
	Variants []BlockDoc `json:"variants,omitempty"`
	// Overrides: the block takes what the block of the same name in the manifest
	// takes, at any depth, and nothing in it is required. It changes the one of the
	// same labels.
	Overrides bool `json:"overrides,omitempty"`
}

// LabelDoc is one label of a block.
type LabelDoc struct {
	Name string `json:"name"`
	// Doc is a few words.
	Doc string `json:"doc"`
}

// TypeDoc is a type of an attribute in words.
type TypeDoc struct {
	Type Type   `json:"type"`
	Doc  string `json:"doc"`
}

// Root is a value that expressions refer to, such as var.NAME.
type Root struct {
	// Name has in capitals what the manifest chooses.
	Name string `json:"name"`
	Doc  string `json:"doc"`
	// In says where it can be used, or is "" for everywhere but in the values of
	// variables.
	In string `json:"in,omitempty"`
	// AfterDeploy: the value is known only after a deploy.
	AfterDeploy bool `json:"after_deploy,omitempty"`
}

// Function is a function of expressions.
type Function struct {
	Name  string `json:"name"`
	Group string `json:"group"`
	Doc   string `json:"doc"`
	// Parameters have a type as HCL writes it; "any" where it depends.
	Parameters []Parameter `json:"parameters"`
	// Returns is the type of the result; "any" where it depends on the arguments.
	Returns string `json:"returns"`
	// Example is a call, and Result what it returns, or "" where that depends on
	// the machine.
	Example string `json:"example"`
	Result  string `json:"result,omitempty"`
}

// Parameter is one parameter of a function.
type Parameter struct {
	Name string `json:"name"`
	Type string `json:"type"`
	// Nullable: the argument may be null.
	Nullable bool `json:"nullable,omitempty"`
	// Variadic: there may be any number of such arguments, also none.
	Variadic bool `json:"variadic,omitempty"`
}

// LimitDoc is a limit of the language.
type LimitDoc struct {
	What  string `json:"what"`
	Limit int    `json:"limit"`
	// Unit is "bytes", or "" for a number of things.
	Unit string `json:"unit,omitempty"`
}

// Block returns the inner block of that name.
func (b BlockDoc) Block(name string) (BlockDoc, bool) {
	for _, inner := range b.Blocks {
		if inner.Name == name {
			return inner, true
		}
	}
	return BlockDoc{}, false
}
