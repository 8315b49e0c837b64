package kubernetes

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/names"
)

// chart writes a Helm chart: what differs from one installation to the next is in its
// values, and everything else as twofold deploys it.
func chart(list []exported) ([]targets.ManifestFile, error) {
	values := map[string]any{}
	var files []targets.ManifestFile
	for _, e := range list {
		c := charted{exported: e, marker: "marker" + rand.Text(), values: map[string]any{}}
		for _, o := range e.all() {
			content, err := c.template(o)
			if err != nil {
				return nil, err
			}
			files = append(files, targets.ManifestFile{Path: "templates/" + e.folder() + "-" + e.file(o), Content: content})
		}
		values[e.folder()] = c.values
	}
	about := map[string]any{
		"apiVersion": "v2", "name": names.HostLabel(list[0].Project), "type": "application", "version": "0.1.0",
		"description": fmt.Sprintf("The services of %s, environment %s.", list[0].Project, list[0].Environment),
		"appVersion":  appVersion(list), "kubeVersion": ">=1.30.0-0",
	}
	for path, content := range map[string]any{"Chart.yaml": about, "values.yaml": values} {
		text, err := yaml.Marshal(content)
		if err != nil {
			return nil, err
		}
		files = append(files, targets.ManifestFile{Path: path, Content: text})
	}
	slices.SortFunc(files, func(a, b targets.ManifestFile) int { return strings.Compare(a.Path, b.Path) })
	return files, nil
}

// appVersion says which releases a chart is of.
func appVersion(list []exported) string {
	const length = 12
	var all []string
	for _, e := range list {
		digest := strings.TrimPrefix(e.release, "sha256:")
		all = append(all, digest[:min(len(digest), length)])
	}
	return strings.Join(all, "-")
}

// charted turns the objects of a service into templates. What is a value becomes a
// marker in the object, which nothing else contains, and the marker in its YAML an
// expression.
type charted struct {
	exported
	marker string
	values map[string]any
	marked []string
}

// mark keeps a value under a name, and returns what stands for it in an object.
func (c *charted) mark(value any, path ...string) string {
	at := c.values
	for _, name := range path[:len(path)-1] {
		if _, ok := at[name].(map[string]any); !ok {
			at[name] = map[string]any{}
		}
		at = at[name].(map[string]any)
	}
	at[path[len(path)-1]] = value
	return c.expression(c.find(path...) + " | toJson")
}

func (c *charted) find(path ...string) string {
	quoted := []string{strconv.Quote(c.folder())}
	for _, name := range path {
		quoted = append(quoted, strconv.Quote(name))
	}
	return "index .Values " + strings.Join(quoted, " ")
}

// expression is a marker for an expression, closed so that none is the beginning of
// another.
func (c *charted) expression(text string) string {
	c.marked = append(c.marked, "{{ "+text+" }}")
	return fmt.Sprintf("%sx%dx", c.marker, len(c.marked)-1)
}

func (c *charted) template(o *unstructured.Unstructured) ([]byte, error) {
	o = o.DeepCopy()
	c.markManager(o)
	switch groupKind(o) {
	case "Deployment.apps":
		c.markDeployment(o)
	case kindKnativeService:
		c.markDeployment(o)
		c.markScale(o)
	case "HorizontalPodAutoscaler.autoscaling":
		c.markNumber(o, "autoscaling", "minReplicas")
		c.markNumber(o, "autoscaling", "maxReplicas")
	case "Job.batch":
		c.markContainer(o.Object["spec"].(map[string]any), c.hookEnv(o))
	case "CronJob.batch":
		name := o.GetAnnotations()[noteSchedule]
		c.markText(o, []string{"schedules", name}, "spec", "schedule")
	case "PersistentVolumeClaim":
		setNote(o, "helm.sh/resource-policy", "keep")
		if _, ok, _ := unstructured.NestedString(o.Object, "spec", "storageClassName"); ok {
			c.markText(o, []string{"storageClass"}, "spec", "storageClassName")
		}
	case "Service":
		c.markText(o, []string{"serviceType"}, "spec", "type")
	}
	text, err := yaml.Marshal(o.Object)
	if err != nil {
		return nil, err
	}
	return c.fill(text), nil
}

// markManager leaves it to Helm to say that the objects are its own.
func (c *charted) markManager(o *unstructured.Unstructured) {
	all := o.GetLabels()
	all[labelManagedBy] = c.expression(".Release.Service")
	o.SetLabels(all)
}

func (c *charted) markNumber(o *unstructured.Unstructured, group, name string) {
	spec := o.Object["spec"].(map[string]any)
	spec[name] = c.mark(spec[name], group, name)
}

func (c *charted) markText(o *unstructured.Unstructured, path []string, field ...string) {
	value, _, _ := unstructured.NestedString(o.Object, field...)
	_ = unstructured.SetNestedField(o.Object, c.mark(value, path...), field...)
}

func (c *charted) markDeployment(o *unstructured.Unstructured) {
	spec := o.Object["spec"].(map[string]any)
	if replicas, ok := spec["replicas"]; ok {
		spec["replicas"] = c.mark(replicas, "replicas")
	}
	c.markContainer(spec, nil)
}

// markContainer is for the container with the app, or with a command in its place whose
// own variables take the place of the values'.
func (c *charted) markContainer(spec map[string]any, own map[string]string) {
	template := spec["template"].(map[string]any)["spec"].(map[string]any)
	app := template["containers"].([]any)[0].(map[string]any)
	repository, digest, _ := strings.Cut(c.image, "@")
	app["image"] = c.mark(repository, "image", "repository") + "@" + c.mark(digest, "image", "digest")
	if resources, ok := app["resources"]; ok {
		app["resources"] = c.mark(resources, "resources")
	}
	env, ok := c.values["env"].(map[string]any)
	if !ok {
		env = map[string]any{}
		c.values["env"] = env
	}
	var rest []any
	for _, one := range app["env"].([]any) {
		variable := one.(map[string]any)
		name := variable["name"].(string)
		_, isOwn := own[name]
		if value, ok := c.Env[name]; ok && !isOwn && variable["value"] != nil && name != "PORT" {
			env[name] = value
			continue
		}
		rest = append(rest, one)
	}
	app["env"] = append([]any{c.marker + "env" + strings.Join(slices.Sorted(maps.Keys(own)), ",")}, rest...)
}

// hookEnv are the variables that the hook of a Job has beside the service's.
func (c *charted) hookEnv(job *unstructured.Unstructured) map[string]string {
	for _, h := range c.hooks {
		if h.Name == job.GetAnnotations()[noteHook] {
			return h.Env
		}
	}
	return nil
}

// fill puts the expressions into the text of an object. Braces that the text has itself
// are none of Helm's.
func (c *charted) fill(text []byte) []byte {
	text = bytes.ReplaceAll(text, []byte("{{"), []byte(`{{ "{{" }}`))
	variables := regexp.MustCompile(`(?m)^( *)- ` + c.marker + `env(.*)\n`)
	text = variables.ReplaceAllFunc(text, func(found []byte) []byte {
		parts := variables.FindSubmatch(found)
		return []byte(c.variables(string(parts[1]), string(parts[2])))
	})
	// The image is made of two values.
	image := regexp.MustCompile(c.marker + `x(\d+)x@` + c.marker + `x(\d+)x`)
	text = image.ReplaceAllFunc(text, func(found []byte) []byte {
		parts := image.FindSubmatch(found)
		plain := func(number []byte) string { return strings.Replace(c.at(number), " | toJson", "", 1) }
		return []byte(`"` + plain(parts[1]) + "@" + plain(parts[2]) + `"`)
	})
	one := regexp.MustCompile(c.marker + `x(\d+)x`)
	return one.ReplaceAllFunc(text, func(found []byte) []byte { return []byte(c.at(one.FindSubmatch(found)[1])) })
}

// variables are the elements of a container's environment that are values, but for the
// names that are omitted.
func (c *charted) variables(indent, omitted string) string {
	env := c.find("env")
	if omitted != "" {
		env = "omit (" + env + ")"
		for name := range strings.SplitSeq(omitted, ",") {
			env += " " + strconv.Quote(name)
		}
	}
	return indent + "{{- range $name, $value := " + env + " }}\n" +
		indent + "- name: {{ $name | toJson }}\n" +
		indent + "  value: {{ $value | toString | replace \"$\" \"$$\" | toJson }}\n" +
		indent + "{{- end }}\n"
}

func (c *charted) at(number []byte) string {
	n, err := strconv.Atoi(string(number))
	if err != nil || n >= len(c.marked) {
		return ""
	}
	return c.marked[n]
}
