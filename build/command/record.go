package command

import (
	"encoding/json"
	"os"
	"slices"
	"strings"

	"github.com/twofoldhq/twofold/build/tree"
	"github.com/twofoldhq/twofold/build/workdir"
)

// recordVersion changes whenever the content of a record gets another meaning.
const recordVersion = 1

// record is what is remembered of the last run that succeeded.
type record struct {
	Version  int           `json:"version"`
	Settings string        `json:"settings"`
	Inputs   tree.Identity `json:"inputs"`
	// Output is the identity of the output. It is empty if the output is the
	// folder of the sources, which people edit; then Files are the paths that were
	// there after the run, and none of them may be missing.
	Output tree.Identity `json:"output,omitempty"`
	Files  []string      `json:"files,omitempty"`
}

func (o output) recordOf(inputs, entries []tree.Entry) record {
	r := record{Version: recordVersion, Settings: o.digest(o.platform), Inputs: tree.Sum(inputs)}
	if !o.inPlace() {
		r.Output = tree.Sum(entries)
		return r
	}
	for _, e := range entries {
		r.Files = append(r.Files, e.Path)
	}
	return r
}

// unchanged reports whether the last run was on these inputs and left this output.
func (o output) unchanged(last record, inputs, entries []tree.Entry) bool {
	now := o.recordOf(inputs, entries)
	if last.Settings != now.Settings || last.Inputs != now.Inputs || last.Output != now.Output {
		return false
	}
	return holdsAll(now.Files, last.Files)
}

// holdsAll reports whether the first of two sorted lists holds all of the second.
func holdsAll(list, wanted []string) bool {
	for _, w := range wanted {
		i, found := slices.BinarySearchFunc(list, w, strings.Compare)
		if !found {
			return false
		}
		list = list[i+1:]
	}
	return true
}

// readRecord returns the record in a file. One that is missing, damaged or of
// another version is none.
func readRecord(path string) (record, bool) {
	data, err := os.ReadFile(path)
	if err != nil {
		return record{}, false
	}
	return parseRecord(data)
}

func parseRecord(data []byte) (record, bool) {
	var r record
	if err := json.Unmarshal(data, &r); err != nil || r.Version != recordVersion || r.Settings == "" || r.Inputs == "" {
		return record{}, false
	}
	// The one or the other says what was left; a record of neither proves nothing.
	if (r.Output == "") == (len(r.Files) == 0) || !slices.IsSorted(r.Files) {
		return record{}, false
	}
	return r, true
}

func (r record) write(path string) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return workdir.WriteFile(path, data)
}
