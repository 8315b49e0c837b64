package release

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	specs "github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/release/pack"
	"github.com/twofoldhq/twofold/release/tree"
)

// Assemble makes the release of spec in the store, and makes it the newest one of
// its service. For trees that have not changed since, it finds the release that
// is there and reads no file's content. A file that is no longer what the build
// left is an error that wraps pack.ErrChanged.
func Assemble(ctx context.Context, s *Store, spec Spec, o Options) (*Release, error) {
	unlock, err := s.lock(ctx, blobLock, false)
	if err != nil {
		return nil, err
	}
	defer unlock()
	r, err := assemble(ctx, s, spec, o)
	if err != nil {
		return nil, fmt.Errorf("release: assemble %q: %w", spec.Service, trimRoom(err))
	}
	if err := s.setNewest(ctx, r); err != nil {
		return nil, err
	}
	return r, nil
}

func assemble(ctx context.Context, s *Store, spec Spec, o Options) (*Release, error) {
	if len(spec.Trees) == 0 {
		return nil, fmt.Errorf("the build made no app tree")
	}
	spec.Trees = slices.Clone(spec.Trees)
	slices.SortFunc(spec.Trees, func(a, b *build.Tree) int {
		return strings.Compare(a.Platform.String(), b.Platform.String())
	})
	programs, err := s.programs(spec)
	if err != nil {
		return nil, err
	}
	var bases []baseImage
	if o.Pull {
		if bases, err = s.bases(ctx, spec, o); err != nil {
			return nil, err
		}
	}
	in, err := takeInputs(spec, programs)
	if err != nil {
		return nil, err
	}
	if r, ok := s.recall(ctx, in, bases); ok {
		return r, nil
	}
	if err := check(spec); err != nil {
		return nil, err
	}
	if bases == nil {
		if bases, err = s.bases(ctx, spec, o); err != nil {
			return nil, err
		}
	}
	a := &assembly{s: s, spec: spec, o: o, programs: programs, bases: bases}
	r, err := a.run(ctx)
	if err != nil {
		return nil, err
	}
	return r, s.remember(in, bases, r.index, a.files)
}

// trimRoom drops the room's name from an error that is wrapped in another of the
// same room.
func trimRoom(err error) error {
	if rest, ok := strings.CutPrefix(err.Error(), "release: "); ok {
		return &trimmed{text: rest, err: err}
	}
	return err
}

type trimmed struct {
	text string
	err  error
}

func (e *trimmed) Error() string { return e.text }
func (e *trimmed) Unwrap() error { return e.err }

// bases finds what the image of each tree is laid upon.
func (s *Store) bases(ctx context.Context, spec Spec, o Options) ([]baseImage, error) {
	list := make([]baseImage, len(spec.Trees))
	warned := map[string]bool{}
	for i, t := range spec.Trees {
		var err error
		if list[i], err = s.base(ctx, spec, t, o, warned); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// assembly is one run of Assemble that found something to do.
type assembly struct {
	s        *Store
	spec     Spec
	o        Options
	programs []programs
	bases    []baseImage
	files    [][]tree.File // of each tree, with their digests
}

func (a *assembly) run(ctx context.Context) (*Release, error) {
	var images, bundles []descriptor
	for i := range a.spec.Trees {
		image, bundle, err := a.tree(ctx, i)
		if err != nil {
			return nil, err
		}
		images, bundles = append(images, image), append(bundles, bundle)
	}
	d, err := a.s.putJSON(ocispec.MediaTypeImageIndex, ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageIndex,
		Manifests: append(images, bundles...),
		Annotations: map[string]string{
			AnnotationFormat: FormatVersion, AnnotationProject: a.spec.Project, AnnotationService: a.spec.Service,
		},
	})
	if err != nil {
		return nil, err
	}
	return a.s.load(d)
}

// tree packs one tree and returns the descriptors of its image and its bundle.
func (a *assembly) tree(ctx context.Context, i int) (image, bundle descriptor, err error) {
	t, platform := a.spec.Trees[i], a.spec.Trees[i].Platform
	layer, zip, packed, err := a.pack(ctx, t, a.programs[i])
	if err != nil {
		return image, bundle, fmt.Errorf("%s: %w", platform, err)
	}
	a.files = append(a.files, packed.Files)
	digest, err := tree.Tree{Command: t.Command, Env: t.Env, Runtime: t.Runtime, Files: packed.Files}.Digest()
	if err != nil {
		return image, bundle, fmt.Errorf("%s: %w", platform, err)
	}
	if packed.Unpacked > a.s.limit {
		a.o.warn("the bundle of %q for %s unpacks to %d MiB; AWS Lambda takes %d MiB", a.spec.Service, platform, packed.Unpacked>>20, a.s.limit>>20)
	}
	if image, err = a.image(t, a.bases[i], digest, packed.DiffID, layer); err != nil {
		return image, bundle, err
	}
	bundle, err = a.bundle(t, digest, a.programs[i], zip)
	return image, bundle, err
}

// pack makes the two big blobs of a tree.
func (a *assembly) pack(ctx context.Context, t *build.Tree, p programs) (layer, zip descriptor, r pack.Result, err error) {
	config, err := canonical(appConfig(a.spec, t))
	if err != nil {
		return layer, zip, r, err
	}
	l, err := a.s.newBlob()
	if err != nil {
		return layer, zip, r, err
	}
	defer l.abort()
	z, err := a.s.newBlob()
	if err != nil {
		return layer, zip, r, err
	}
	defer z.abort()
	r, err = pack.Pack(ctx, t.Files, pack.Options{Dir: AppDir, Extras: p.extras(config)}, l, z)
	if err != nil {
		return layer, zip, r, err
	}
	if layer, err = l.commit(ocispec.MediaTypeImageLayerGzip); err != nil {
		return layer, zip, r, err
	}
	zip, err = z.commit(BundleLayerType)
	return layer, zip, r, err
}

func (a *assembly) image(t *build.Tree, b baseImage, tree, diffID string, layer descriptor) (descriptor, error) {
	config, err := imageConfig(a.spec, t, b, tree, diffID)
	if err != nil {
		return descriptor{}, err
	}
	c, err := a.s.putJSON(ocispec.MediaTypeImageConfig, config)
	if err != nil {
		return descriptor{}, err
	}
	annotations := a.annotations(t, tree)
	if b.name != "" {
		annotations[ocispec.AnnotationBaseImageName] = b.name
		annotations[ocispec.AnnotationBaseImageDigest] = b.digest
	}
	d, err := a.s.putJSON(ocispec.MediaTypeImageManifest, ocispec.Manifest{
		Versioned:   specs.Versioned{SchemaVersion: 2},
		MediaType:   ocispec.MediaTypeImageManifest,
		Config:      c,
		Layers:      append(slices.Clone(b.layers), layer),
		Annotations: annotations,
	})
	d.Platform = &ocispec.Platform{OS: t.Platform.OS, Architecture: t.Platform.Arch}
	d.Annotations = map[string]string{AnnotationTree: tree}
	return d, err
}

func (a *assembly) bundle(t *build.Tree, tree string, p programs, zip descriptor) (descriptor, error) {
	empty, err := a.s.put(ocispec.MediaTypeEmptyJSON, []byte("{}"))
	if err != nil {
		return descriptor{}, err
	}
	zip.Annotations = map[string]string{
		ocispec.AnnotationTitle: fmt.Sprintf("%s-%s-%s.zip", a.spec.Service, t.Platform.OS, t.Platform.Arch),
	}
	annotations := a.annotations(t, tree)
	annotations[AnnotationPlatform] = t.Platform.String()
	annotations[AnnotationAdapter] = p.adapter.Version
	if p.resolver != nil {
		annotations[AnnotationSecrets] = p.resolver.Version
	}
	d, err := a.s.putJSON(ocispec.MediaTypeImageManifest, ocispec.Manifest{
		Versioned:    specs.Versioned{SchemaVersion: 2},
		MediaType:    ocispec.MediaTypeImageManifest,
		ArtifactType: BundleArtifactType,
		Config:       empty,
		Layers:       []descriptor{zip},
		Annotations:  annotations,
	})
	// Engines that look for an image of their platform pass over this one. The
	// descriptor has no artifactType, as it may: older tools that copy an index
	// drop that field, and with it the index's digest.
	d.Platform = &ocispec.Platform{OS: "unknown", Architecture: "unknown"}
	d.Annotations = map[string]string{AnnotationTree: tree, AnnotationPlatform: t.Platform.String()}
	return d, err
}

func (a *assembly) annotations(t *build.Tree, tree string) map[string]string {
	m := map[string]string{AnnotationTree: tree, AnnotationProject: a.spec.Project, AnnotationService: a.spec.Service}
	if t.Runtime != "" {
		m[AnnotationRuntime] = t.Runtime
	}
	return m
}

// check finds what is wrong with a spec before any work is done.
func check(spec Spec) error {
	if spec.Service == "" {
		return fmt.Errorf("the service has no name")
	}
	if spec.Port < 1 || spec.Port > 65535 {
		return fmt.Errorf("port %d is none: use one from 1 to 65535", spec.Port)
	}
	for i, t := range spec.Trees {
		if i > 0 && spec.Trees[i-1].Platform == t.Platform {
			return fmt.Errorf("there are two app trees for %s", t.Platform)
		}
		if err := checkTree(t); err != nil {
			return fmt.Errorf("%s: %w", t.Platform, err)
		}
		if err := checkCommand(spec, t); err != nil {
			return fmt.Errorf("%s: %w", t.Platform, err)
		}
	}
	return nil
}

// checkTree makes sure that a tree's files can be unpacked anywhere and will lie
// in the tree.
func checkTree(t *build.Tree) error {
	if len(t.Command) == 0 || t.Command[0] == "" {
		return fmt.Errorf("the app tree has no command")
	}
	for _, s := range append(slices.Concat(t.Command, sortedKeys(t.Env)), slices.Collect(maps.Values(t.Env))...) {
		if !plainText(s) {
			return fmt.Errorf("%q in the command or the environment is not UTF-8", s)
		}
	}
	for i, f := range t.Files {
		switch {
		case f.Path == "" || path.IsAbs(f.Path) || path.Clean(f.Path) != f.Path || f.Path == ".." || strings.HasPrefix(f.Path, "../"):
			return fmt.Errorf("file %q: the path is not one within the app tree", f.Path)
		case !plainText(f.Path):
			return fmt.Errorf("file %q: the name is not UTF-8: rename it", f.Path)
		case i > 0 && t.Files[i-1].Path >= f.Path:
			return fmt.Errorf("file %q: the app tree is not sorted", f.Path)
		case i > 0 && strings.HasPrefix(f.Path, t.Files[i-1].Path+"/"):
			return fmt.Errorf("file %q: %q is a file, not a folder", f.Path, t.Files[i-1].Path)
		case f.Link != "" && !linkWithin(f):
			return fmt.Errorf("link %q: it points to %q, outside the app tree: copy the file instead", f.Path, f.Link)
		case f.Link == "" && (f.Info == nil || !f.Info.Mode().IsRegular()):
			return fmt.Errorf("file %q: it is neither a regular file nor a link", f.Path)
		}
	}
	return nil
}

// plainText reports whether a string can stand in JSON and be handed to a program.
func plainText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

func linkWithin(f build.File) bool {
	to := path.Join(path.Dir(f.Path), f.Link)
	return !path.IsAbs(f.Link) && plainText(f.Link) && to != ".." && !strings.HasPrefix(to, "../")
}
