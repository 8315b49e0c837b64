package manifest

import "github.com/twofoldhq/twofold/manifest/schema"

// functionDoc is the reference of one function. The result of the example is
// evaluated, so that it cannot be wrong; files and the environment have none.
type functionDoc struct {
	name, doc, example string
}

// functionGroups are all functions, in the order of the reference.
var functionGroups = []struct {
	title     string
	functions []functionDoc
}{
	{"Inputs", []functionDoc{
		{"env", "Reads an environment variable of the machine that runs twofold; the second argument is the value where it is not set. Only for the values of variables.", `env("LOG_LEVEL", "info")`},
		{"file", "Returns the text of a file in the manifest's folder or below.", `file("motd.txt")`},
		{"filebase64", "Returns the bytes of a file in base64.", `filebase64("logo.png")`},
		{"fileexists", "Says whether there is such a file.", `fileexists("motd.txt")`},
		{"templatefile", "Evaluates a file as a template, with the names of a map.", `templatefile("config.tmpl", { level = "info" })`},
	}},
	{"Text", []functionDoc{
		{"chomp", "Removes the line breaks at the end.", `chomp("text\n")`},
		{"endswith", "Says whether a text ends with another.", `endswith("orders.fifo", ".fifo")`},
		{"format", "Puts values into a text: %s text, %d a whole number, %f a fraction, %q in quotes, %v anything.", `format("%s-%03d", "api", 7)`},
		{"formatlist", "Does the same for each item of a list.", `formatlist("https://%s", ["a.test", "b.test"])`},
		{"indent", "Puts spaces in front of each line but the first.", `indent(2, "a\nb")`},
		{"join", "Joins the items of lists, with a text between them.", `join(", ", ["a", "b"])`},
		{"lower", "Makes letters lower case.", `lower("API")`},
		{"regex", "Returns the first match of a regular expression (RE2): its text, or its groups if it has some. No match is an error.", `regex("[0-9]+", "v12.3")`},
		{"regexall", "Returns all matches.", `regexall("[0-9]+", "v12.3")`},
		{"replace", "Replaces each occurrence of a text; between slashes, of a regular expression.", `replace("a-b_c", "/[-_]/", ".")`},
		{"split", "Splits a text where another occurs.", `split(",", "a,b")`},
		{"startswith", "Says whether a text begins with another.", `startswith("v1.2", "v")`},
		{"strcontains", "Says whether a text holds another.", `strcontains("prod-eu", "prod")`},
		{"strlen", "Counts the characters.", `strlen("héllo")`},
		{"strrev", "Turns the order of the characters around.", `strrev("abc")`},
		{"substr", "Returns a number of characters (-1: all) from a position on.", `substr("abcdef", 0, 3)`},
		{"title", "Makes the first letter of each word upper case.", `title("hello world")`},
		{"trim", "Removes any of some characters at both ends.", `trim("?!hello!?", "!?")`},
		{"trimprefix", "Removes a text at the beginning, if it is there.", `trimprefix("v1.2", "v")`},
		{"trimspace", "Removes space at both ends.", `trimspace("  a ")`},
		{"trimsuffix", "Removes a text at the end, if it is there.", `trimsuffix("api.json", ".json")`},
		{"upper", "Makes letters upper case.", `upper("info")`},
	}},
	{"Lists, sets and maps", []functionDoc{
		{"alltrue", "Says whether all items are true; so it is for an empty list.", `alltrue([true, false])`},
		{"anytrue", "Says whether an item is true.", `anytrue([true, false])`},
		{"chunklist", "Splits a list into lists of some length.", `chunklist(["a", "b", "c"], 2)`},
		{"coalesce", "Returns the first argument that is not null.", `coalesce(null, "b")`},
		{"coalescelist", "Returns the first list that is not empty.", `coalescelist([], ["b"])`},
		{"compact", "Removes empty texts and nulls.", `compact(["a", "", "b"])`},
		{"concat", "Joins lists to one.", `concat(["a"], ["b"])`},
		{"contains", "Says whether a list or a set has a value.", `contains(["a", "b"], "b")`},
		{"distinct", "Removes what occurs before in the list.", `distinct(["a", "b", "a"])`},
		{"element", "Returns the item of a number, from 0, and goes around at the end.", `element(["a", "b"], 3)`},
		{"flatten", "Replaces lists in a list by their items.", `flatten([["a"], ["b", "c"]])`},
		{"index", "Returns where in a list a value is, from 0. A value that is not there is an error.", `index(["a", "b"], "b")`},
		{"keys", "Returns the keys of a map, sorted.", `keys({ b = 1, a = 2 })`},
		{"length", "Counts the items of a list, a set or a map, or the characters of a text.", `length(["a", "b"])`},
		{"lookup", "Returns the value of a key, or the third argument without it.", `lookup({ eu = 2 }, "us", 1)`},
		{"matchkeys", "Returns those values whose key, at the same place of the second list, is in the third.", `matchkeys(["a", "b"], ["eu", "us"], ["us"])`},
		{"merge", "Joins maps to one; later ones win.", `merge({ a = 1 }, { a = 2, b = 3 })`},
		{"one", "Returns the only item, or null for an empty list. More are an error.", `one(["a"])`},
		{"range", "Returns numbers: up to a limit, or from a start, or in steps.", `range(1, 4)`},
		{"reverse", "Turns the order of a list around.", `reverse(["a", "b"])`},
		{"setintersection", "Returns what is in all of the sets.", `setintersection(["a", "b"], ["b", "c"])`},
		{"setproduct", "Returns all combinations of items.", `setproduct(["a"], ["x", "y"])`},
		{"setsubtract", "Returns what is in the first set and not in the second.", `setsubtract(["a", "b"], ["b"])`},
		{"setunion", "Returns what is in any of the sets.", `setunion(["a"], ["b"])`},
		{"slice", "Returns the items from one number up to and without another.", `slice(["a", "b", "c"], 0, 2)`},
		{"sort", "Sorts texts.", `sort(["b", "a"])`},
		{"sum", "Adds up numbers.", `sum([1, 2, 3])`},
		{"transpose", "Swaps the keys and the values of a map of lists.", `transpose({ a = ["x"], b = ["x", "y"] })`},
		{"values", "Returns the values of a map, in the order of its keys.", `values({ b = 1, a = 2 })`},
		{"zipmap", "Makes a map of a list of keys and one of values.", `zipmap(["a", "b"], [1, 2])`},
	}},
	{"Numbers", []functionDoc{
		{"abs", "Returns a number without its sign.", `abs(-2)`},
		{"ceil", "Rounds up.", `ceil(1.2)`},
		{"floor", "Rounds down.", `floor(1.8)`},
		{"log", "Returns the logarithm to a base.", `log(8, 2)`},
		{"max", "Returns the greatest number.", `max(1, 3, 2)`},
		{"min", "Returns the smallest number.", `min(1, 3, 2)`},
		{"parseint", "Reads a whole number of a base.", `parseint("ff", 16)`},
		{"pow", "Raises a number to a power.", `pow(2, 10)`},
		{"signum", "Returns -1, 0 or 1, the sign of a number.", `signum(-3)`},
	}},
	{"Encodings and digests", []functionDoc{
		{"base64decode", "Reads base64 that holds text.", `base64decode("aGk=")`},
		{"base64encode", "Returns a text in base64.", `base64encode("hi")`},
		{"csvdecode", "Reads CSV: a list with a map for each line, under the names of the first.", `csvdecode("name,size\na,1")`},
		{"jsondecode", "Reads JSON.", `jsondecode("{\"a\": [1, 2]}")`},
		{"jsonencode", "Writes a value as JSON.", `jsonencode({ a = [1, true] })`},
		{"md5", "Returns the MD5 digest of a text, which is none for security, in hexadecimal digits.", `md5("hi")`},
		{"sha1", "Returns the SHA-1 digest, which is none for security either.", `sha1("hi")`},
		{"sha256", "Returns the SHA-256 digest.", `sha256("hi")`},
		{"sha512", "Returns the SHA-512 digest.", `substr(sha512("hi"), 0, 16)`},
		{"urldecode", "Reads what is escaped for a URL.", `urldecode("a%20b")`},
		{"urlencode", "Escapes a text for the query of a URL.", `urlencode("a b&c")`},
		{"yamldecode", "Reads YAML.", `yamldecode("a: [1, 2]")`},
		{"yamlencode", "Writes a value as YAML.", `yamlencode({ a = [1, 2] })`},
	}},
	{"Paths, times and networks", []functionDoc{
		{"basename", "Returns the last name of a path.", `basename("cmd/api")`},
		{"cidrhost", "Returns the address of a number in a range.", `cidrhost("10.0.0.0/16", 5)`},
		{"cidrnetmask", "Returns the netmask of an IPv4 range.", `cidrnetmask("10.0.0.0/16")`},
		{"cidrsubnet", "Returns a part of a range: the bits it is longer by, and its number.", `cidrsubnet("10.0.0.0/16", 8, 2)`},
		{"dirname", "Returns a path without its last name.", `dirname("cmd/api")`},
		{"formatdate", "Writes a time in another form.", `formatdate("YYYY-MM-DD", "2026-03-01T10:00:00Z")`},
		{"timeadd", "Adds a duration to a time.", `timeadd("2026-03-01T10:00:00Z", "90m")`},
		{"timecmp", "Returns -1, 0 or 1, as a time is before, at or after another.", `timecmp("2026-03-01T10:00:00Z", "2026-04-01T10:00:00Z")`},
	}},
	{"Types", []functionDoc{
		{"can", "Says whether an expression has a value.", `can(tonumber("x"))`},
		{"tobool", "Makes a bool.", `tobool("true")`},
		{"tolist", "Makes a list, of items of one type.", `tolist(["a", 1])`},
		{"tomap", "Makes a map, of values of one type.", `tomap({ a = 1, b = "2" })`},
		{"tonumber", "Makes a number.", `tonumber("8080")`},
		{"toset", "Makes a set: sorted, each item once.", `toset(["b", "a", "b"])`},
		{"tostring", "Makes a text.", `tostring(8080)`},
		{"try", "Returns the first of its arguments that has a value.", `try(tonumber("x"), 0)`},
	}},
}

// typeDocs are the types of attributes, in words.
var typeDocs = []schema.TypeDoc{
	{Type: schema.String, Doc: "Text."},
	{Type: schema.Bool, Doc: "true or false."},
	{Type: schema.Int, Doc: "A whole number."},
	{Type: schema.Strings, Doc: "A list of texts; a single text is a list of one."},
	{Type: schema.StringMap, Doc: "A map from names to texts."},
	{Type: schema.File, Doc: "The path of a file or a folder: a relative one begins in the manifest's folder, ~/ is your home."},
	{Type: typeAny, Doc: "Any value."},
	{Type: typeName, Doc: "Lower-case letters, digits and hyphens, beginning with a letter, at most 40 characters."},
	{Type: typeDuration, Doc: "Text such as \"90s\", \"1m30s\" or \"1h\"."},
	{Type: typeCPU, Doc: "A number of cores as a Kubernetes quantity: \"250m\" is a quarter of one, \"1.5\" one and a half."},
	{Type: typeMemory, Doc: "A size as a Kubernetes quantity: \"512Mi\" counts in 1024s, \"500M\" in 1000s; a bare number is bytes."},
	{Type: typeType, Doc: "A type: string, number, bool, any, list(...), set(...), map(...), object({...}), tuple([...])."},
	{Type: typeEnv, Doc: "A map from the names of environment variables to texts, numbers and bools; null removes a name."},
	{Type: typePath, Doc: "The path of a URL, beginning with /."},
	{Type: typeCron, Doc: "Five fields (minute, hour, day of the month, month, day of the week), or @hourly, @daily, @weekly, @monthly, @yearly."},
	{Type: typeTarget, Doc: "A target, as target.PLUGIN.NAME or as the text \"PLUGIN.NAME\"."},
	{Type: typeTargets, Doc: "A target or a list of targets."},
	{Type: typeServices, Doc: "A list of services, as service.NAME or as their names."},
	{Type: typeItems, Doc: "A map, or a set of texts."},
	{Type: typeChoice, Doc: "One of the choices, as text."},
	{Type: typeChoices, Doc: "A list of some of the choices."},
	{Type: typePercent, Doc: "A number from 0 to 100 as text with a percent sign, such as \"2.5%\"; a bare number is a percentage as well."},
	{Type: typePercents, Doc: "A list of whole percentages."},
	{Type: typeDomain, Doc: "A host name in lower case, such as \"api.example.com\"."},
}

// rootDocs are what expressions refer to.
var rootDocs = []schema.Root{
	{Name: "var.NAME", Doc: "The value of a variable."},
	{Name: "local.NAME", Doc: "A value of a locals block."},
	{Name: "project.name", Doc: "The project's name."},
	{Name: "environment.name", Doc: "The environment that a command names with --env, or \"default\"."},
	{Name: "git.commit"}, {Name: "git.branch"}, {Name: "git.tag"}, {Name: "git.dirty"}, // see gitFacts
	{Name: "target.PLUGIN.NAME", Doc: "A target, for the attribute target.", In: "target"},
	{Name: "service.NAME.name", Doc: "The name of another service. Where for_each makes services, service.NAME[\"KEY\"].", In: "env, depends_on"},
	{Name: "service.NAME.url", Doc: "Where another service answers. It is known only after that service is deployed, and so it is deployed before.", In: "env, depends_on", AfterDeploy: true},
	{Name: "each.key", Doc: "The key of the item that for_each makes this service for.", In: "a service with for_each"},
	{Name: "each.value", Doc: "Its value; of a set, the same as the key.", In: "a service with for_each"},
}

// languageLimits are those of a manifest as a whole.
var languageLimits = []schema.LimitDoc{
	{What: "A file of the manifest", Limit: maxFile, Unit: "bytes"},
	{What: "Services", Limit: maxServices},
	{What: "A file that an expression reads", Limit: maxFileRead, Unit: "bytes"},
	{What: "Brackets, braces and templates inside of each other", Limit: maxDepth},
	{What: "Lists and maps inside of each other in a value", Limit: maxValueDepth},
	{What: "All values of an environment together", Limit: maxValues, Unit: "bytes"},
	{What: "Steps of all expressions together", Limit: maxSteps},
}
