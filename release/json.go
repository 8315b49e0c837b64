package release

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// canonical writes a value as compact JSON: fields in the order of the type, keys
// of maps sorted, no character escaped that need not be. Equal values give equal
// bytes on every machine.
func canonical(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("release: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// putJSON stores a value as canonical JSON.
func (s *Store) putJSON(mediaType string, v any) (descriptor, error) {
	b, err := canonical(v)
	if err != nil {
		return descriptor{}, err
	}
	return s.put(mediaType, b)
}
