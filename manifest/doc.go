// Package manifest reads twofold.hcl: HCL (or JSON) in, typed values and
// diagnostics out. It knows HCL and its values, and no builder or target:
// what a build block takes is handed to it as data, a schema.Block.
//
// The way through a Load:
//
//	locate.go    which file
//	guard.go     limits that hold before anything recursive reads the text
//	parse.go     text to a small tree of blocks and attributes (ast.go),
//	             the same for the native and for the JSON syntax (parsejson.go)
//	language.go  the language as a table: which block takes what
//	check.go     the tree against the table: unknown, duplicate, missing
//	scope.go     variables and locals; eval.go one expression; meter.go its cost
//	service.go   blocks to typed values, with the help of value.go and units.go
//	diagnostics.go, render.go, json.go   problems, for people and as data
//
// All problems of a manifest are collected in one run; nothing stops at the
// first one but a file that cannot be read.
package manifest
