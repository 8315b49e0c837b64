package release

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/release/base"
	"github.com/twofoldhq/twofold/release/tree"
)

// The times of two changes to a file can be the same if they follow within one
// tick of the clock that the file system uses: 10 ms on Linux, and 2 s where times
// have no part below a second (FAT).
const (
	tick       = 25 * time.Millisecond
	coarseTick = 2 * time.Second
)

// record says which release was made from which inputs. Its file is named after
// the inputs but for the state of the files, so that there is one for each service
// and not one for each build.
type record struct {
	Release descriptor `json:"release"`
	// Bases are the digests of the bases' manifests.
	Bases []string `json:"bases"`
	// Files is the digest of the state of all files, by their metadata.
	Files string `json:"files"`
	// Young are the files that were so new when they were read that they may have
	// changed since without that showing. Only their content tells.
	Young []young `json:"young,omitempty"`
}

type young struct {
	Tree   int    `json:"tree"`
	File   int    `json:"file"`
	SHA256 string `json:"sha256"`
}

// recipe counts the changes in what Assemble makes of the same inputs. Raise it
// with each one, such as a golden file of this package or a new version of the
// compressor shows, or a store goes on answering with what an earlier twofold made.
const recipe = 2

// inputs are what a release is made from, as far as it is known without reading
// files.
type inputs struct {
	key   string
	files string
	trees []*build.Tree
	// taken is when the files begin to be read.
	taken time.Time
}

// takeInputs describes the inputs of a release.
func takeInputs(spec Spec, list []programs) (inputs, error) {
	type treeKey struct {
		Platform, Adapter, Runtime string
		Secrets                    string `json:",omitempty"`
		Command                    []string
		Env                        map[string]string
	}
	key := struct {
		Format, Own, Project, Service, Health, Base string
		Port, Recipe                                int
		Trees                                       []treeKey
	}{FormatVersion, base.Digest, spec.Project, spec.Service, spec.Health, spec.Base, spec.Port, recipe, nil}
	for i, t := range spec.Trees {
		k := treeKey{Platform: t.Platform.String(), Adapter: list[i].adapter.SHA256, Runtime: t.Runtime, Command: t.Command, Env: t.Env}
		if r := list[i].resolver; r != nil {
			k.Secrets = r.SHA256
		}
		key.Trees = append(key.Trees, k)
	}
	text, err := canonical(key)
	if err != nil {
		return inputs{}, err
	}
	sum := sha256.Sum256(text)
	in := inputs{key: hex.EncodeToString(sum[:]), trees: spec.Trees, taken: time.Now()}
	in.files, err = filesState(spec.Trees)
	return in, err
}

// filesState is a digest over the metadata of all files.
func filesState(trees []*build.Tree) (string, error) {
	h := sha256.New()
	var line []byte
	for _, t := range trees {
		line = append(line[:0], t.Platform.String()...)
		h.Write(append(line, 0, '\n'))
		for i := range t.Files {
			f := &t.Files[i]
			line = line[:0]
			for _, s := range []string{f.Path, f.Link, f.Source} {
				line = append(append(line, s...), 0)
			}
			line = strconv.AppendBool(line, f.Executable)
			if f.Link == "" {
				if f.Info == nil {
					return "", fmt.Errorf("file %q: nothing is known of it", f.Path)
				}
				changed, inode := identity(f.Info)
				for _, n := range []int64{f.Info.Size(), f.Info.ModTime().UnixNano(), changed.UnixNano(), int64(inode), int64(f.Info.Mode())} {
					line = strconv.AppendInt(append(line, ' '), n, 10)
				}
			}
			h.Write(append(line, '\n'))
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// mayHideChange reports whether a file can have changed after it was read at that
// time without that showing in its metadata.
func mayHideChange(f *build.File, read time.Time) bool {
	last := f.Info.ModTime()
	if changed, _ := identity(f.Info); changed.After(last) {
		last = changed
	}
	margin := tick
	if last.Nanosecond() == 0 {
		margin = coarseTick
	}
	return !last.Add(margin).Before(read)
}

func (s *Store) recordPath(key string) string {
	return filepath.Join(s.dir, "cache", "releases", key+".json")
}

// recall finds the release that was made from the same inputs, if the store still
// holds all of it. bases are nil unless they were asked for anew.
func (s *Store) recall(ctx context.Context, in inputs, bases []baseImage) (*Release, bool) {
	b, err := os.ReadFile(s.recordPath(in.key))
	if err != nil {
		return nil, false
	}
	var rec record
	if json.Unmarshal(b, &rec) != nil || rec.Files != in.files || checkDescriptor(rec.Release) != nil {
		return nil, false
	}
	if bases != nil && !slices.Equal(baseDigests(bases), rec.Bases) {
		return nil, false
	}
	r, err := s.load(rec.Release)
	if err != nil {
		return nil, false
	}
	missing := r.blobs(ctx, func(d descriptor) error {
		if !s.has(d) {
			return ErrDamaged
		}
		return nil
	})
	if missing != nil {
		return nil, false
	}
	if len(rec.Young) == 0 {
		return r, true
	}
	if !sameContent(in.trees, rec.Young) {
		return nil, false
	}
	// They have aged, so the next time most of them need not be read.
	rec.Young = slices.DeleteFunc(rec.Young, func(y young) bool {
		return !mayHideChange(&in.trees[y.Tree].Files[y.File], in.taken)
	})
	_ = s.writeRecord(in.key, rec) // without it the next build reads them again
	return r, true
}

func sameContent(trees []*build.Tree, files []young) bool {
	for _, y := range files {
		if y.Tree >= len(trees) || y.File >= len(trees[y.Tree].Files) {
			return false
		}
		if sum, err := fileSum(trees[y.Tree].Files[y.File].Source); err != nil || sum != y.SHA256 {
			return false
		}
	}
	return true
}

func fileSum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), err
}

// remember records which release was made from the inputs. files are those of
// each tree with their digests.
func (s *Store) remember(in inputs, bases []baseImage, index descriptor, files [][]tree.File) error {
	rec := record{Release: index, Bases: baseDigests(bases), Files: in.files}
	for i, t := range in.trees {
		if len(files[i]) != len(t.Files) {
			return errors.New("not all files were packed")
		}
		for j := range t.Files {
			if f := &t.Files[j]; f.Link == "" && mayHideChange(f, in.taken) {
				rec.Young = append(rec.Young, young{Tree: i, File: j, SHA256: files[i][j].SHA256})
			}
		}
	}
	return s.writeRecord(in.key, rec)
}

func (s *Store) writeRecord(key string, rec record) error {
	b, err := canonical(rec)
	if err != nil {
		return err
	}
	return s.replaceFile(s.recordPath(key), b, false)
}

func baseDigests(bases []baseImage) []string {
	list := []string{}
	for _, b := range bases {
		list = append(list, b.digest)
	}
	return list
}
