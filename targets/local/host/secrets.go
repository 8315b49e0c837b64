package host

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/twofoldhq/twofold/targets/secretfile"
)

// The values of a deployment's secrets are in a file of their own beside the
// record, which names it. So a crash leaves the record with the values that belong
// to it, and no other file of the deployment holds one.
const secretsPrefix = "secrets-"

// writeSecrets writes the values into a new file and returns its name, or "" if
// there are none.
func writeSecrets(dir string, v secretfile.Values) (string, error) {
	if len(v) == 0 {
		return "", nil
	}
	text, err := json.Marshal(map[string]string(v))
	if err != nil {
		return "", fmt.Errorf("keep the secrets: %w", err)
	}
	name := secretsPrefix + rand.Text() + ".json"
	if err := writeFileAtomic(filepath.Join(dir, name), text, 0o600); err != nil {
		return "", fmt.Errorf("keep the secrets: %w", err)
	}
	return name, nil
}

// readSecrets returns the values of a record's secrets.
func (r *Record) readSecrets(dir string) (secretfile.Values, error) {
	if r.Secrets == "" {
		return nil, nil
	}
	text, err := os.ReadFile(filepath.Join(dir, filepath.Base(r.Secrets)))
	var v secretfile.Values
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("its secrets are gone from the local host's folder: `twofold deploy` puts them back")
	case err != nil:
		return nil, fmt.Errorf("read its secrets: %w", err)
	case json.Unmarshal(text, &v) != nil:
		return nil, errors.New("its secrets in the local host's folder are damaged: `twofold deploy` puts them back")
	}
	return v, nil
}

// sweepSecrets removes the files of secrets that the record does not name.
func (d *deployment) sweepSecrets() {
	keep := ""
	if r := d.recorded(); r != nil {
		keep = r.Secrets
	}
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), secretsPrefix) && e.Name() != keep {
			os.Remove(filepath.Join(d.dir, e.Name()))
		}
	}
}

// keeps reports whether a deployment holds exactly these values.
func (d *deployment) keeps(r *Record, v secretfile.Values) bool {
	kept, err := r.readSecrets(d.dir)
	return err == nil && maps.Equal(kept, v)
}
