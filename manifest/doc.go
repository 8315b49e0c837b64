// Package manifest reads twofold.hcl: HCL (or JSON) in, typed values and
// diagnostics out. It knows HCL and its values, and no builder or target:
// what a build block takes is handed to it as data, a schema.Block.
//
// The way through a Load:
//
//	locate.go    which files
//	guard.go     limits that hold before anything recursive reads the text
//	parse.go     text to a small tree of blocks and attributes (ast.go),
//	             the same for the native and for the JSON syntax (parsejson.go)
//	language.go  the language as a table: which block takes what
//	check.go     the tree against the table: unknown, duplicate, missing; node.go
//	             is what is left, and what an environment lays over it
//	evaluate.go  one environment: its targets, variables.go and given.go,
//	             locals.go, expand.go for for_each, depends.go for the order
//	eval.go      one expression; scope.go what it refers to, meter.go its cost
//	service.go   blocks to typed values, with env.go, triggers.go, cron.go,
//	             value.go, members.go and units.go
//	hide.go      what of the text is never shown
//	diagnostics.go, settle.go, render.go, json.go   problems, for people and as data
//	describe.go  the language as data, for the reference and for editors
//
// The text is parsed and checked once; each environment is evaluated from the
// same tree. All problems of a manifest are collected in one run; nothing stops at
// the first one but a file that cannot be read.
package manifest
