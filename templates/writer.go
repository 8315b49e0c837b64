package templates

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// writer makes files and remembers what it made, to take it back.
type writer struct {
	made []string // files and folders, in the order they were made
}

// write makes a file that must not exist, and the folders above it.
func (w *writer) write(path string, content []byte) error {
	if err := w.folder(filepath.Dir(path)); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	w.made = append(w.made, path)
	if _, err := f.Write(content); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func (w *writer) folder(path string) error {
	err := os.Mkdir(path, 0o755)
	switch {
	case err == nil:
		w.made = append(w.made, path)
		return nil
	case errors.Is(err, fs.ErrExist):
		return nil // what is no folder shows when a file is made in it
	case errors.Is(err, fs.ErrNotExist) && filepath.Dir(path) != path:
		if err := w.folder(filepath.Dir(path)); err != nil {
			return err
		}
		return w.folder(path)
	}
	return err
}

// undo removes what was made, the newest first. A folder in which someone else has
// put something meanwhile stays.
func (w *writer) undo() {
	for _, path := range slices.Backward(w.made) {
		os.Remove(path)
	}
}
