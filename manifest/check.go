package manifest

import (
	"fmt"
	"strings"

	"github.com/twofoldhq/twofold/manifest/schema"
)

// check compares a block with what its kind takes, reports what does not fit,
// and returns what does, inner blocks included.
func (l *loader) check(b *block, t *blockType) *node {
	n := &node{block: b, kind: t}
	l.checkAttributes(n, b, t)
	for _, inner := range b.blocks {
		kind := t.block(inner.name)
		switch {
		case kind == nil:
			l.strangeBlock(inner, t)
			continue
		case !l.checkLabels(inner, kind):
			continue
		}
		if before := n.same(kind, inner); before != nil {
			l.duplicateBlock(t, kind, inner, before)
			continue
		}
		if kind.byLabel {
			if kind = l.variant(inner, kind); kind == nil {
				n.broken = append(n.broken, inner)
				continue
			}
		}
		n.add(l.check(inner, kind))
	}
	if !t.override {
		l.checkRequired(n)
	}
	return n
}

func (l *loader) checkAttributes(n *node, b *block, t *blockType) {
	var first map[string]*attribute // of the names that the manifest chooses
	for _, a := range b.attrs {
		known, isKnown := t.attribute(a.name)
		if !isKnown && !t.anyAttribute {
			l.strangeAttribute(a, t)
			continue
		}
		var before *attribute
		if t.anyAttribute {
			if first == nil {
				first = make(map[string]*attribute, len(b.attrs))
			}
			before, first[a.name] = first[a.name], a
		} else {
			before = n.attr(a.name)
		}
		if before != nil {
			l.report(Diagnostic{
				Summary: fmt.Sprintf("The attribute %q is set twice", a.name),
				Detail:  "Remove one of the two.",
				Notes:   []Note{{"it is set here first", rangeOf(before.nameRange)}},
			}, a.nameRange)
			continue
		}
		if known.Deprecated != "" {
			l.warn(Diagnostic{
				Summary: fmt.Sprintf("The attribute %q is deprecated", a.name),
				Detail:  fmt.Sprintf("Use %q instead.", known.Deprecated),
			}, a.nameRange)
		}
		n.attrs = append(n.attrs, a)
	}
}

// checkRequired reports what a block needs and has not.
func (l *loader) checkRequired(n *node) {
	for _, a := range n.kind.attrs {
		if a.Required && n.attr(a.Name) == nil && !n.block.mentions(a.Name) && !n.misnamed(a.Name) {
			l.missing(n.block, n.kind, a)
		}
	}
}

// misnamed reports whether the block has something under a name that it does not
// take, and for which this name was suggested: then that is the one problem.
func (n *node) misnamed(name string) bool {
	for _, a := range n.block.attrs {
		if _, known := n.kind.attribute(a.name); !known && n.kind.means(a.name, name) {
			return true
		}
	}
	for _, b := range n.block.blocks {
		if n.kind.block(b.name) == nil && n.kind.means(b.name, name) {
			return true
		}
	}
	return false
}

func (t *blockType) means(foreign, name string) bool {
	if known, ok := t.foreign[strings.ToLower(foreign)]; ok {
		return known == name
	}
	return nearest(foreign, append(t.attributeNames(), t.blockNames()...)) == name
}

func (l *loader) duplicateBlock(t, kind *blockType, b, before *block) {
	if kind.once {
		l.report(Diagnostic{
			Summary: fmt.Sprintf("There are two %s blocks", b.name),
			Detail:  fmt.Sprintf("%s takes at most one. Put everything into one block.", t.subject()),
			Notes:   []Note{{"the first one is here", rangeOf(before.header)}},
		}, b.header)
		return
	}
	noun := b.name
	if noun == "on" {
		noun = "trigger"
	}
	l.report(Diagnostic{
		Summary: fmt.Sprintf("There are two %ss %s", noun, labelsOf(b)),
		Detail:  "Rename or remove one of the two.",
		Notes:   []Note{{"the first one is here", rangeOf(before.header)}},
	}, b.header)
}

// variant returns what a block takes whose first label decides that, or nil.
func (l *loader) variant(b *block, t *blockType) *blockType {
	switch t.name {
	case "build":
		return l.buildKind(b, t)
	case "target":
		return l.targetKind(b, t)
	}
	label := b.labels[0]
	var names []string
	for i, name := range t.variantNames() {
		if name == label.text {
			return t.variants[i]
		}
		names = append(names, name)
	}
	detail := didYouMean(label.text, names, "The kinds are")
	if known := foreignTriggers[strings.ToLower(label.text)]; known != "" {
		detail = fmt.Sprintf("Did you mean %q?", known)
	}
	if label.text == "schedule" || label.text == "cron" {
		detail = "A schedule is a block of its own:\n\n" + indent(scheduleBlock.example)
	}
	l.report(Diagnostic{Summary: fmt.Sprintf("There is no trigger %q", label.text), Detail: detail}, label.at)
	return nil
}

// foreignTriggers maps names of platforms to triggers.
var foreignTriggers = map[string]string{
	"sqs": "queue", "rabbitmq": "queue", "message": "queue", "messages": "queue", "servicebus": "queue",
	"s3": "object", "bucket": "object", "storage": "object", "blob": "object", "file": "object", "upload": "object", "gcs": "object",
}

// missing reports a required attribute that is not set.
func (l *loader) missing(b *block, t *blockType, a schema.Attribute) {
	example := ""
	if a.Example != "" {
		example = fmt.Sprintf(", for example: %s = %s", a.Name, a.Example)
	}
	in := "The manifest"
	if t.name != "" {
		in = "The " + describeBlock(b) + " block"
	}
	l.reportMissing(Diagnostic{
		Summary: fmt.Sprintf("The attribute %q is missing", a.Name),
		Detail:  strings.TrimSpace(fmt.Sprintf("%s needs it%s\n%s", in, example, a.Doc)),
	}, b.header)
}

// missingInOverride reports a required attribute that is not set in a block of an
// environment which has nothing to override. A misspelled label is the usual cause.
func (l *loader) missingInOverride(n *node, a schema.Attribute) {
	l.reportMissing(Diagnostic{
		Summary: fmt.Sprintf("The attribute %q is missing", a.Name),
		Detail: fmt.Sprintf("There is no %s outside of the environment that this could override, so it is a new one, and needs the attribute, for example:\n\n    %s = %s",
			describeBlock(n.block), a.Name, a.Example),
	}, n.block.header)
}

// describeBlock returns the header of a block as it is written: build "go".
func describeBlock(b *block) string {
	if len(b.labels) == 0 {
		return b.name
	}
	return b.name + " " + labelsOf(b)
}

func labelsOf(b *block) string {
	var quoted []string
	for _, label := range b.labels {
		quoted = append(quoted, fmt.Sprintf("%q", label.text))
	}
	return strings.Join(quoted, " ")
}

func (l *loader) checkLabels(b *block, t *blockType) bool {
	switch {
	case len(b.labels) < len(t.labels):
		l.report(Diagnostic{
			Summary: fmt.Sprintf("The %s block has %s", b.name, []string{"no label", "one label too few"}[min(len(b.labels), 1)]),
			Detail:  l.labelHelp(t),
		}, b.header)
		return false
	case len(b.labels) > len(t.labels) && len(t.labels) == 0:
		l.report(Diagnostic{
			Summary: fmt.Sprintf("The %s block takes no label", b.name),
			Detail:  "Remove it:\n\n" + indent(t.example),
		}, b.labels[0].at)
		return false
	case len(b.labels) > len(t.labels):
		l.report(Diagnostic{
			Summary: fmt.Sprintf("The %s block has a label too many", b.name),
			Detail:  l.labelHelp(t),
		}, b.labels[len(t.labels)].at)
		return false
	}
	return true
}

func (l *loader) labelHelp(t *blockType) string {
	if len(t.labels) == 1 {
		return fmt.Sprintf("Its one label says %s:\n\n%s", t.labels[0].doc, indent(t.example))
	}
	return fmt.Sprintf("The first label says %s, the second %s:\n\n%s", t.labels[0].doc, t.labels[1].doc, indent(t.example))
}

// strangeAttribute reports an attribute that the block does not take.
func (l *loader) strangeAttribute(a *attribute, t *blockType) {
	l.checking = a.nameRange.Filename
	if inner := t.block(a.name); inner != nil {
		l.report(Diagnostic{
			Summary: fmt.Sprintf("%q is a block, not an attribute", a.name),
			Detail:  fmt.Sprintf("Write it without the equals sign:\n\n%s", indent(inner.example)),
		}, a.nameRange)
		return
	}
	l.report(Diagnostic{
		Summary: fmt.Sprintf("Unknown attribute %q", a.name),
		Detail:  l.unknownName(a.name, t),
	}, a.nameRange)
}

// strangeBlock reports a block that the block around it does not take.
func (l *loader) strangeBlock(b *block, t *blockType) {
	l.checking = b.header.Filename
	if a, ok := t.attribute(b.name); ok {
		l.report(Diagnostic{
			Summary: fmt.Sprintf("%q is an attribute, not a block", b.name),
			Detail:  fmt.Sprintf("Write it with an equals sign: %s = %s", a.Name, a.Example),
		}, b.header)
		return
	}
	if language.block(b.name) != nil && len(b.labels) > 0 && t != &language {
		l.report(Diagnostic{
			Summary: fmt.Sprintf("Unknown block %q", b.name),
			Detail:  "It belongs outside of the blocks, at the top level of the manifest.",
		}, b.header)
		return
	}
	l.report(Diagnostic{
		Summary: fmt.Sprintf("Unknown block %q", b.name),
		Detail:  l.unknownName(b.name, t),
	}, b.header)
}

// unknownName helps with a name that the block does not take: a near name, the
// block it belongs into, or the list of what is allowed.
func (l *loader) unknownName(name string, t *blockType) string {
	help := l.helpUnknown(name, t)
	if t == &language && l.checking != "" && l.checking != l.diags.files[0] {
		help += fmt.Sprintf("\n%s is read since it lies beside %s. If it is no part of the manifest, name the manifest with --manifest %s to read that alone.", l.checking, l.diags.files[0], l.diags.files[0])
	}
	return help
}

// foreignBlockWords say what is done here instead of what other tools have.
var foreignBlockWords = map[string]string{
	"terraform":  "A manifest needs no version and no state. Remove the block.",
	"resource":   "Nothing is created beside the services and what they need. What runs is a service block; an existing database or queue is named by a secret, a variable or an on block.",
	"module":     "There are no modules. All *.hcl files of the manifest's folder are one manifest, and for_each makes several alike services.",
	"data":       "Nothing is looked up on platforms. Give the value by a variable.",
	"output":     "twofold deploy and twofold status answer with the URLs of all services. Remove the block.",
	"moved":      "There is no state in which something could be moved. Remove the block.",
	"import":     "There is no state into which something could be imported. Remove the block.",
	"version":    "A manifest has no version. Remove it.",
	"apiversion": "A manifest has no version. Remove it.",
	"kind":       "A manifest describes services, so there is no kind to name. Remove it.",
	"metadata":   "The name is the label of the service block. Remove the block.",
	"job":        "What runs is a service: service \"web\" { ... }. For what runs at times, add a schedule block to it.",
	"functions":  "Each function is a service, and runs as one with target = target.lambda.NAME.",
	"resources":  "cpu and memory are attributes of the service: memory = \"512Mi\"",
	"runtime":    "The build block says the language: build \"go\" { package = \".\" }",
	"handler":    "The app is an HTTP server that listens on $PORT, so there is no handler. An event comes as a POST to the path of its on or schedule block.",
	"command":    "The build block says what starts: the builder \"command\" has the attribute start.",
	"entrypoint": "The build block says what starts: the builder \"command\" has the attribute start.",
	"restart":    "An instance that ends is always started again. Remove it.",
	"lifecycle":  "A release takes over only when it is ready, and the one before runs until then. Remove the block.",
	"update":     "A release takes over only when it is ready, and the one before runs until then. Remove the block.",
	"networks":   "Services reach each other by their URLs: env = { API_URL = service.api.url }",
	"ingress":    "A service has a URL without more. Remove the block.",
	"if":         "There are no conditions around blocks. What differs between environments stands in environment blocks; schedule, on and hook blocks have the attribute enabled.",
	"dynamic":    "Blocks are written out. Several alike services come from for_each in the service block.",
}

func (l *loader) helpUnknown(name string, t *blockType) string {
	if words := foreignBlockWords[strings.ToLower(name)]; words != "" && (t == &language || t.name == "service") {
		return words
	}
	if known, ok := t.foreign[strings.ToLower(name)]; ok {
		return fmt.Sprintf("Did you mean %q?%s", known, t.exampleOf(known))
	}
	candidates := append(t.attributeNames(), t.blockNames()...)
	if home := l.homeOf(name, t); home != "" {
		return home
	}
	if near := nearest(name, candidates); near != "" {
		return fmt.Sprintf("Did you mean %q?", near)
	}
	return t.takes()
}

// exampleOf shows how the name is used in the block, or returns "".
func (t *blockType) exampleOf(name string) string {
	if a, ok := t.attribute(name); ok && a.Example != "" {
		return fmt.Sprintf(" For example: %s = %s", a.Name, a.Example)
	}
	if inner := t.block(name); inner != nil {
		return "\n\n" + indent(inner.example)
	}
	return ""
}

// homeOf says where a name belongs that another block of the language takes.
func (l *loader) homeOf(name string, t *blockType) string {
	for _, inner := range t.blocks {
		if _, ok := inner.attribute(name); ok && inner.name != "variable" {
			return fmt.Sprintf("It belongs into the block %s:\n\n%s", inner.name, indent(inner.example))
		}
	}
	for _, other := range []*blockType{&language, serviceBlock, scaleBlock, healthBlock, buildBlock} {
		if other.name == t.name || (name == "target" || name == "variables") {
			continue
		}
		_, isAttribute := other.attribute(name)
		if !isAttribute && other.block(name) == nil {
			continue
		}
		if other == &language {
			return "It belongs outside of the blocks, at the top level of the manifest."
		}
		return fmt.Sprintf("It belongs into %s block. %s", strings.ToLower(article(other.name)), t.takes())
	}
	return ""
}

func indent(code string) string {
	return "    " + strings.ReplaceAll(code, "\n", "\n    ")
}
