package release

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/release/tree"
)

// Result is what a check found.
type Result string

// The results of a check.
const (
	Pass Result = "pass"
	Fail Result = "fail"
	// Note is neither: something to know.
	Note Result = "note"
)

// Finding is the result of one check.
type Finding struct {
	// Subject is what was checked: "index", or a form, such as "image linux/amd64".
	Subject string `json:"subject"`
	// Check is the claim, as a sentence without a full stop.
	Check  string `json:"check"`
	Result Result `json:"result"`
	// Detail says what was found instead, or what to know.
	Detail string `json:"detail,omitempty"`
}

// Report is what Verify found.
type Report struct {
	Release  string    `json:"release"`
	Findings []Finding `json:"findings"`
}

// OK reports whether no check failed.
func (r *Report) OK() bool {
	return !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Result == Fail })
}

// add records a check: it passed if err is nil.
func (r *Report) add(subject, check string, err error) {
	f := Finding{Subject: subject, Check: check, Result: Pass}
	if err != nil {
		f.Result, f.Detail = Fail, err.Error()
	}
	r.Findings = append(r.Findings, f)
}

// Verify computes again what a release claims: the digest and the size of each
// blob, the rules of the format, and the digest of the app tree from both forms of
// each platform. The error is of what kept it from looking; what it found wrong is
// in the report.
func Verify(ctx context.Context, r *Release) (*Report, error) {
	unlock, err := r.store.lock(ctx, blobLock, false)
	if err != nil {
		return nil, err
	}
	defer unlock()
	// A damaged blob is reported here, not removed.
	readOnly := *r.store
	readOnly.foreign = true
	v := &verifier{s: &readOnly, report: &Report{Release: r.Digest}, trees: map[build.Platform]map[Kind]string{}}
	raw, err := v.s.document(r.index)
	v.report.add("index", "the content has the stated digest", err)
	if err != nil {
		return v.report, ctx.Err()
	}
	index, err := parseIndex(raw)
	v.report.add("index", "it is a release of this format", err)
	if err != nil {
		return v.report, ctx.Err()
	}
	v.report.add("index", "it lists the images, then the bundles as the format says", indexRules(index))
	for _, d := range index.Manifests {
		v.form(ctx, d)
	}
	v.compare()
	return v.report, ctx.Err()
}

type verifier struct {
	s      *Store
	report *Report
	trees  map[build.Platform]map[Kind]string // recomputed digests
}

// indexRules checks what the index itself must be like.
func indexRules(index *ocispec.Index) error {
	if index.Annotations[AnnotationService] == "" {
		return fmt.Errorf("the annotation %s is missing", AnnotationService)
	}
	bundles := false
	for _, d := range index.Manifests {
		if strings.Contains(d.MediaType, ";") || len(d.Data) > 0 {
			return fmt.Errorf("%s: media types hold no \";\" and descriptors no data", d.Digest)
		}
		if d.Platform == nil {
			return fmt.Errorf("%s: it has no platform", d.Digest)
		}
		unknown := isUnknown(d)
		if bundles && !unknown {
			return fmt.Errorf("%s: an image comes after a bundle", d.Digest)
		}
		bundles = bundles || unknown
	}
	return nil
}

// isUnknown reports whether a descriptor has the platform that no engine looks for.
func isUnknown(d descriptor) bool {
	return d.Platform != nil && d.Platform.OS == "unknown" && d.Platform.Architecture == "unknown"
}

func (v *verifier) form(ctx context.Context, d descriptor) {
	m, err := v.s.manifest(d)
	if err != nil {
		v.report.add(string(d.Digest), "the manifest has the stated digest", err)
		return
	}
	f, ok := form(d, m)
	if !ok {
		v.report.Findings = append(v.report.Findings, Finding{
			Subject: string(d.Digest), Check: "it is an image or a bundle", Result: Note, Detail: "it is something else, which this twofold does not know: " + m.ArtifactType,
		})
		return
	}
	subject := string(f.Kind) + " " + f.Platform.String()
	if v.trees[f.Platform] == nil {
		v.trees[f.Platform] = map[Kind]string{}
	}
	if _, twice := v.trees[f.Platform][f.Kind]; twice {
		v.report.add(subject, "there is one of its kind", errors.New("there are two"))
		return
	}
	v.trees[f.Platform][f.Kind] = ""
	if f.Kind == Bundle && !isUnknown(d) {
		v.report.add(subject, "engines that look for an image pass over it", errors.New("its platform in the index is not unknown/unknown"))
	}
	v.report.add(subject, "descriptors hold no data and media types no \";\"", plain(m))
	var digest string
	if f.Kind == Image {
		digest, err = v.image(ctx, subject, f, m)
	} else {
		digest, err = v.bundle(ctx, subject, f, m)
	}
	v.report.add(subject, "all blobs have the stated digests and sizes", err)
	if err != nil {
		return
	}
	v.trees[f.Platform][f.Kind] = digest
	v.report.add(subject, "the app tree has the digest that the manifest states", same("digest", digest, m.Annotations[AnnotationTree]))
	if stated := d.Annotations[AnnotationTree]; stated != "" {
		v.report.add(subject, "the app tree has the digest that the index states", same("digest", digest, stated))
	}
}

// plain checks that registries with narrow views take a manifest.
func plain(m *ocispec.Manifest) error {
	for _, d := range append([]descriptor{m.Config}, m.Layers...) {
		if strings.Contains(d.MediaType, ";") || len(d.Data) > 0 {
			return fmt.Errorf("%s has", d.Digest)
		}
	}
	return nil
}

// image checks an image and returns the digest of its app tree. The error is of
// blobs that are not what they should be.
func (v *verifier) image(ctx context.Context, subject string, f Form, m *ocispec.Manifest) (string, error) {
	config, err := (&Release{store: v.s}).imageConfig(m)
	if err != nil {
		return "", err
	}
	files, diffIDs, err := v.s.imageFiles(ctx, m)
	if err != nil {
		return "", err
	}
	var stated []string
	for _, id := range config.RootFS.DiffIDs {
		stated = append(stated, string(id))
	}
	v.report.add(subject, "the config names its layers", same("list of layers", strings.Join(diffIDs, " "), strings.Join(stated, " ")))
	v.report.add(subject, "the config is for its platform", same("platform", config.OS+"/"+config.Architecture, f.Platform.String()))
	var app AppConfig
	if err := json.Unmarshal([]byte(config.Config.Labels[LabelApp]), &app); err != nil {
		v.report.add(subject, "the label "+LabelApp+" says how the app starts", err)
		return "", nil
	}
	v.report.add(subject, "it starts the app as the label "+LabelApp+" says", starts(config, app))
	return tree.Tree{Command: app.Command, Env: app.Env, Runtime: f.Runtime, Files: files.list()}.Digest()
}

// starts checks that an image's config does what the app's config says.
func starts(config *ocispec.Image, app AppConfig) error {
	c := config.Config
	if len(app.Command) == 0 || app.Dir != AppDir {
		return errors.New("it has no command in the folder " + AppDir)
	}
	if want := entrypoint(app.Command); !slices.Equal(c.Entrypoint, want) || len(c.Cmd) > 0 {
		return fmt.Errorf("the entrypoint is %q %q, not %q", c.Entrypoint, c.Cmd, want)
	}
	if c.WorkingDir != "/"+AppDir {
		return fmt.Errorf("the working directory is %q", c.WorkingDir)
	}
	for k, want := range app.Env {
		if k != "PORT" && !slices.Contains(c.Env, k+"="+want) {
			return fmt.Errorf("%s is not %q in the environment", k, want)
		}
	}
	if port := fmt.Sprint("PORT=", app.Port); !slices.Contains(c.Env, port) {
		return fmt.Errorf("%s is not in the environment", port)
	}
	return same("health path", c.Labels[LabelHealth], app.Health)
}

// bundle checks a bundle and returns the digest of its app tree.
func (v *verifier) bundle(ctx context.Context, subject string, f Form, m *ocispec.Manifest) (string, error) {
	if err := bundleRules(m); err != nil {
		v.report.add(subject, "the manifest is one of a bundle", err)
		return "", nil
	}
	v.report.add(subject, "the manifest is one of a bundle", nil)
	if _, err := v.s.document(m.Config); err != nil {
		return "", err
	}
	blob, err := v.s.openWhole(m.Layers[0])
	if err != nil {
		return "", err
	}
	defer blob.Close()
	z, err := zip.NewReader(blob, m.Layers[0].Size)
	if err != nil {
		return "", err
	}
	files, others, raw, err := bundleFiles(ctx, z)
	if err != nil {
		return "", err
	}
	var app AppConfig
	if err := json.Unmarshal(raw, &app); err != nil {
		v.report.add(subject, AppConfigName+" says how the app starts", err)
		return "", nil
	}
	v.report.add(subject, "its root holds the adapter and "+AppConfigName, bundleRoot(others, app, m.Annotations[AnnotationSecrets] != ""))
	v.program(subject, "adapter", m.Annotations[AnnotationAdapter], others[AdapterName], f, v.s.adapter)
	if version := m.Annotations[AnnotationSecrets]; version != "" {
		v.program(subject, "program that reads secrets", version, others[SecretsName], f, v.s.resolver)
	}
	return tree.Tree{Command: app.Command, Env: app.Env, Runtime: f.Runtime, Files: files.list()}.Digest()
}

func bundleRules(m *ocispec.Manifest) error {
	if m.Config.MediaType != ocispec.MediaTypeEmptyJSON || string(m.Config.Digest) != string(ocispec.DescriptorEmptyJSON.Digest) {
		return errors.New("its config is not the empty one")
	}
	if len(m.Layers) != 1 || m.Layers[0].MediaType != BundleLayerType {
		return fmt.Errorf("it has not one layer of the type %s", BundleLayerType)
	}
	if m.Annotations[AnnotationAdapter] == "" {
		return fmt.Errorf("the annotation %s is missing", AnnotationAdapter)
	}
	return nil
}

func bundleRoot(others map[string]tree.File, app AppConfig, secrets bool) error {
	want, programs := []string{AdapterName, AppConfigName}, []string{AdapterName}
	if secrets {
		want, programs = []string{AdapterName, SecretsName, AppConfigName}, append(programs, SecretsName)
	}
	if got := sortedKeys(others); !slices.Equal(got, want) {
		return fmt.Errorf("beside %s there is %q, not %q", AppDir, got, want)
	}
	for _, name := range programs {
		if p := others[name]; p.Link != "" || !p.Executable {
			return fmt.Errorf("%s is not an executable file", name)
		}
	}
	if len(app.Command) == 0 || app.Dir != AppDir {
		return fmt.Errorf("%s has no command in the folder %s", AppConfigName, AppDir)
	}
	return nil
}

// program compares a program of a bundle's root with the one that is part of this
// twofold.
func (v *verifier) program(subject, what, version string, file tree.File, f Form, own func(arch string) (adapter, error)) {
	finding := Finding{Subject: subject, Check: "the " + what + " is the one of this twofold", Result: Pass}
	p, err := own(f.Platform.Arch)
	switch {
	case err != nil:
		finding.Result, finding.Detail = Note, err.Error()
	case p.Version != version:
		finding.Result, finding.Detail = Note, fmt.Sprintf("it is version %s, this twofold has %s", version, p.Version)
	case p.SHA256 != file.SHA256:
		finding.Result, finding.Detail = Fail, fmt.Sprintf("it says version %s and has another content", version)
	}
	v.report.Findings = append(v.report.Findings, finding)
}

// compare checks that both forms of each platform hold the same app.
func (v *verifier) compare() {
	platforms := map[string]map[Kind]string{}
	for p, forms := range v.trees {
		platforms[p.String()] = forms
	}
	if len(platforms) == 0 {
		v.report.add("index", "it holds an image and a bundle", errors.New("it holds none"))
	}
	for _, p := range sortedKeys(platforms) {
		image, bundle := platforms[p][Image], platforms[p][Bundle]
		var err error
		if image == "" || bundle == "" || image != bundle {
			err = fmt.Errorf("the image has %s, the bundle %s", known(image), known(bundle))
		}
		v.report.add(p, "the image and the bundle hold the same app tree", err)
	}
}

func known(digest string) string {
	if digest == "" {
		return "none that could be computed"
	}
	return digest
}

func same(what string, got, want any) error {
	if reflect.DeepEqual(got, want) {
		return nil
	}
	return fmt.Errorf("the %s is %q, not %q", what, got, want)
}
