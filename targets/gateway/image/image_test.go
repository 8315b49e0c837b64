package image

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/twofoldhq/twofold/targets/gateway"
)

func TestTheImageHoldsTheProgramForItsProcessor(t *testing.T) {
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		made, err := Make(arch)
		if err != nil {
			t.Fatal(err)
		}
		config, err := made.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if config.OS != "linux" || config.Architecture != arch || config.Config.User != "65532:65532" || !slices.Equal(config.Config.Entrypoint, []string{gateway.Program}) {
			t.Errorf("%s: the config is %+v", arch, config)
		}
		files := filesOf(t, made)
		program, err := elf.NewFile(bytes.NewReader(files[gateway.Program[1:]]))
		if err != nil {
			t.Fatalf("%s: %v", arch, err)
		}
		if program.Machine != machine {
			t.Errorf("%s: the program is for %s", arch, program.Machine)
		}
		if slices.ContainsFunc(program.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
			t.Errorf("%s: the program needs libraries", arch)
		}
		if _, ok := files["etc/ssl/certs/ca-certificates.crt"]; !ok {
			t.Errorf("%s: there are no certificates of authorities", arch)
		}
	}
}

func filesOf(t *testing.T, image v1.Image) map[string][]byte {
	t.Helper()
	all := mutate.Extract(image)
	defer all.Close()
	files := map[string][]byte{}
	for r := tar.NewReader(all); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[h.Name] = content
		if h.Name == gateway.Dir[1:]+"/" && (h.Uid != user || h.Mode != 0o700) {
			t.Errorf("the folder for the volume is of %d, with the mode %o", h.Uid, h.Mode)
		}
	}
}

func TestTheIndexIsForAllProcessorsAndAlwaysTheSame(t *testing.T) {
	var digests []v1.Hash
	for range 2 {
		index, err := MakeIndex()
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Index(carried(t, index)); err != nil {
			t.Error(err)
		}
		m, err := index.IndexManifest()
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Manifests) != 2 || m.Manifests[0].Platform.Architecture == m.Manifests[1].Platform.Architecture {
			t.Errorf("the manifests are %+v", m.Manifests)
		}
		digest, err := index.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, digest)
	}
	if digests[0] != digests[1] {
		t.Errorf("the digests are %s", digests)
	}
}

// carried is an index as a registry has it.
func carried(t *testing.T, index v1.ImageIndex) v1.ImageIndex {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	tag, err := name.ParseReference(strings.TrimPrefix(server.URL, "http://") + "/twofold:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(tag, index); err != nil {
		t.Fatal(err)
	}
	there, err := remote.Index(tag)
	if err != nil {
		t.Fatal(err)
	}
	return there
}

func TestOtherProcessorsAreErrors(t *testing.T) {
	if _, err := Make("riscv64"); err == nil {
		t.Error("there is an image for riscv64")
	}
	if _, err := Version("riscv64"); err == nil {
		t.Error("there is a version for riscv64")
	}
}
