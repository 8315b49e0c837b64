package tree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// Entry is one file, link or other thing that is no folder, as Walk found it.
type Entry struct {
	// Path is relative to the folder walked, slash-separated.
	Path string
	// Source is the path on this machine.
	Source string
	// Info is what lstat said.
	Info fs.FileInfo
}

// MaxFiles is how many files a walk takes before it gives up. It is far above
// what a platform takes, and stops a walk that began in the wrong folder.
const MaxFiles = 100_000

// Walk lists what is below a folder, sorted by path. It follows no links. Folders
// are walked but not listed. What skip returns true for is left out, folders with
// all their content; nil leaves out nothing.
func Walk(ctx context.Context, root string, skip func(path string, folder bool) bool) ([]Entry, error) {
	w := &walk{root: root, skip: skip, pending: []string{""}}
	w.wake.L = &w.mu
	stop := context.AfterFunc(ctx, func() { w.fail(ctx.Err()) })
	defer stop()

	// Reading folders waits for the disk as well as for the processor.
	workers := min(2*runtime.GOMAXPROCS(0), 16)
	var running sync.WaitGroup
	for range workers {
		running.Go(w.work)
	}
	running.Wait()
	if err := w.failure(); err != nil {
		return nil, err
	}
	slices.SortFunc(w.found, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
	return w.found, nil
}

// walk is the state that the workers of one Walk share.
type walk struct {
	root string
	skip func(path string, folder bool) bool

	mu      sync.Mutex
	wake    sync.Cond
	pending []string // folders to read
	busy    int      // folders being read
	found   []Entry
	err     error
}

func (w *walk) work() {
	for {
		folder, ok := w.next()
		if !ok {
			return
		}
		entries, folders, err := w.read(folder)
		if err != nil {
			w.fail(err)
			return
		}
		w.add(entries, folders)
	}
}

// next waits for a folder to read; there is none when all is read or failed.
func (w *walk) next() (string, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.pending) == 0 && w.busy > 0 && w.err == nil {
		w.wake.Wait()
	}
	if len(w.pending) == 0 || w.err != nil {
		return "", false
	}
	folder := w.pending[len(w.pending)-1]
	w.pending = w.pending[:len(w.pending)-1]
	w.busy++
	return folder, true
}

func (w *walk) add(entries []Entry, folders []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.found = append(w.found, entries...)
	w.pending = append(w.pending, folders...)
	w.busy--
	if len(w.found) > MaxFiles && w.err == nil {
		w.err = fmt.Errorf("folder %s holds more than %d files: name a smaller folder, or leave files out with exclude", w.root, MaxFiles)
	}
	// Most folders hold no others, and then there is nothing to wake anyone for.
	if len(folders) > 1 || w.busy == 0 || w.err != nil {
		w.wake.Broadcast()
	}
}

func (w *walk) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
	w.wake.Broadcast()
}

// failure takes the lock, because the context may end even now.
func (w *walk) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// read lists one folder.
func (w *walk) read(folder string) (entries []Entry, folders []string, err error) {
	source := filepath.Join(w.root, filepath.FromSlash(folder))
	f, err := os.Open(source)
	if err != nil {
		return nil, nil, unreadable(folder, source, err)
	}
	defer f.Close()
	list, err := f.ReadDir(-1)
	if err != nil {
		return nil, nil, unreadable(folder, source, err)
	}
	entries = make([]Entry, 0, len(list))
	for _, e := range list {
		p := path.Join(folder, e.Name())
		if w.skip != nil && w.skip(p, e.IsDir()) {
			continue
		}
		if e.IsDir() {
			folders = append(folders, p)
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed since the folder was read
		}
		if err != nil {
			return nil, nil, unreadable(p, filepath.Join(source, e.Name()), err)
		}
		entries = append(entries, Entry{Path: p, Source: source + string(filepath.Separator) + e.Name(), Info: info})
	}
	return entries, folders, nil
}
